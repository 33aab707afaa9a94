"""Which engine trains a network, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from luthier import engines
from luthier.core import (
    Arrays,
    Captured,
    Engine,
    LuthierError,
    MissingExtraError,
    Recipe,
)
from luthier.loop.probe import probe

AUTO = "auto"
FAST = "compiled"
REFERENCE = "torch_eager"


@dataclass(eq=False)
class Choice:
    """Chooses an engine for each structure that occurs, once.

    Args:
        wanted: An engine's name, which is then always taken; or ``auto``: the compiled engine
            for what it can train and trains like the reference, else the reference.

    Attributes:
        reasons: Why the reference was taken, in words, each once.

    >>> Choice("torch_eager").wanted
    'torch_eager'
    """

    wanted: str = AUTO
    reasons: dict[str, None] = field(init=False, default_factory=dict)
    _engines: dict[str, Engine] = field(init=False, default_factory=dict)
    _chosen: dict[object, str] = field(init=False, default_factory=dict)

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
            LuthierError: when another one was asked for by name.
        """
        if self.wanted not in (AUTO, fixed):
            raise LuthierError(
                f"trial {trial} began on the engine {fixed}, and this worker trains with "
                f"{self.wanted}. Go on with: --engine {fixed}"
            )

    def name(self, captured: Captured, arrays: Arrays, recipe: Recipe, seed: int) -> str:
        """Return the name of the engine for a network."""
        if self.wanted != AUTO:
            return self.wanted
        try:
            fast = self.engine(FAST)
        except MissingExtraError:
            return self._reference("JAX is not installed (pip install 'luthier[fast]')")
        reason = fast.refuses(captured, recipe)
        if reason is not None:
            return self._reference(reason)
        signature = captured.signature
        structure = (captured.graph().key, signature.optimizer, signature.loss)
        key = (*structure, signature.batch_size, arrays.key)
        if key not in self._chosen:
            reference = self.engine(REFERENCE)
            difference = probe(fast, reference, captured, arrays, recipe, seed)
            self._chosen[key] = FAST if difference is None else self._reference(difference)
        return self._chosen[key]

    def _reference(self, reason: str) -> str:
        self.reasons[f"trained in plain PyTorch: {reason}"] = None
        return REFERENCE
