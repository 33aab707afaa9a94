"""Which of many candidates to train next: by the chance of an improvement at some horizon."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from luthier.search.surrogate.gaussian_process import GaussianProcess, hallucinated
from luthier.search.surrogate.kernel import Inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What could be trained: paused trials, and recipes that no trial has.

    Args:
        x: Features, shape (n, columns).
        trial: The trial's number; negative and distinct for new ones.
        epochs: How far each was trained.
    """

    x: Array
    trial: NDArray[np.intp]
    epochs: NDArray[np.intp]

    @property
    def new(self) -> NDArray[np.bool_]:
        """Which are no trials yet."""
        return self.trial < 0


@dataclass(frozen=True)
class Improvement:
    """Choose by the probability of improving on the best, at a random horizon and by a random step.

    "MFPI-random" of ifBO (Rakotoarison et al. 2024, arXiv 2404.16795): near horizons favour
    trials about to improve, far ones those that end well; small steps are safe, large ones bold.

    Args:
        full: Epochs of a full training.
        smallest: Least improvement asked for, in standard deviations of the values.
        largest: Greatest one. ifBO's range is 1e-4 to 0.1 of [0, 1]; wider ones did better on
            published curves.
        groups: Horizons that one decision looks at; each has an equal share of the choices.
        old: Paused trials that are looked at jointly, after a look at each alone.
        fresh: New recipes likewise.
    """

    full: int
    smallest: float = 0.01
    largest: float = 2.0
    groups: int = 4
    old: int = 32
    fresh: int = 48

    def choose(
        self,
        process: GaussianProcess,
        candidates: Candidates,
        pending: Inputs,
        best: float,
        count: int,
        most_new: int,
        rng: np.random.Generator,
        takes: Callable[[int], bool],
    ) -> list[int]:
        """Return rows of the candidates, each at most once.

        Args:
            process: What is believed.
            candidates: What there is to choose from.
            pending: Values that are being computed elsewhere.
            best: The best value so far.
            count: How many are wanted.
            most_new: How many of them may be new.
            rng: Draws horizons and steps.
            takes: Tells whether a row may be chosen; asked once, when it is about to be.
        """
        chosen: list[int] = []
        free = np.ones(len(candidates.trial), bool)
        shares = [len(part) for part in np.array_split(np.arange(count), min(self.groups, count))]
        for share in shares:
            horizon = math.exp(rng.uniform(0.0, math.log(max(self.full, 1))))
            until = np.minimum(self.full, candidates.epochs + horizon)
            asked = Inputs(candidates.x, log_time(until, self.full), candidates.trial)
            rows = self._promising(process, asked, candidates.new, free, best)
            if not len(rows):
                break
            mean, left = _with_pending(process, asked[rows], pending)
            for _ in range(share):
                step = 10 ** rng.uniform(math.log10(self.smallest), math.log10(self.largest))
                deviation = np.sqrt(np.maximum(np.diag(left), 1e-12))
                chance = _log_chance((best - step - mean) / deviation)
                row = self._best_free(chance, rows, candidates.new, free, most_new, takes)
                if row is None:
                    break
                most_new -= int(candidates.new[rows[row]])
                chosen.append(int(rows[row]))
                left = hallucinated(left, row, process.noise)
        return chosen

    def _promising(
        self,
        process: GaussianProcess,
        asked: Inputs,
        new: NDArray[np.bool_],
        free: NDArray[np.bool_],
        best: float,
    ) -> NDArray[np.intp]:
        """Return the rows worth a joint look: the likeliest to improve by a middling step."""
        mean, left = process.at(asked)
        step = 10 ** (0.5 * (math.log10(self.smallest) + math.log10(self.largest)))
        chance = _log_chance((best - step - mean) / np.sqrt(left))
        kept = []
        for of_kind, most in ((~new, self.old), (new, self.fresh)):
            rows = np.flatnonzero(of_kind & free)
            kept.append(rows[np.argsort(-chance[rows], kind="stable")[:most]])
        return np.concatenate(kept)

    def _best_free(
        self,
        chance: Array,
        rows: NDArray[np.intp],
        new: NDArray[np.bool_],
        free: NDArray[np.bool_],
        most_new: int,
        takes: Callable[[int], bool],
    ) -> int | None:
        for row in np.argsort(-chance, kind="stable").tolist():
            candidate = int(rows[row])
            if not free[candidate] or (new[candidate] and most_new <= 0):
                continue
            free[candidate] = False
            if takes(candidate):
                return int(row)
        return None


def log_time(epochs: Array, full: int | Array) -> Array:
    """Return epochs as the surrogate's time: 0 for the first, 1 for the last of a full training."""
    return np.asarray(np.log(epochs) / np.log(np.maximum(full, 2)))


def _with_pending(process: GaussianProcess, asked: Inputs, pending: Inputs) -> tuple[Array, Array]:
    """Return means and covariance as they will be once what is pending is known; means stay."""
    count = len(pending)
    if not count:
        return process.jointly(asked)
    both = Inputs(
        np.vstack([pending.x, asked.x]),
        np.concatenate([pending.time, asked.time]),
        np.concatenate([pending.trial, asked.trial]),
    )
    mean, left = process.jointly(both)
    for row in range(count):
        left = hallucinated(left, row, process.noise)
    return mean[count:], left[count:, count:]


def _log_chance(z: Array) -> Array:
    """Return the logarithm of the normal distribution function."""
    from scipy.special import log_ndtr  # not before a model is asked

    return np.asarray(log_ndtr(z))
