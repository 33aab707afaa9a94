"""Small convolutional network for images."""

from __future__ import annotations

from typing import Annotated

from luthier.catalog.families.family import Family
from luthier.catalog.families.layers import (
    Layer,
    Network,
    activate,
    conv,
    dropout,
    global_average_pool,
    linear,
    max_pool,
    normalise,
)
from luthier.core import BuilderError, Categorical, Int

SMALLEST = 4


def cnn(
    input_shape: tuple[int, ...],
    n_outputs: int,
    width: Annotated[int, Int(8, 64, log=True)] = 32,
    depth: Annotated[int, Int(2, 4)] = 3,
    activation: Annotated[str, Categorical("relu", "gelu", "silu")] = "relu",
    normalisation: Annotated[str, Categorical("none", "batch")] = "batch",
) -> Network:
    """Return `depth` stages of a 3x3 convolution, each with twice the channels of the last.

    A stage halves the images while their shorter side is 4 or more, so that 8x8 digits and
    64x64 photographs both work; the last stage's channels are averaged over the image.

    Sources: Simonyan & Zisserman 2015, "Very Deep Convolutional Networks" (3x3 stages); Lin et
    al. 2014, "Network In Network" (global average pooling).

    Args:
        input_shape: Channels, height and width.
        n_outputs: Classes, or numbers to predict.
        width: Channels of the first stage.
        depth: Stages.
        activation: A name of `luthier.catalog.activations`.
        normalisation: ``none`` or ``batch``.

    Raises:
        BuilderError: for inputs that are no images.

    >>> [layer.kind for layer in cnn((1, 8, 8), 10, depth=1, normalisation="none")]
    ['conv', 'activation', 'max_pool', 'global_average_pool', 'dropout', 'linear']
    """
    if len(input_shape) != 3:
        raise BuilderError(
            f"cnn got rows of shape {tuple(input_shape)}. It needs images of shape (channels, "
            "height, width). Reshape the data, or use the family mlp or resnet."
        )
    channels, *sides = input_shape
    layers: list[Layer] = []
    for stage in range(depth):
        filters = width * 2**stage
        layers.append(conv(channels, filters, 3, padding=1))
        layers += [*normalise(normalisation, filters, images=True), activate(activation)]
        if min(sides) >= SMALLEST:
            layers.append(max_pool(2))
            sides = [side // 2 for side in sides]
        channels = filters
    return (*layers, global_average_pool(), dropout(), linear(channels, n_outputs))


CNN = Family("cnn", cnn, "Simonyan & Zisserman 2015, Very Deep Convolutional Networks")
