"""Initialisers by name: what distribution kernels start from. Biases start at zero."""

from __future__ import annotations

import math
from dataclasses import dataclass

from luthier.catalog.lookup import lookup


@dataclass(frozen=True)
class Initialiser:
    """A distribution of initial kernels as neutral data.

    Args:
        name: What a recipe calls it.
        distribution: ``uniform``, ``normal``, ``truncated_normal`` (at -2 and 2, as
            `torch.nn.init.trunc_normal_` does) or ``orthogonal``.
        scale: The variance times the fan; the standard deviation where there is no fan.
        fan: ``in``, ``average`` (of in and out), or ``none``.
        reference: The source.

    >>> round(by_name("kaiming_normal").deviation(fan_in=50, fan_out=10), 3)
    0.2
    """

    name: str
    distribution: str
    scale: float
    fan: str
    reference: str

    def deviation(self, fan_in: int, fan_out: int) -> float:
        """Return the standard deviation; a uniform's bound is that times the root of 3.

        Args:
            fan_in: Values that one output sums over: inputs, times the area of a convolution.
            fan_out: The same for one input.
        """
        if self.fan == "none":
            return self.scale
        fan = fan_in if self.fan == "in" else (fan_in + fan_out) / 2
        return math.sqrt(self.scale / fan)


_HE = "He et al. 2015, Delving Deep into Rectifiers"
_GLOROT = "Glorot & Bengio 2010, Understanding the difficulty of training deep networks"

ALL: tuple[Initialiser, ...] = (
    Initialiser("kaiming_uniform", "uniform", 2.0, "in", _HE),
    Initialiser("kaiming_normal", "normal", 2.0, "in", _HE),
    Initialiser("xavier_uniform", "uniform", 1.0, "average", _GLOROT),
    Initialiser("xavier_normal", "normal", 1.0, "average", _GLOROT),
    Initialiser("lecun_normal", "normal", 1.0, "in", "LeCun et al. 1998, Efficient BackProp"),
    Initialiser("orthogonal", "orthogonal", 1.0, "none", "Saxe et al. 2014, Exact solutions"),
    Initialiser("truncated_normal", "truncated_normal", 0.02, "none", "Devlin et al. 2019, BERT"),
)


def by_name(name: str) -> Initialiser:
    """Return the initialiser of that name.

    Raises:
        RecipeError: for a name that no initialiser has.

    >>> by_name("lecun_normal").fan
    'in'
    """
    return lookup(ALL, name, "initialiser")
