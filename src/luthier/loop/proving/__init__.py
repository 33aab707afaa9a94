"""Is it really better? Finalists on further splits, fresh seeds of winner and baseline."""
