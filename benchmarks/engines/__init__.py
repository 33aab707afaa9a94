"""Engines against the loop that a good PyTorch user writes."""
