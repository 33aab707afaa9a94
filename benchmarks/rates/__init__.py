"""Suggested learning rates against a fine grid at full length."""
