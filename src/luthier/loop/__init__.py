"""The loop: the only place where the families meet."""
