"""What a family is: a builder of luthier's own, with a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from luthier.catalog.families.layers import Network
from luthier.core import Build


@dataclass(frozen=True)
class Family:
    """A network family as neutral data.

    Args:
        name: What a recipe's `network` calls it.
        function: Takes reserved names and its own arguments, as a user's builder does; returns
            neutral layers.
        reference: The source.

    >>> from luthier.catalog.families import by_name
    >>> by_name("mlp").build.defaults["depth"]
    2
    """

    name: str
    function: Callable[..., Network]
    reference: str

    @cached_property
    def build(self) -> Build:
        """The family as a builder: its ranges, defaults and source."""
        return Build.read(self.function, self.name)
