"""The Keras engine."""
