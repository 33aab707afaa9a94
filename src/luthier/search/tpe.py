"""Tree-structured Parzen estimators: propose what is common among the good and rare elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from luthier.core import Categorical, History, Recipe, Space, Step, Trial
from luthier.search import promotion
from luthier.search.halving import started
from luthier.search.quasirandom import new_recipes
from luthier.search.structures import with_few_structures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class TPE:
    """Model the good trials and the others, and propose where their densities differ most.

    Bergstra et al. 2011, "Algorithms for hyper-parameter optimization", all parameters in one
    density as in BOHB (Falkner et al. 2018); what goes on is up to successive halving. It knows
    nothing of curves but how far they got, costs little, and cares not how many parameters there
    are or of which kind.

    Args:
        batch: Steps of one decision. Eight keep a handful of workers busy.
        startup: Trials that are spread evenly first: Optuna's choice.
        good: Share of the trials that count as good, 25 at most: Optuna's rule.
        draws: Points drawn from the good ones' density for each proposal.
        width: Standard deviation of a kernel for one trial; with n trials in d dimensions it is
            ``width * n ** (-1 / (d + 4))`` (Scott's rule).
        eta: One in how many trials goes on from a rung.
        first: First rung, as a share of a full training, as in `Halving`.
        reserve: Full trainings' worth of budget kept for taking the best trials to their end.
    """

    batch: int = 8
    startup: int = 10
    good: float = 0.1
    draws: int = 24
    width: float = 0.2
    eta: int = 3
    first: float = 1 / 16
    reserve: float = 2.0

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next steps; none when the space is used up and nothing is left to finish."""
        full = space.baseline.epochs
        at = promotion.rungs(full, self.first, self.eta)
        if not history.trials:
            spread = with_few_structures(
                new_recipes(space, history, self.batch - 1), space, history
            )
            baseline = Step(full, recipe=space.baseline, seed=history.seed)
            return [baseline, *started(spread, at[0], history)]
        if (last := promotion.last_step(history, full, self.reserve)) is not None:
            return [last]
        paused = promotion.cut_short(history, full)
        if paused and paused[0].number == 0:
            return [Step(full, trial=0)]
        steps = promotion.promotions(history.trials, at, self.eta, history.loss)[: self.batch]
        room = int(min(self.batch - len(steps), history.trials_left))
        return steps + started(self._new(space, history, room, rng), at[0], history)

    def _new(
        self, space: Space, history: History, count: int, rng: np.random.Generator
    ) -> list[Recipe]:
        if len(history.trials) < self.startup or not space.dimensions:
            return with_few_structures(new_recipes(space, history, count), space, history)
        ranked = sorted(history.trials, key=lambda t: _rank(history, t))
        few = min(max(1, round(self.good * len(ranked))), 25)
        good, others = (
            _Density(space, [space.encode(t.recipe) for t in part], self.width)
            for part in (ranked[:few], ranked[few:])
        )
        seen = {trial.recipe.identity for trial in history.trials} | {space.baseline.identity}
        found: list[Recipe] = []
        for _ in range(4 * count):
            if len(found) == count:
                break
            points = good.draw(self.draws, rng)
            gain = good.log(points) - others.log(points)
            for row in np.argsort(-gain, kind="stable").tolist():
                recipe = space.decode(points[row].tolist())
                if recipe.identity not in seen:
                    seen.add(recipe.identity)
                    found.append(recipe)
                    break
        recipes = found or new_recipes(space, history, count)
        return with_few_structures(recipes, space, history)


def _rank(history: History, trial: Trial) -> tuple[bool, int, float, int]:
    """Sort those that went furthest first, by their loss; failed ones last, as Optuna does."""
    failed = trial.state == "failed"
    return failed, -trial.epochs, history.loss(trial), trial.number


class _Density:
    """A mixture of kernels, one for each point, and a flat one: what was never tried is possible.

    Args:
        space: Its choices have no order.
        points: Of trials.
        width: As in `TPE`.
    """

    def __init__(self, space: Space, points: list[tuple[float, ...]], width: float) -> None:
        self.points = np.array(points, float).reshape(-1, space.dimensions)
        count = max(len(self.points), 1)
        self.width = width * count ** (-1.0 / (space.dimensions + 4))
        kinds = space.parameters.values()
        self.choices = np.array(
            [len(d.choices) if isinstance(d, Categorical) else 0 for d in kinds]
        )
        self.chosen = self.choices > 0

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """Return points of the density."""
        centre = rng.integers(len(self.points) + 1, size=count)
        flat = rng.random((count, len(self.choices)))
        at = self.points[np.minimum(centre, len(self.points) - 1)]
        low, high = _below(-at / self.width), _below((1 - at) / self.width)
        near = at + self.width * _quantile(low + flat * (high - low))
        kept = rng.random(flat.shape) < self._weight()
        near = np.where(self.chosen, np.where(kept, at, flat), near)
        return np.where((centre == len(self.points))[:, None], flat, np.clip(near, 0.0, 1.0))

    def log(self, points: Array) -> Array:
        """Return the logarithm of the density at some points, up to a constant of the space."""
        apart = points[:, None, :] - self.points[None, :, :]
        mass = _below((1 - self.points) / self.width) - _below(-self.points / self.width)
        near = -0.5 * (apart / self.width) ** 2 - np.log(mass * self.width * np.sqrt(2 * np.pi))
        count = np.maximum(self.choices, 1)
        places = [np.minimum((p * count).astype(int), count - 1) for p in (points, self.points)]
        same = places[0][:, None, :] == places[1][None, :, :]
        weight = self._weight()
        choice = np.log(np.where(same, weight + (1 - weight) / count, (1 - weight) / count) * count)
        logs = np.where(self.chosen, choice, near).sum(-1)
        logs = np.hstack([logs, np.zeros((len(points), 1))])
        return np.asarray(np.logaddexp.reduce(logs, axis=1) - np.log(logs.shape[1]))

    def _weight(self) -> float:
        """Return how much a trial's own choice weighs more than all of them alike."""
        return 1.0 - min(1.0, 2.0 * float(self.width))


def _quantile(shares: Array) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(shares, 1e-12, 1 - 1e-12)))


def _below(z: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))
