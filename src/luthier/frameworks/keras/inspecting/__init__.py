"""Measures a live Keras model before training, and leaves it as it was."""

from luthier.frameworks.keras.inspecting.inspect import inspect, rows_of

__all__ = ["inspect", "rows_of"]
