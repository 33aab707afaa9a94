"""Measures a live network before training, and leaves it as it was."""

from luthier.frameworks.torch.inspecting.inspect import inspect, rows_of

__all__ = ["inspect", "rows_of"]
