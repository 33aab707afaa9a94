"""Watching a loop that somebody else wrote: which hooks, and at which steps they look.

Most steps cost three counters. A sampled step is armed right after the step before it: its hooks
are attached then, and gone once it is over, so that nothing of the network is held or slowed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from luthier.core import Trace, WatchError
from luthier.frameworks.sampled import EVERY, FIRST, GROWTH, Rows, due_after
from luthier.frameworks.torch.forking import LIVE, fork
from luthier.frameworks.torch.watching_clock import Clock
from luthier.frameworks.torch.watching_data import Data
from luthier.frameworks.torch.watching_first import FirstBatch
from luthier.frameworks.torch.watching_gradients import StaleGradients
from luthier.frameworks.torch.watching_guard import Guard
from luthier.frameworks.torch.watching_layers import Layers
from luthier.frameworks.torch.watching_outputs import Outputs
from luthier.frameworks.torch.watching_parameters import Parameters
from luthier.frameworks.torch.watching_passes import Passes
from luthier.frameworks.torch.watching_rates import Rates
from luthier.frameworks.torch.watching_steps import Steps


class TorchWatcher:
    """What is seen of one PyTorch training through hooks.

    The first steps are all sampled, later ones ever more seldom. A hook never breaks or changes
    the training: it draws no random number, keeps no graph, and where a tensor cannot be
    measured it stops looking and says so.

    Args:
        model: The network.
        optimizers: One or more; steps are counted by the first.
        loss_fn: A module tells losses and labels; of a function nothing is seen.
        first: How many steps at the beginning are all sampled; explosions are quick.
        growth: Ratio of successive sampled steps after that.
        every: The longest gap. A sampled step costs about as much as one step of a small
            network more, so that 100 costs about 1 %.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        loss_fn: Callable[..., Any] | None = None,
        *,
        first: int = FIRST,
        growth: float = GROWTH,
        every: int = EVERY,
    ) -> None:
        self.model = model
        self._first, self._growth, self._every = first, growth, every
        names = {id(p): name for name, p in model.named_parameters()}
        self._rows = Rows()
        self.guard = Guard()
        self._parameters = Parameters(model, optimizers, self.guard)
        self.rates = Rates(optimizers)
        self.clock = Clock()
        root = called(model)
        self._first_batch = FirstBatch(root, loss_fn, self.guard)
        self._passes = Passes(root, self.clock, self.guard, self._first_batch)
        self._layers = Layers(model, self.guard)
        outputs = Outputs(root, self.guard)
        self._data = Data(loss_fn, self.guard, self._first_batch, outputs)
        self._lead, self._optimizers = optimizers[0], optimizers
        self._each = [_Each(self, one, names, lead=one is self._lead) for one in optimizers]
        self.clock.hands = [one.counted for one in self._each]
        self._handles: list[Any] = []

    def open(self) -> None:
        """Attach what stays attached: a hook an optimizer."""
        self._parameters.remember()
        self._passes.open()
        for each in self._each:
            self._handles += each.attach()

    def close(self) -> None:
        """Remove every hook."""
        for each in self._each:
            each.disarm()
        self._passes.close()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    @property
    def live(self) -> frozenset[str]:
        """The recipe keys that `fork` can change."""
        return LIVE

    def fork(
        self,
        step: Callable[[Any], Any],
        batches: Sequence[Any],
        settings: Mapping[str, tuple[Any, Any]],
        seconds: float,
        keep: Sequence[Any] = (),
    ) -> tuple[list[float], list[float]]:
        """Return losses of steps as they would come and with settings changed; put all back."""
        with self._paused():
            return fork(self.model, self._optimizers, step, batches, settings, seconds, keep)

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Take every hook off for a while: what is tried is no part of the training."""
        armed = [each.armed for each in self._each]
        for each in self._each:
            each.disarm()
        passing = self._passes.pause()
        for handle in self._handles:
            handle.remove()
        try:
            yield
        finally:
            self._handles = [each.stay() for each in self._each]
            self._passes.resume(passing)
            for each, was in zip(self._each, armed, strict=True):
                if was:
                    each.arm()

    def number(self, value: Any) -> float:
        """Return a logged value as a float, without its graph."""
        return float(value.detach() if isinstance(value, Tensor) else value)

    def mark(self, *, validated: bool) -> None:
        """Take note that an epoch has ended, and whether a validation value was logged."""
        self._each[0].call_late(self._passes.mark(validated=validated), self._passes.wake)

    def rate_logged(self, rate: float) -> None:
        """Compare a learning rate that was logged with those that optimizers have."""
        self.rates.logged(rate)

    @property
    def steps(self) -> int:
        """How many steps the first optimizer has made."""
        return self._each[0].count

    @property
    def rate(self) -> float:
        """The rate of the last step."""
        return self.rates.now()

    def settings(self) -> dict[str, Any]:
        """Return what the first optimizer and the network say about the recipe."""
        return {**self.rates.settings(), **self._layers.settings(), **self._passes.settings()}

    def notes(self) -> list[str]:
        """Return in words what could not be seen."""
        return [*self.guard.notes, *self._passes.notes()]

    def trace(self) -> Trace:
        """Return what was seen so far."""
        steps, series = self._rows.series()
        first: dict[str, Any] = {}
        Guard().look(lambda: first.update(self._first_batch.facts()))
        followed = max((each.gradients.counts() for each in self._each), key=_share_not_zeroed)
        return Trace(
            steps,
            series,
            {
                "steps": self.steps,
                **self._passes.counts(),
                **self.rates.counts(),
                **followed,
            },
            {
                **({"adversarial": True} if len(self._each) > 1 else {}),
                **self._parameters.facts(),
                **self.rates.facts(),
                **self._passes.facts(),
                **self._data.facts(),
                **first,
            },
        )

    def due_after(self, step: int) -> int:
        """Return the next step to sample."""
        return due_after(step, first=self._first, growth=self._growth, every=self._every)

    def arm(self, *, lead: bool) -> list[Any]:
        """Attach the hooks of a sampled step that are not of one optimizer."""
        if not lead:
            return []
        parts = (self._layers, self._data, self._parameters, self._first_batch)
        return [handle for part in parts for handle in part.attach()]

    def begin(self, *, lead: bool) -> dict[str, Any]:
        """Return the row that a sampled step writes into."""
        return self._rows.begin(self.steps + 1) if lead else self._rows.current()

    def finish(self, row: dict[str, Any], *, lead: bool) -> None:
        """Write what layers, loss and parameters showed in the step."""
        if lead:
            row["learning_rate"] = self.rates.last
            self._layers.write(row)
            self._data.write(row)
            self._parameters.look()


class _Each:
    """The hooks of one optimizer."""

    def __init__(
        self, watcher: TorchWatcher, optimizer: Optimizer, names: dict[int, str], *, lead: bool
    ) -> None:
        self._watcher, self._optimizer, self._lead = watcher, optimizer, lead
        self._clock, self._rates, self._guard = watcher.clock, watcher.rates, watcher.guard
        self._rate = optimizer.param_groups[0]["lr"]
        self._values = Steps(watcher.model, optimizer, names)
        self.gradients = StaleGradients(optimizer, self._guard)
        self._handles: list[Any] = []
        self._row: dict[str, Any] = {}
        self._late: Callable[[], float] | None = None
        self._late_at = math.inf
        self.count, self._due, self._wake, self._armed = 0, 1, 0.0, False

    def attach(self) -> list[Any]:
        """Attach the hook that stays, and get ready for the first step."""
        self.arm()
        return [self.stay()]

    def stay(self) -> Any:
        """Attach the hook that stays."""
        return self._optimizer.register_step_post_hook(self._after)

    @property
    def armed(self) -> bool:
        """Whether the next step is sampled."""
        return self._armed

    def counted(self) -> int:
        """Return how many steps were made."""
        return self.count

    def call_late(self, step: float, late: Callable[[], float]) -> None:
        """Call something after that step of all optimizers, and again when it says."""
        share = self.count / max(self._clock.steps, 1)
        own = self.count + (step - self._clock.steps) * share if share else math.inf
        self._late_at, self._late = own, late
        self._wake = min(self._wake, own)

    def arm(self) -> None:
        """Get ready for a sampled step."""
        self._armed = not self._guard.blind
        if self._armed:
            self._guard.look(self._attach)

    def disarm(self) -> None:
        """Remove the hooks of a sampled step."""
        self._armed = False
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _attach(self) -> None:
        self._handles.append(self._optimizer.register_step_pre_hook(self._before))
        self._handles += self.gradients.attach()
        self._handles += self._watcher.arm(lead=self._lead)

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self._row = self._watcher.begin(lead=self._lead)
        # What a closure computes is not there yet.
        closure = len(args) > 1 or kwargs.get("closure") is not None
        self._guard.look(lambda: self._values.before(gradients=not closure))

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        # Every step comes here: this is what watching costs.
        self.count += 1
        rate = optimizer.param_groups[0]["lr"]  # new groups come with a state that is loaded
        if rate is not self._rate:
            self._rate = rate
            if self._lead:
                self._rates.changed(rate)
        if self.count >= self._wake:
            self._awake()

    def _awake(self) -> None:
        if self._armed:
            self._guard.look(self._finish)
            self.disarm()
            self._due = self._watcher.due_after(self.count)
        if self.count >= self._late_at and self._late is not None:
            self.call_late(self._late(), self._late)
        if self.count + 1 >= self._due:
            self.arm()
        self._wake = self.count + 1 if self._armed else min(self._due - 1, self._late_at)

    def _finish(self) -> None:
        self._values.after(self._row)
        self.gradients.finish()
        self._watcher.finish(self._row, lead=self._lead)


def watcher(model: Any, optimizer: Any, loss_fn: Callable[..., Any] | None) -> TorchWatcher:
    """Return a watcher, if network and optimizers are PyTorch's.

    Raises:
        WatchError: if they are not.
    """
    if not isinstance(model, nn.Module):
        raise WatchError(
            f"watch was given {_described(model)} as its network, but a torch.nn.Module was "
            "expected. Write `luthier.watch(model, optimizer)`."
        )
    given = optimizer if isinstance(optimizer, (list, tuple)) else [optimizer]
    # Wrappers such as accelerate's keep the optimizer that has the hooks inside.
    inner = [getattr(one, "optimizer", one) for one in given]
    found = [one for one in inner if isinstance(one, Optimizer)]
    if len(found) < len(inner) or not inner:
        other = next((one for one in inner if not isinstance(one, Optimizer)), None)
        raise WatchError(
            f"watch was given {_described(other)} as an optimizer, but a torch.optim.Optimizer "
            "was expected, or several in a list. Write `luthier.watch(model, optimizer)`."
        )
    return TorchWatcher(model, found, loss_fn)


def called(model: nn.Module) -> nn.Module:
    """Return the network itself; of a container that nobody can call, its only part that one can.

    >>> import torch
    >>> body, doubt = nn.Linear(2, 1), nn.ParameterList([nn.Parameter(torch.zeros(1))])
    >>> called(nn.ModuleDict({"body": body, "doubt": doubt})) is body
    True
    """
    found = list(_callable(model))
    return found[0] if len(found) == 1 else model


def _callable(model: nn.Module) -> Iterator[nn.Module]:
    if type(model).forward is not nn.Module.forward:
        yield model
        return
    for part in model.children():
        yield from _callable(part)


def _share_not_zeroed(counts: Mapping[str, int]) -> float:
    """Return a share: of several optimizers, one may be forgotten."""
    return counts["intervals_not_zeroed"] / max(counts["intervals"], 1)


def _described(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
