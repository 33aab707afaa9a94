"""Masks in C: what is added to scores of attention, or values, and what takes their place."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from luthier.core import CaptureError
from luthier.engines.native.elementwise import number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


@dataclass(frozen=True)
class Mask:
    """What becomes of the score of query ``t`` and key ``s``, in head ``h`` of example ``b``.

    Or else of a value's column ``j`` in row ``t`` of example ``b``.

    Args:
        times: What it is multiplied by, as `Given` writes it; nothing where that is empty.
        adds: What is added to it.
        fills: What takes its place: no number where it keeps it.
        rules_out: Whether that is minus infinity wherever it is a number.
        tensors: Those that both read.
    """

    adds: str = ""
    fills: str = ""
    times: str = ""
    rules_out: bool = True
    tensors: frozenset[str] = frozenset()

    def added(self, text: str, tensors: frozenset[str]) -> Mask:
        """Add a number to each score."""
        return replace(
            self,
            adds=f"({self.adds} + {text})" if self.adds else text,
            fills=f"({self.fills} + {text})" if self.fills else "",
            tensors=self.tensors | tensors,
        )

    def filled(self, test: str, text: str, tensors: frozenset[str]) -> Mask:
        """Put a number in the place of each score that passes a test."""
        return replace(
            self,
            fills=f"({test} ? (real){text} : (real){self.fills or 'NAN'})",
            rules_out=self.rules_out and text == "(-INFINITY)",
            tensors=self.tensors | tensors,
        )

    def scaled(self, by: float) -> Mask:
        """Multiply all scores."""
        return replace(
            self,
            adds=f"({number(by)} * {self.adds})" if self.adds else "",
            fills=f"({number(by)} * {self.fills})" if self.fills else "",
            rules_out=self.rules_out and by > 0,
        )


NO_MASK = Mask()


def fixed(layers: Iterable[Layer], trainable: Iterable[str]) -> None:
    """Check that no mask trains: gradients do not go back through it.

    Raises:
        CaptureError: where one does.
    """
    trains = {*trainable}
    for layer in layers:
        mask = layer.numbers.get("mask")
        if isinstance(mask, Mask) and (found := trains & mask.tensors):
            raise CaptureError(f"it masks by '{min(found)}', which trains")


@dataclass(frozen=True)
class Masking:
    """Writes the mask of an attention layer.

    Args:
        to: What is written.
        mask: The mask.
        name: Begins the names of arrays.
        sizes: Queries, keys, and keys filled up to whole vectors.
        spares: Whether a query that is left nothing to look at sees zeros.
    """

    to: Writer
    mask: Mask
    name: str
    sizes: tuple[int, int, int]
    spares: bool

    def _array(self, part: str) -> str:
        places, _, filled = self.sizes
        return self.to.array(f"{self.name}_{part}", places * filled)

    def _parts(self, *, back: bool) -> list[tuple[str, str]]:
        parts = [("fills", self.mask.fills), ("adds", self.mask.adds)]
        if back:
            parts = [] if self.mask.rules_out else parts[:1]
        return [(part, written(self.to, text)) for part, text in parts if text]

    def _computed(self, part: str, text: str) -> list[str]:
        places, seen, filled = self.sizes
        return [
            f"  for (long t = 0; t < {places}; t++) EACH(s, {seen})",
            f"    {self._array(part)}[t * {filled} + s] = {text};",
        ]

    def before(self, *, back: bool = False) -> list[str]:
        """Return the lines that compute what is the same for all examples."""
        return [
            line
            for part, text in self._parts(back=back)
            if not reads(text, "bh")
            for line in self._computed(part, text)
        ]

    def of_head(self, *, back: bool = False) -> list[str]:
        """Return the lines that compute the rest, as seldom as it changes."""
        lines: list[str] = []
        for part, text in self._parts(back=back):
            if reads(text, "h"):
                lines += self._computed(part, text)
            elif reads(text, "b"):
                lines += ["  if (h == 0) {", *self._computed(part, text), "  }"]
        return lines

    def applied(self, scores: str) -> list[str]:
        """Return the lines that mask a head's scores."""
        places, seen, filled = self.sizes
        lines = [
            f"    row[s] = {self._array('fills')}[t * {filled} + s] == "
            f"{self._array('fills')}[t * {filled} + s] ? {self._array('fills')}[t * {filled} + s] "
            ": row[s];",
            f"    row[s] += {self._array('adds')}[t * {filled} + s];",
        ]
        wanted = [bool(self.mask.fills), bool(self.mask.adds)]
        if not any(wanted) and not self.spares:
            return []
        made = [
            f"  for (long t = 0; t < {places}; t++) {{",
            f"    real *row = {scores} + t * {filled};",
        ]
        if wanted[1]:
            made += [f"    EACH(s, {seen})", f"  {lines[1]}"]
        if wanted[0]:
            made += [f"    EACH(s, {seen})", f"  {lines[0]}"]
        if self.spares:
            made += [
                "    int none = 1;",
                f"    for (long s = 0; s < {seen}; s++) none &= row[s] == -INFINITY;",
                f"    {self._none()}[t] = none;",
                f"    if (none) EACH(s, {seen}) row[s] = 0;",
            ]
        return [*made, "  }"]

    def _none(self) -> str:
        return self.to.array(f"{self.name}_none", self.sizes[0])

    def spared(self, shares: str) -> list[str]:
        """Return the lines that take their shares from queries with nothing to look at."""
        if not self.spares:
            return []
        places, _, filled = self.sizes
        return [
            f"  for (long t = 0; t < {places}; t++) if ({self._none()}[t])",
            f"    EACH(s, {filled}) {shares}[t * {filled} + s] = 0;",
        ]

    def held(self) -> list[str]:
        """Return the line that stops the gradients of scores whose place something took."""
        if not self._parts(back=True):
            return []
        _, seen, filled = self.sizes
        fills = f"{self._array('fills')}[t * {filled} + s]"
        return [f"    EACH(s, {seen}) slope[s] = {fills} == {fills} ? 0 : slope[s];"]


def written(to: Writer, text: str) -> str:
    """Put the names of arrays in an expression of `Given`."""
    x = to.plan.input
    text = text.replace("<X>", to.value(x)).replace("<D>", str(to.stride(x)))
    text = re.sub("<W:([^>]*)>", lambda found: to.tensor(found[1]), text)
    return re.sub("<S:([^>]*)>", lambda found: str(to.memory.places[found[1]].stride), text)


def reads(text: str, names: str) -> bool:
    """Tell whether an expression reads one of some places, each named by a letter."""
    return bool(re.search(rf"\b[{names}]\b", text))
