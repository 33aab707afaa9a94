"""Around a user's own loop: what is wrong is said while it trains."""
