"""What a long study takes in memory, and whether its decisions stay quick."""
