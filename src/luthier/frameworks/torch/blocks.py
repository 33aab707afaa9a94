"""Blocks that the built-in families need and PyTorch does not have.

Their source goes into ``train.py`` as it stands: they need torch alone.
"""

import torch
from torch import nn


class Residual(nn.Module):
    """Adds what its layers make of an input to the input.

    >>> Residual(nn.Identity())(torch.ones(1))
    tensor([2.])
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum; its shape is the input's."""
        y: torch.Tensor = self.layers(x)
        return x + y


class TabularInput(nn.Module):
    """Joins numbers of shape (rows, features) and embedded codes of shape (rows, columns).

    Args:
        cardinalities: Number of codes of each column.
        sizes: Length of each column's embedding.
    """

    def __init__(self, cardinalities: tuple[int, ...], sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(
            nn.Embedding(count, size) for count, size in zip(cardinalities, sizes, strict=True)
        )

    def forward(self, numbers: torch.Tensor, *codes: torch.Tensor) -> torch.Tensor:
        """Return a matrix; without codes it is the numbers, flattened."""
        parts = [numbers.flatten(1)]
        for column, embedding in enumerate(self.embeddings):
            parts.append(embedding(codes[0][:, column]))
        return torch.cat(parts, dim=1)


class GlobalAveragePool(nn.Module):
    """Averages images over height and width: (rows, channels, h, w) to (rows, channels)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the averages."""
        return x.mean(dim=(-2, -1))


class Network(nn.Sequential):
    """A sequence whose first layer may take several inputs."""

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the last layer's outputs."""
        first, *rest = self
        x: torch.Tensor = first(*inputs)
        for layer in rest:
            x = layer(x)
        return x
