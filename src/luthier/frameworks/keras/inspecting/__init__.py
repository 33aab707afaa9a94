"""Measures a live Keras model before training, and leaves it as it was."""
