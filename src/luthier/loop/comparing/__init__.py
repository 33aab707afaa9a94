"""A against B, without tuning anything."""
