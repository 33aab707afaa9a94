"""The laws that every member of a family keeps, for whoever adds one. They need pytest."""
