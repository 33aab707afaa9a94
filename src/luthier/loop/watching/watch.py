"""Watch: two lines around a loop that exists, and what is wrong with it is said."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from luthier import frameworks
from luthier.core import Diagnosis, Finding, Recipe, Run, Trace, Watcher, WatchError
from luthier.core.show_text import finding_text
from luthier.diagnosis import diagnose_run
from luthier.loop.watching.glimpse import Glimpse, glimpse
from luthier.loop.watching.logbook import ALIASES, Logbook, Row
from luthier.loop.watching.penalty import is_data_loss, penalised

LOUD = 0.9  # confidence from which on a finding is said while the loop still runs
CERTAIN = 0.99  # exact observations; anything else must be found again and again
PATIENCE = 1.5  # until so many times the epochs of the first find: a slow start may still get going
# A published network on two circles learns from the sixtieth of its 300 epochs on: what more
# epochs may cure is not said within the first quarter of those that are planned.
EARLY = 0.25
TIME_CURES = (
    "learning_rate_too_low", "not_learning", "plateau", "slow_convergence", "too_few_epochs",
    "underfitting",
)  # fmt: skip
EVERY_EPOCH = 6  # looks at so many first epochs, then ever more seldom: looks cost time
GROWTH = 1.2


def watch(
    model: Any,
    optimizer: Any,
    loss_fn: Any = None,
    *,
    live: bool = True,
    notify: Callable[[str], None] | None = None,
) -> Watch:
    """Watch a training loop of your own, and say what is wrong with it.

    The training is not changed by a bit, and slower by one to four percent; every hook is gone
    when the block ends.

    Args:
        model: The network that the loop calls.
        optimizer: What trains it; several in a list.
        loss_fn: The loss. A module tells itself; that a function, or one that was not given, is a
            cross-entropy is read off the gradient of the outputs.
        live: Whether what is certain is said at once.
        notify: Gets these texts; without one they are written to stderr.

    Returns:
        A context manager; `log` values in it, and read its `diagnosis`.

    Raises:
        WatchError: for what is no network or no optimizer.

    >>> import torch
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with watch(model, optimizer) as run:
    ...     for epoch in range(3):
    ...         for batch in torch.ones(4, 8, 2):
    ...             optimizer.zero_grad()
    ...             loss = model(batch).square().mean()
    ...             loss.backward()
    ...             optimizer.step()
    ...         run.log(train_loss=loss)
    >>> print(run.diagnosis)
    Nothing wrong found. Looked at 3 epochs: train_loss and 2 others.
    """
    return Watch(
        frameworks.watcher(model, optimizer, loss_fn),
        live=live,
        notify=to_stderr if notify is None else notify,
    )


class Watch:
    """A loop that is being watched; `watch` makes one.

    Args:
        watcher: Who looks on.
        live: Whether what is certain is said at once.
        notify: Gets these texts.
    """

    def __init__(self, watcher: Watcher, *, live: bool, notify: Callable[[str], None]) -> None:
        self._watcher, self._live, self._notify = watcher, live, notify
        self._book = Logbook()
        self._open = False
        self._last = (-1, -1)  # step and call of the last mark
        self._next_look = 1
        self._suspects: dict[str, int] = {}  # by problem, the epochs when it was found first
        self._said: set[str] = set()
        self._planned = 0

    def __enter__(self) -> Watch:
        if self._open:
            raise WatchError(
                "this watch is open already. Open another one for a loop within the loop: "
                "`with luthier.watch(...) as inner:`."
            )
        self.begin()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def begin(self, planned: int = 0) -> None:
        """Open the watch, for whoever has no block to write: a callback.

        Args:
            planned: Epochs in all, where they are known; 0 where not.
        """
        self._planned = planned
        self._watcher.open()
        self._open = True

    def end(self) -> None:
        """Close it."""
        self._watcher.close()
        self._open = False

    def tell(self, *, live: bool, notify: Callable[[str], None]) -> None:
        """Say what is certain to somebody else from now on."""
        self._live, self._notify = live, notify

    def log(self, *, step: int | None = None, epoch: float | None = None, **values: Any) -> None:
        """Log values of one epoch, or of one step: which, the steps in between tell.

        Args:
            step: Not needed: the optimizer's steps are counted.
            epoch: Its number, where one epoch is logged in several calls.
            **values: Numbers or tensors: `train_loss`, `val_loss`, `learning_rate`; any other
                name is a metric's.

        Raises:
            WatchError: outside the block, or for a value that is no number.
        """
        if not self._open:
            raise WatchError(
                "values were logged to a watch that is not open. Log them within "
                "`with luthier.watch(model, optimizer) as run:`."
            )
        self.add({n: self._number(n, v) for n, v in values.items()}, epoch)

    def add(self, values: Mapping[str, float], epoch: float | None = None) -> None:
        """Add numbers, as `log` does."""
        found = {ALIASES.get(name, name): value for name, value in values.items()}
        rate = found.pop("learning_rate", None)
        if rate is not None:
            self._watcher.rate_logged(rate)
        self._book.add(Row(self._watcher.steps, found, self._watcher.rate, epoch))
        self._watcher.mark(validated=any(not n.startswith("train") for n in found))
        if self._live and self._due(found):
            self._look()

    @property
    def run(self) -> Run:
        """What was seen so far, as rules read it."""
        seen = self._watcher.trace()
        self._book.one_batch = bool(seen.facts.get("one_batch"))
        steps = self._book.steps_per_epoch()
        facts = {**seen.facts, **({} if steps is None else {"steps_per_epoch": steps})}
        epochs = self._book.epochs()
        ends = tuple(row.step for row in epochs)
        facts["epoch_ends"] = ends
        trace = Trace(seen.steps, seen.series, seen.counts, facts)
        settings = self._watcher.settings()
        decay = float(settings.get("l2", 0.0))
        curves, factor = penalised(self._book.curves(trace), trace, ends, decay)
        known = {**settings, "l2": decay + factor, "epochs": max(len(epochs), 1)}
        recipe = Recipe(**known) if "optimizer" in settings else None
        fair = facts.get("fair_training_loss") and is_data_loss(curves, trace, ends)
        if fair and not curves.train_loss_eval:
            curves = replace(curves, train_loss_eval=curves.train_loss)
        return Run(curves, recipe, trace=trace)

    @property
    def diagnosis(self) -> Diagnosis:
        """What is wrong, so far: print it, or read its findings."""
        run, notes = self.run, self._watcher.notes()  # in this order: a run tells steps from epochs
        if self._book.rows and not self._watcher.steps:
            notes.append("the optimizer was never seen to step: is it the one that the loop uses?")
        if self._book.counts_steps():
            size = self._book.steps_per_epoch()
            notes.append(f"single steps were logged; an epoch above is {size} of them")
        return replace(diagnose_run(run), notes=tuple(notes))

    def prove(
        self,
        step: Callable[[Any], Any],
        batches: Iterable[Any],
        *,
        seconds: float = 60.0,
        keep: Sequence[Any] = (),
    ) -> Glimpse:
        """Try the first advice on the next steps, against doing nothing on the same batches.

        Weights, buffers, gradients, the optimizer and random numbers are as they were after it,
        bit for bit, and nothing of it is seen by this watch.

        Args:
            step: Takes a batch, makes a whole step with it (gradients, loss, optimizer), and
                returns the loss.
            batches: As the loop would get them, one a step; both ways see the same ones.
            seconds: For both together. A minute is short, and enough for a hundred steps of most.
            keep: What else a step changes, as objects with `state_dict` and `load_state_dict`:
                schedulers, scalers, another network.

        Returns:
            What it came to: print it, or read `verdict`. It is labelled as short-horizon.

        Raises:
            WatchError: outside the block, and without batches.
        """
        if not self._open:
            raise WatchError(
                "prove was called on a watch that is not open. Call it within "
                "`with luthier.watch(model, optimizer) as run:`."
            )
        diagnosis = self.diagnosis
        return glimpse(
            self._watcher,
            diagnosis,
            self.run.recipe,
            step,
            list(batches),
            seconds=seconds,
            keep=keep,
        )

    def _number(self, name: str, value: Any) -> float:
        try:
            return self._watcher.number(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise WatchError(
                f"{name} was logged as a {type(value).__name__} that is no single number "
                f"({error}). Log a float, or a tensor of one element: `run.log({name}=loss)`."
            ) from error

    def _due(self, values: dict[str, float]) -> bool:
        """Tell whether to look now: at first epochs, then seldom; at once if a loss is NaN."""
        if any(not math.isfinite(v) for v in values.values()) and "nan_loss" not in self._said:
            return True
        calls = len(self._book.rows)
        if calls < self._next_look:
            return False
        epochs = len(self._book.epochs())
        self._next_look = calls + (
            max(1, calls // max(epochs, 1))
            if epochs < EVERY_EPOCH
            else math.ceil(calls * GROWTH) - calls
        )
        return epochs > 0

    def _look(self) -> None:
        """Say what is certain, and was not said."""
        loud = [one for one in self.diagnosis.findings if _loud(one)]
        epochs = len(self._book.epochs())
        self._suspects = {one.problem: self._suspects.get(one.problem, epochs) for one in loud}
        begun = epochs < EARLY * self._planned
        for one in loud:
            if begun and one.problem in TIME_CURES:
                continue
            stays = epochs >= PATIENCE * self._suspects[one.problem]
            if (stays or one.confidence >= CERTAIN) and one.problem not in self._said:
                self._said.add(one.problem)
                self._notify(f"luthier, after epoch {epochs}:\n{finding_text(one)}")


def _loud(finding: Finding) -> bool:
    return finding.severity != "info" and finding.confidence >= LOUD


def to_stderr(text: str) -> None:
    """Say something beside what a program prints."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
