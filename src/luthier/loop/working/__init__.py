"""How a study is worked on: workers, what they are sent, who looks after them, and the budget."""
