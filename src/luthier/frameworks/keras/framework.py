"""Keras networks on whichever backend the process runs: TensorFlow, JAX or PyTorch."""

from __future__ import annotations

import keras


class KerasFramework:
    """The framework of `keras.Model`."""

    name = "keras"

    def owns(self, model: object) -> bool:
        """Tell whether an object is a Keras network.

        >>> KerasFramework().owns(keras.Sequential()), KerasFramework().owns(object())
        (True, False)
        """
        return isinstance(model, keras.Model)
