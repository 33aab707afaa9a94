"""Searches on published learning curves: how many epochs they need to a good recipe."""
