"""Initial weights by name, for the kernels of linear, convolutional and recurrent layers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from luthier.core import RecipeError

_LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase)


def initialise(module: nn.Module, name: str) -> None:
    """Draw the kernels anew from torch's generator; biases become 0, embeddings stay.

    Raises:
        RecipeError: for a name that is none of the catalog's.
    """
    with torch.no_grad():
        for layer in module.modules():
            if not isinstance(layer, _LAYERS):
                continue
            for key, parameter in layer.named_parameters(recurse=False):
                if parameter.ndim >= 2:
                    _draw(parameter, name)
                elif "bias" in key:
                    parameter.zero_()


def _draw(kernel: Tensor, name: str) -> None:
    match name:
        case "kaiming_uniform":
            nn.init.kaiming_uniform_(kernel, nonlinearity="relu")
        case "kaiming_normal":
            nn.init.kaiming_normal_(kernel, nonlinearity="relu")
        case "xavier_uniform":
            nn.init.xavier_uniform_(kernel)
        case "xavier_normal":
            nn.init.xavier_normal_(kernel)
        case "lecun_normal":
            fan_in = kernel[0].numel()
            nn.init.normal_(kernel, std=1 / math.sqrt(fan_in))
        case "orthogonal":
            nn.init.orthogonal_(kernel)
        case "truncated_normal":
            nn.init.trunc_normal_(kernel, std=0.02, a=-0.04, b=0.04)
        case _:
            raise RecipeError(f"initialiser: no '{name}'. See docs/recipe.md for the names.")
