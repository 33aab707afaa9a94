"""What looks at a training never breaks it."""

from __future__ import annotations

from collections.abc import Callable
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
            self._failed(error)

    def hook(self, look: Callable[..., None]) -> Callable[..., None]:
        """Return a hook that never fails, and that a compiler takes for nothing."""

        def guarded(*args: Any, **kwargs: Any) -> None:
            # A compiler would compile what is done here, and again at each value of a counter.
            if torch.compiler.is_compiling() or self.blind:
                return
            try:
                look(*args, **kwargs)
            except Exception as error:
                self._failed(error)

        return guarded

    def _failed(self, error: Exception) -> None:
        if not self.blind:
            self.notes.append(f"stopped measuring steps: {type(error).__name__}: {error}")
        self.blind = True
