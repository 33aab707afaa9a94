"""How many trials train together: all there are, on one of a few sizes, if memory has room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RUNGS = (1, 4, 16, 64, 256)  # four compilations lie between one trial and 256


@dataclass
class Ladder:
    """The sizes of pack that a program is compiled for.

    Each is compiled when it is first needed, and kept: going from one to another costs no
    compilation. Lanes that no trial fills are computed all the same, so sizes lie close enough
    that most are filled, and far enough apart that few are compiled.

    Args:
        rungs: The sizes, the smallest first.
        share: Of the memory that is free, what a pack may take: the rest is head-room for what
            libraries keep for themselves, and for what an estimate overlooks.

    >>> ladder = Ladder()
    >>> ladder.size(5), ladder.size(1000)
    (16, 256)
    >>> ladder.fit({1: 10.0, 4: 25.0}, free=1000.0)  # 5 in any case, and 5 a trial
    >>> ladder.most
    64
    >>> ladder.halve(64)
    True
    >>> ladder.most, ladder.size(20), ladder.size(3)
    (32, 32, 4)
    """

    rungs: tuple[int, ...] = RUNGS
    share: float = 0.8

    @property
    def most(self) -> int:
        """The largest size."""
        return self.rungs[-1]

    def size(self, trials: int) -> int:
        """Return the smallest size that holds so many trials, or the largest there is."""
        return next((rung for rung in self.rungs if rung >= trials), self.most)

    def fit(self, needed: Mapping[int, float], free: float) -> None:
        """Leave out sizes that memory has no room for.

        Args:
            needed: Bytes that a pack takes, by those sizes for which that is known.
            free: Bytes that are there.
        """
        few, many = min(needed), max(needed)
        each = needed[many] / many
        if many > few:  # what is needed in any case, and what each trial adds
            each = (needed[many] - needed[few]) / (many - few)
        always = max(needed[many] - each * many, 0.0)
        room = int((self.share * free - always) / each) if each > 0 else self.most
        self.rungs = tuple(rung for rung in self.rungs if rung <= max(room, few))

    def halve(self, size: int) -> bool:
        """Take note that memory ran out at a size; tell whether there is a smaller one to try."""
        half = size // 2
        if not half:
            return False
        self.rungs = (*(rung for rung in self.rungs if rung < half), half)
        return True
