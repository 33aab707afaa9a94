"""Multilayer perceptron: for tables, and a first try on anything else."""

from __future__ import annotations

from typing import Annotated

from luthier.catalog.families.family import Family
from luthier.catalog.families.layers import (
    Layer,
    Network,
    activate,
    dropout,
    flatten,
    linear,
    normalise,
)
from luthier.core import Categorical, Int


def mlp(
    n_features: int,
    n_outputs: int,
    width: Annotated[int, Int(16, 512, log=True, likely=(256, 512))] = 128,
    depth: Annotated[int, Int(1, 4)] = 2,
    activation: Annotated[str, Categorical("relu", "gelu", "silu", "tanh")] = "relu",
    normalisation: Annotated[str, Categorical("none", "batch", "layer")] = "batch",
) -> Network:
    """Return `depth` hidden layers of equal width.

    Inputs of any shape are flattened. Every hidden layer ends in a dropout that does nothing
    until the recipe's `dropout` sets it.

    Source: Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating
    errors".

    Args:
        n_features: Numbers of one row.
        n_outputs: Classes, or numbers to predict.
        width: Units of a hidden layer.
        depth: Hidden layers.
        activation: A name of `luthier.catalog.activations`.
        normalisation: Before the activation: ``none``, ``batch`` or ``layer``. Batches are the
            default: on small tables it cost least log-loss, but it needs a batch size above 1.

    >>> [layer.kind for layer in mlp(64, 10, depth=1)]
    ['flatten', 'linear', 'batch_norm', 'activation', 'dropout', 'linear']
    """
    layers: list[Layer] = [flatten()]
    inputs = n_features
    for _ in range(depth):
        layers += [linear(inputs, width), *normalise(normalisation, width)]
        layers += [activate(activation), dropout()]
        inputs = width
    return (*layers, linear(inputs, n_outputs))


MLP = Family("mlp", mlp, "Rumelhart, Hinton & Williams 1986")
