"""Residual network for tables, with embeddings for categories."""

from __future__ import annotations

import math
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
    residual,
    tabular_input,
)
from luthier.core import Categorical, Float, Int


def resnet(
    n_features: int,
    n_outputs: int,
    cardinalities: tuple[int, ...] = (),
    width: Annotated[int, Int(32, 512, log=True)] = 128,
    depth: Annotated[int, Int(1, 6)] = 2,
    hidden_factor: Annotated[float, Float(1.0, 4.0)] = 2.0,
    activation: Annotated[str, Categorical("relu", "gelu", "silu")] = "relu",
    normalisation: Annotated[str, Categorical("batch", "layer")] = "batch",
) -> Network:
    """Return a linear layer, `depth` residual blocks and a normalised head.

    A block is normalisation, linear, activation, dropout, linear, added to its input.

    Source: Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data". Its second
    dropout, after a block's last layer, is left out: the paper's tuning often turned it off, and
    the recipe has one `dropout`.

    Args:
        n_features: Numbers of one row, codes not counted.
        n_outputs: Classes, or numbers to predict.
        cardinalities: Number of codes of each categorical column.
        width: Units between blocks.
        depth: Blocks.
        hidden_factor: Units inside a block, as a multiple of `width`.
        activation: A name of `luthier.catalog.activations`.
        normalisation: ``batch`` or ``layer``.

    >>> [layer.kind for layer in resnet(8, 1, depth=1)]
    ['flatten', 'linear', 'residual', 'batch_norm', 'activation', 'linear']
    """
    sizes = tuple(embedding_size(count) for count in cardinalities)
    hidden = max(1, round(width * hidden_factor))
    layers: list[Layer] = [tabular_input(cardinalities, sizes) if cardinalities else flatten()]
    layers.append(linear(n_features + sum(sizes), width))
    for _ in range(depth):
        inner = (*normalise(normalisation, width), linear(width, hidden), activate(activation))
        layers.append(residual(*inner, dropout(), linear(hidden, width)))
    head = (*normalise(normalisation, width), activate(activation), linear(width, n_outputs))
    return (*layers, *head)


def embedding_size(cardinality: int) -> int:
    """Return the length of the embedding of a column with that many codes.

    Source: fast.ai's rule of thumb `emb_sz_rule`, 1.6 n^0.56, here rounded up and at most 50.

    >>> embedding_size(2), embedding_size(12), embedding_size(10_000)
    (3, 7, 50)
    """
    return min(50, math.ceil(1.6 * math.pow(cardinality, 0.56)))


RESNET = Family("resnet", resnet, "Gorishniy et al. 2021, Revisiting Deep Learning Models")
