"""Measures a live network before training, and leaves it as it was."""

from luthier.frameworks.torch.inspecting.inspect import inspect

__all__ = ["inspect"]
