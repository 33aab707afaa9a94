"""Which engine trains a network, and why."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from luthier import engines
from luthier.core import (
    Arrays,
    Captured,
    Engine,
    LuthierError,
    MissingExtraError,
    Recipe,
    Signature,
)
from luthier.loop.training.known import Known
from luthier.loop.training.measure import ROUGHLY, epoch_seconds
from luthier.loop.training.probe import probe
from luthier.report.amounts import short

AUTO = "auto"
SETUP = 4.0  # seconds that a first structure takes, until one was compiled
WORTH = 2.0  # times faster: as much as a search must gain that compiles half of the time
SLOW = 3e-3  # seconds a step: from there on a compiled step was less than twice as fast

COMPILED = "compiled "  # what the remark begins with that tells how much faster it was
_SHORT = "too short to pay for compiling"


@dataclass(eq=False)
class Choice:
    """Chooses an engine for each structure that occurs.

    Args:
        wanted: ``auto``: the first of the fast engines that trains a network like the reference,
            as soon as that pays; the name of a fast engine: that one, for all that it trains
            like the reference; the reference's name: always.
        timed: Whether time is what the budget counts. Then a strategy is told the `price` of a
            structure and proposes few, so that each of them is compiled at once.
        framework: Whose networks they are; each framework has its reference.

    Attributes:
        known: What it has found out so far. Another choice on the same machine may begin with it.

    >>> Choice("torch_eager").wanted
    'torch_eager'
    """

    wanted: str = AUTO
    timed: bool = False
    framework: str = "torch"
    _engines: dict[str, Engine] = field(init=False, default_factory=dict)
    known: Known = field(init=False, default_factory=Known)

    def __post_init__(self) -> None:
        if self.wanted != AUTO:
            self.engine(self.wanted)  # a missing library is told before a study begins

    def engine(self, name: str) -> Engine:
        """Return the engine of a name, the same every time: engines keep what they compiled."""
        if name not in self._engines:
            self._engines[name] = engines.load(name, self.framework)
        return self._engines[name]

    @property
    def reference(self) -> str:
        """The engine that others are held to: plain training in the framework itself."""
        return engines.REFERENCES[self.framework]

    def check(self, fixed: str, trial: int) -> None:
        """Refuse to go on with a trial on another engine than it began on.

        Raises:
            LuthierError: when the other one was asked for by name.
        """
        if self.wanted not in (AUTO, fixed) and not self._may_be_left_to(fixed):
            raise LuthierError(
                f"trial {trial} began on the engine {fixed}, and this worker trains with "
                f"{self.wanted}. Go on with: --engine {fixed}"
            )

    def name(
        self, captured: Captured, arrays: Arrays, recipe: Recipe, seed: int, *, epochs: int
    ) -> str:
        """Return the name of the engine for a trial that is about to begin.

        Compiling is bought like skis: a structure trains on the reference until that has cost as
        much as compiling would have, and is compiled then. So it costs at most twice what it
        would have cost to know all trials beforehand. Before its first epoch a structure is
        taken to be as slow as the others were on average.

        Args:
            captured: The network.
            arrays: The data.
            recipe: How it will be trained.
            seed: Of the trial.
            epochs: How many it is about to train.
        """
        if not self._is_probed:
            return self.wanted
        signature = _shared(captured)
        if signature in self.known.chosen:
            return self.known.chosen[signature]
        first = next(self._fast(), None)
        if first is None:
            return self._refuse("there is no C compiler, and JAX is not installed")
        spent = math.inf
        if self.wanted == AUTO:
            price = first.setup_seconds(captured)
            if not self.known.steps:
                plain = self.engine(self.reference)  # where that is close it is measured again
                seconds = epoch_seconds(plain, captured, arrays, recipe, seed, enough=ROUGHLY)
                self._add(steps=_steps(captured, arrays), seconds=seconds)
            pace = self.known.seconds / self.known.steps
            spent = self.known.spent.get(signature, 0.0) + pace * epochs * _steps(captured, arrays)
            if self.price and pace < SLOW:
                spent = math.inf
            if spent < price:
                return self._refuse(_SHORT)
        begun = time.monotonic()
        chosen = self._tried(self._fast(), captured, arrays, recipe, seed, spent)
        if chosen is None:
            return self._refuse(_SHORT)
        if chosen != self.reference and self.wanted == AUTO:
            chosen = self._faster(self.engine(chosen), captured, arrays, recipe, seed)
        took = time.monotonic() - begun
        self._add(
            chosen={**self.known.chosen, signature: chosen}, prices=(*self.known.prices, took)
        )
        return chosen

    @property
    def price(self) -> float:
        """Seconds that a structure costs which no trial has had; 0 where few would bring nothing.

        That is: where the budget does not count time, nothing can be compiled, or what was
        compiled gained too little.
        """
        # A pack fills with trials of one structure, whatever the budget counts.
        if not (self.timed or self.packs) or not self._is_probed:
            return 0.0
        known = self.known
        if known.chosen and {*known.chosen.values()} == {self.reference}:
            return 0.0
        if next(self._fast(), None) is None:
            return 0.0
        if known.gains and median(slow / fast for fast, slow in known.gains) < WORTH:
            return 0.0
        return sum(known.prices) / len(known.prices) if known.prices else SETUP

    @property
    def reads_rates(self) -> bool:
        """Whether networks that differ in rates of dropout alone have one signature.

        Keras' configurations hold the rates of a builder's own layers, PyTorch's fingerprints none.
        """
        return self.framework == "torch"

    def _fast(self) -> Iterator[Engine]:
        """Yield the fast engines that may be tried and whose tools are installed.

        One is made when it is asked for: importing JAX takes longer than many a training does
        that the engine before it can do.
        """
        for name in engines.FAST[self.framework] if self.wanted == AUTO else (self.wanted,):
            with contextlib.suppress(MissingExtraError):
                yield self.engine(name)

    def _may_be_left_to(self, fixed: str) -> bool:
        """Tell whether a trial may have begun on an engine because the wanted one refused it."""
        return fixed == self.reference and self._is_probed

    @property
    def packs(self) -> bool:
        """Whether what trains takes many trials at a time."""
        return self.wanted in engines.PACKS.values()

    @property
    def _is_probed(self) -> bool:
        """Whether what is wanted has to train like the reference, which steps in otherwise."""
        return self.packs or self.wanted in (AUTO, *engines.FAST[self.framework])

    def spend(
        self, engine: Engine, captured: Captured, arrays: Arrays, epochs: int, seconds: float
    ) -> None:
        """Note what epochs cost; what they cost in plain PyTorch decides what pays."""
        if engine.name != self.reference:
            return
        signature, known = _shared(captured), self.known
        self._add(
            spent={**known.spent, signature: known.spent.get(signature, 0.0) + seconds},
            seconds=known.seconds + seconds,
            steps=known.steps + epochs * _steps(captured, arrays),
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """Which engines train and why, in words."""
        lines = []
        gains = self.known.gains
        if gains:
            fast, slow = (1e3 * median(times) for times in zip(*gains, strict=True))
            many = f"{len(gains)} structures" if len(gains) > 1 else "one structure"
            lines.append(
                f"{COMPILED}{many}: an epoch takes {short(fast)} ms, and {short(slow)} ms in plain "
                f"{self._plain}"
            )
        lines += [f"trained in plain {self._plain}: {reason}" for reason in self.known.refused]
        return tuple(lines)

    @property
    def _plain(self) -> str:
        return {"torch": "PyTorch", "keras": "Keras"}[self.framework]

    def _tried(
        self,
        fast: Iterable[Engine],
        captured: Captured,
        arrays: Arrays,
        recipe: Recipe,
        seed: int,
        spent: float,
    ) -> str | None:
        """Return the name of the first fast engine that trains a network as the reference does.

        None where the first ones refuse it, and the next one's setup takes longer than was spent.
        """
        reasons: list[str] = []
        last = ""
        for engine in fast:
            if reasons and engine.setup_seconds(captured) > spent:
                return None
            last = engine.name
            reason = engine.refuses(captured, recipe)
            if reason is None:
                reference = self.engine(self.reference)
                reason = probe(engine, reference, captured, arrays, recipe, seed)
            if reason is None:
                return engine.name
            reasons.append(reason)
        if self.wanted == AUTO and last != engines.FAST[self.framework][-1]:
            return self._refuse(f"{reasons[-1]} (JAX may: pip install 'luthier[fast]')")
        return self._refuse(reasons[-1])

    def _faster(
        self,
        fast: Engine,
        captured: Captured,
        arrays: Arrays,
        recipe: Recipe,
        seed: int,
    ) -> str:
        """Return the faster engine's name."""
        mine = epoch_seconds(fast, captured, arrays, recipe, seed)
        theirs = _steps(captured, arrays) * self.known.seconds / self.known.steps
        if mine * WORTH > theirs:  # then what others took on average is not enough to know
            theirs = epoch_seconds(self.engine(self.reference), captured, arrays, recipe, seed)
        if mine > theirs:
            return self._refuse(f"{1e3 * theirs:.2g} ms an epoch, and {1e3 * mine:.2g} compiled")
        self._add(gains=(*self.known.gains, (mine, theirs)))
        return fast.name

    def _refuse(self, reason: str) -> str:
        self._add(refused=tuple(dict.fromkeys((*self.known.refused, reason))))
        return self.reference

    def _add(self, **found: Any) -> None:
        self.known = replace(self.known, **found)


def _shared(captured: Captured) -> Signature:
    """Leave out what programs need not share: rates are computed outside, data are passed in."""
    return replace(captured.signature, schedule="", arrays="")


def _steps(captured: Captured, arrays: Arrays) -> int:
    return max(1, len(arrays.train) // captured.signature.batch_size)
