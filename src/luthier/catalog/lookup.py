"""Find a member of a family by its name, or say what there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from luthier.core import RecipeError, did_you_mean


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """What recipes call it."""
        ...


M = TypeVar("M", bound=Named)


def lookup(members: Sequence[M], name: str, kind: str) -> M:
    """Return the member of that name.

    Args:
        members: A folder's ``ALL``.
        name: What a recipe says.
        kind: What the members are, for the message.

    Raises:
        RecipeError: for a name that no member has.

    >>> from luthier.catalog.optimizers import ALL
    >>> lookup(ALL, "adam", "optimizer").name
    'adam'
    >>> lookup(ALL, "adm", "optimizer")
    Traceback (most recent call last):
    luthier.core.errors.RecipeError: no optimizer 'adm'. Did you mean 'adam'? There are: ...
    """
    for member in members:
        if member.name == name:
            return member
    names = [member.name for member in members]
    raise RecipeError(
        f"no {kind} '{name}'.{did_you_mean(str(name), names)} There are: {', '.join(names)}."
    )
