"""What a study leaves as files, and how those train and predict again."""
