"""Diagnose, repair and tune the training of neural networks."""
