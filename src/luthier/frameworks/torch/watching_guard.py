"""What looks at a training never breaks it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch


class Guard:
    """Calls what looks, of whatever tensor class or device the user has.

    After the first thing that cannot be measured nothing is measured any more.

    >>> guard = Guard()
    >>> guard.look(lambda: 1 / 0)
    >>> guard.notes, guard.blind
    (['stopped measuring steps: ZeroDivisionError: division by zero'], True)
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.blind = False

    def look(self, look: Callable[[], None]) -> None:
        """Look at the training without a graph; if that fails, it goes on and is seen no more."""
        try:
            with torch.no_grad():
                look()
        except Exception as error:
            self.failed(error)

    def hook(self, look: Callable[..., None]) -> Hook:
        """Return a hook that calls what looks."""
        return Hook(self, look)

    def failed(self, error: Exception) -> None:
        """Take note of what could not be measured."""
        if not self.blind:
            self.notes.append(f"stopped measuring steps: {type(error).__name__}: {error}")
        self.blind = True


class Hook:
    """A hook that never fails, and that a compiler takes for nothing.

    Networks are copied and saved while they are trained, with their hooks. A copy is another
    network, and whoever loads one may not have luthier: this hook does nothing in them.

    >>> import copy
    >>> seen = []
    >>> hook = Guard().hook(seen.append)
    >>> hook("the network"), copy.deepcopy(hook)("its copy")
    (None, None)
    >>> seen
    ['the network']
    """

    __torch_unserializable__ = True  # a tensor that has it is saved without a warning

    def __init__(self, guard: Guard, look: Callable[..., None]) -> None:
        self._guard, self._look = guard, look

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Look at what the hook is told."""
        # A compiler would compile what is done here, and again at each value of a counter.
        if torch.compiler.is_compiling() or self._guard.blind:
            return
        try:
            self._look(*args, **kwargs)
        except Exception as error:
            self._guard.failed(error)

    def __reduce__(self) -> tuple[Any, ...]:
        """Become what takes anything and returns nothing, wherever Python is."""
        return getattr, (nullcontext(), "__exit__")
