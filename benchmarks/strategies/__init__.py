"""Strategies head to head on real training, and what a learnt schedule is worth."""
