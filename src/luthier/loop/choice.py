"""Which engine trains a network, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median

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
from luthier.loop.measure import epoch_seconds
from luthier.loop.probe import probe

AUTO = "auto"
FAST = "compiled"
REFERENCE = "torch_eager"
_SHORT = "too short to pay for compiling"


@dataclass(eq=False)
class Choice:
    """Chooses an engine for each structure that occurs.

    Args:
        wanted: ``auto``: the compiled engine for what it trains like the reference, as soon as
            that pays; the name of the compiled engine: for all that it trains like the
            reference; another engine's name: always.

    >>> Choice("torch_eager").wanted
    'torch_eager'
    """

    wanted: str = AUTO
    _engines: dict[str, Engine] = field(init=False, default_factory=dict)
    _chosen: dict[object, str] = field(init=False, default_factory=dict)
    _slow: dict[Signature, float] = field(init=False, default_factory=dict)
    _spent: dict[Signature, float] = field(init=False, default_factory=dict)
    _gains: list[tuple[float, float]] = field(init=False, default_factory=list)
    _refused: dict[str, None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.wanted != AUTO:
            self.engine(self.wanted)  # a missing library is told before a study begins

    def engine(self, name: str) -> Engine:
        """Return the engine of a name, the same every time: engines keep what they compiled."""
        if name not in self._engines:
            self._engines[name] = engines.load(name)
        return self._engines[name]

    def check(self, fixed: str, trial: int) -> None:
        """Refuse to go on with a trial on another engine than it began on.

        Raises:
            LuthierError: when the other one was asked for by name.
        """
        if self.wanted not in (AUTO, FAST, fixed):
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
        would have cost to know all trials beforehand.

        Args:
            captured: The network.
            arrays: The data.
            recipe: How it will be trained.
            seed: Of the trial.
            epochs: How many it is about to train.
        """
        if self.wanted not in (AUTO, FAST):
            return self.wanted
        try:
            fast = self.engine(FAST)
        except MissingExtraError:
            return self._refuse("JAX is not installed (pip install 'luthier[fast]')")
        signature = replace(captured.signature, schedule="")  # rates are computed outside
        if signature in self._chosen:
            return self._chosen[signature]
        if self.wanted == AUTO:
            price = fast.setup_seconds(captured)
            if self._rents(price, signature, captured, arrays, recipe, seed, epochs):
                return self._refuse(_SHORT)
        chosen = self._tried(fast, captured, arrays, recipe, seed)
        if chosen == FAST and self.wanted == AUTO:
            chosen = self._faster(signature, fast, captured, arrays, recipe, seed)
        self._chosen[signature] = chosen
        return chosen

    @property
    def reasons(self) -> tuple[str, ...]:
        """Which engines train and why, in words."""
        lines = []
        if self._gains:
            fast, slow = (1e3 * median(times) for times in zip(*self._gains, strict=True))
            many = f"{len(self._gains)} structures" if len(self._gains) > 1 else "one structure"
            lines.append(
                f"compiled {many}: an epoch takes {fast:.2g} ms, and {slow:.2g} ms in plain PyTorch"
            )
        lines += [f"trained in plain PyTorch: {reason}" for reason in self._refused]
        return tuple(lines)

    def _rents(
        self,
        price: float,
        signature: Signature,
        captured: Captured,
        arrays: Arrays,
        recipe: Recipe,
        seed: int,
        epochs: int,
    ) -> bool:
        """Tell whether a trial is cheaper in plain PyTorch, as far as can be known by now."""
        if signature not in self._slow:
            reference = self.engine(REFERENCE)
            self._slow[signature] = epoch_seconds(reference, captured, arrays, recipe, seed)
        spent = self._spent.get(signature, 0.0) + self._slow[signature] * epochs
        if spent >= price:
            return False
        self._spent[signature] = spent
        return True

    def _tried(
        self, fast: Engine, captured: Captured, arrays: Arrays, recipe: Recipe, seed: int
    ) -> str:
        """Return the compiled engine's name if it trains a network as the reference does."""
        reason = fast.refuses(captured, recipe)
        if reason is None:
            reason = probe(fast, self.engine(REFERENCE), captured, arrays, recipe, seed)
        return FAST if reason is None else self._refuse(reason)

    def _faster(
        self,
        signature: Signature,
        fast: Engine,
        captured: Captured,
        arrays: Arrays,
        recipe: Recipe,
        seed: int,
    ) -> str:
        """Return the faster engine's name."""
        mine = epoch_seconds(fast, captured, arrays, recipe, seed)
        theirs = self._slow[signature]
        if mine > theirs:
            return self._refuse(f"{1e3 * theirs:.2g} ms an epoch, and {1e3 * mine:.2g} compiled")
        self._gains.append((mine, theirs))
        return FAST

    def _refuse(self, reason: str) -> str:
        self._refused[reason] = None
        return REFERENCE
