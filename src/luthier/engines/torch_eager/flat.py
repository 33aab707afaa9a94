"""Parameters as one flat vector, so that an optimizer is ten operations and not ten a tensor."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Flat:
    """All trainable parameters of a module as views of one vector, kernels first.

    Args:
        module: Its parameters are moved into the vector; names, shapes and ties stay.

    Attributes:
        weights: The vector.
        gradients: The vector that backward passes add to.
        kernels: Number of leading values that belong to tensors of two dimensions or more.
        names: Name of each parameter, in the order of the vector.

    >>> flat = Flat(nn.Linear(3, 2))
    >>> len(flat.weights), flat.kernels, flat.names
    (8, 6, ('weight', 'bias'))
    """

    def __init__(self, module: nn.Module) -> None:
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        named.sort(key=lambda pair: pair[1].ndim < 2)
        if not named:
            raise ValueError("the network has no trainable parameter")
        self.names = tuple(name for name, _ in named)
        self._parameters = [p for _, p in named]
        dtypes = {p.dtype for p in self._parameters}
        if len(dtypes) > 1:
            raise ValueError(f"parameters have different types: {sorted(map(str, dtypes))}")
        self.weights = torch.cat([p.detach().reshape(-1) for p in self._parameters])
        self.gradients = torch.zeros_like(self.weights)
        self.kernels = sum(p.numel() for p in self._parameters if p.ndim >= 2)
        self._views: list[Tensor] = []
        start = 0
        for parameter in self._parameters:
            end = start + parameter.numel()
            parameter.data = self.weights[start:end].view_as(parameter)
            parameter.grad = self.gradients[start:end].view_as(parameter)
            self._views.append(parameter.grad)
            start = end

    def collect(self) -> None:
        """Bring home gradients that autograd replaced (sparse ones), or that were set to None."""
        for parameter, view in zip(self._parameters, self._views, strict=True):
            if parameter.grad is not view:
                if parameter.grad is not None:
                    dense = (
                        parameter.grad.to_dense() if parameter.grad.is_sparse else parameter.grad
                    )
                    view.copy_(dense)
                parameter.grad = view

    def norms(self, vector: Tensor) -> list[float]:
        """Return the norm of each kernel's share of a vector, in the order of the names."""
        sizes = [p.numel() for p in self._parameters if p.ndim >= 2]
        parts = torch.split(vector[: self.kernels], sizes)
        return torch.stack([part.norm() for part in parts]).tolist() if sizes else []

    @property
    def kernel_names(self) -> tuple[str, ...]:
        """Names of the parameters with two dimensions or more."""
        return tuple(
            name for name, p in zip(self.names, self._parameters, strict=True) if p.ndim >= 2
        )
