"""Network families: one file each, lists of neutral layers that a framework builds.

To add one: a file with its function and its `Family`, and an entry in `ALL`.
"""

from __future__ import annotations

from luthier.catalog.families.cnn import CNN
from luthier.catalog.families.family import Family
from luthier.catalog.families.layers import KINDS, Layer, Network, walk
from luthier.catalog.families.mlp import MLP
from luthier.catalog.families.resnet import RESNET
from luthier.catalog.lookup import lookup

__all__ = ["ALL", "KINDS", "Family", "Layer", "Network", "by_name", "walk"]

ALL: tuple[Family, ...] = (MLP, RESNET, CNN)


def by_name(name: str) -> Family:
    """Return the family of that name.

    Raises:
        RecipeError: for a name that no family has.

    >>> by_name("cnn").build.reserved
    ('input_shape', 'n_outputs')
    """
    return lookup(ALL, name, "network family")
