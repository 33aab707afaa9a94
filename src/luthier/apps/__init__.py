"""Apps: argument parsing and serving, no logic of their own."""
