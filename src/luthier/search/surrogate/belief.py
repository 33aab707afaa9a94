"""What is believed of a study's curves, and the steps that follow from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from luthier.core import History, Recipe, Space, Step, Trial
from luthier.search.earlier import best_recipes, comparable
from luthier.search.neighbours import moved
from luthier.search.structures import with_few_structures
from luthier.search.surrogate.acquisition import Candidates, Improvement, log_time
from luthier.search.surrogate.features import Features
from luthier.search.surrogate.gaussian_process import GaussianProcess, fitted
from luthier.search.surrogate.kernel import Inputs
from luthier.search.surrogate.observations import Observation, Scale, level, observations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Belief:
    """A study at one moment, and the Gaussian process of its curves.

    Args:
        features: What a kernel sees of recipes.
        history: The trials so far.
        rungs: Epochs at which trials pause; the last one is a full training.
        process: Of the mapped losses.
        best: The lowest of the study's own.
    """

    features: Features
    history: History
    rungs: Sequence[int]
    process: GaussianProcess
    best: float

    @classmethod
    def of(
        cls, space: Space, history: History, rungs: Sequence[int], rng: np.random.Generator
    ) -> Belief:
        """Fit the process to a history.

        Raises:
            numpy.linalg.LinAlgError: when the curves' covariance is singular.
        """
        features = Features(space, lengths=bool(earlier := comparable(space, history)))
        own = observations(history, rungs)
        seen = [*own, *_of_earlier(earlier, history)]
        trials = [*history.trials, *earlier]
        ends = [level(history, trial, trial.epochs) for trial in trials if trial.epochs]
        scale = Scale.of(ends, [one.loss for one in seen])
        values = scale(np.array([one.loss for one in seen]))
        recipe_of = {trial.number: trial.recipe for trial in trials}
        recipes = [recipe_of[one.trial] for one in seen]
        epochs = [one.epoch for one in seen]
        at = _inputs(features, recipes, epochs, [one.trial for one in seen])
        theta = fitted(features.groups, at, values, rng)
        process = GaussianProcess.given(theta, features.groups, at, values)
        best = float(values[: len(own)].min(initial=0.0))  # of its own length alone
        return cls(features, history, rungs, process, best)

    @property
    def space(self) -> Space:
        """What may vary."""
        return self.features.space

    def paused(self, others: Sequence[Step], *, most: int = 150) -> list[Trial]:
        """Return the trials that may go on and are not among others' steps, the best first."""
        going = {step.trial for step in others}
        waiting = [
            trial
            for trial in self.history.trials
            if trial.state == "paused"
            and trial.epochs < self.rungs[-1]
            and trial.number not in going
        ]
        return sorted(waiting, key=lambda t: (self.history.loss(t), t.number))[:most]

    def pending(self, others: Sequence[Step]) -> Inputs:
        """Return what will soon be known: steps that wait or run, and others of this decision."""
        trials = {t.number: max(t.until, 1) for t in self.history.trials if t.until}
        trials |= {step.trial: step.until for step in others if step.trial is not None}
        recipe_of = {trial.number: trial.recipe for trial in self.history.trials}
        recipes = [recipe_of[number] for number in trials]
        return _inputs(self.features, recipes, list(trials.values()), list(trials))

    def points(
        self,
        rng: np.random.Generator,
        *,
        anywhere: int = 100,
        near: int = 60,
        parents: int = 8,
        trust: float = 10.0,
        lean: float = 0.5,
    ) -> Array:
        """Return points for new trials: some anywhere, some near the best trials.

        Of those anywhere, some lie where the user thinks the best to be, and ever fewer: the user's
        word counts as much as `trust` trials (after Hvarfner et al. 2022, "piBO").

        Args:
            rng: Draws them.
            anywhere: How many of the one kind.
            near: How many of the other.
            parents: From how many of the best trials those start.
            trust: How many trials halve the share of points where the user thinks the best to be.
            lean: That share at first, of those anywhere.
        """
        space, history = self.space, self.history
        points = rng.random((anywhere, space.dimensions))
        likely = int(lean * anywhere * trust / (trust + len(history.trials)))
        for row in range(likely):
            points[row] = space.lean(points[row].tolist())
        scored = [t for t in history.trials if history.loss(t) != math.inf]
        best = sorted(scored, key=lambda t: (history.loss(t), t.number))[:parents]
        recipes = [trial.recipe for trial in best]
        recipes += best_recipes(space, history, parents - len(best))  # until it has its own
        if recipes and space.dimensions:
            known = np.array([space.encode(recipe) for recipe in recipes])
            drawn = known[rng.integers(len(known), size=near)]
            points = np.vstack([points, moved(space, drawn, rng)])
        if not history.setup:
            return points
        rng.shuffle(points)
        decoded = [space.decode(point) for point in points.tolist()]
        few = with_few_structures(decoded, space, history)
        return np.array([space.encode(recipe) for recipe in few]).reshape(
            len(few), space.dimensions
        )


def proposals(
    belief: Belief,
    acquisition: Improvement,
    others: Sequence[Step],
    count: int,
    most_new: int,
    rng: np.random.Generator,
    lean: float = 0.5,
) -> list[Step]:
    """Return the steps that an acquisition chooses.

    Args:
        belief: What is known and believed.
        acquisition: Chooses.
        others: Steps of the same decision that are settled.
        count: How many are wanted.
        most_new: How many of them may be new trials, where there are enough others.
        rng: Draws candidates, horizons and steps.
        lean: As for `Belief.points`.
    """
    space, history, rungs = belief.space, belief.history, belief.rungs
    paused, points = belief.paused(others), belief.points(rng, lean=lean)
    known = {trial.recipe.identity for trial in history.trials} | {space.baseline.identity}
    fresh: dict[int, Recipe] = {}

    def takes(row: int) -> bool:
        """Tell whether a candidate is one: a point may be a recipe that was tried."""
        if row >= len(paused):
            recipe = space.decode(points[row - len(paused)].tolist())
            if recipe.identity in known:
                return False
            known.add(recipe.identity)
            fresh[row] = recipe
        return True

    going = np.array([space.encode(t.recipe) for t in paused]).reshape(-1, space.dimensions)
    candidates = Candidates(
        belief.features.of(np.vstack([going, points])),
        np.array([t.number for t in paused] + [-1 - i for i in range(len(points))], np.intp),
        np.array([t.epochs for t in paused] + [0] * len(points)),
    )
    allowed = int(min(max(most_new, count - len(paused)), history.trials_left))
    pending = belief.pending(others)
    rows = acquisition.choose(
        belief.process, candidates, pending, belief.best, count, allowed, rng, takes
    )
    return [
        Step(rungs[0], recipe=fresh[row], seed=history.seed)
        if row in fresh
        else Step(_after(rungs, paused[row].epochs), trial=paused[row].number)
        for row in rows
    ]


def _inputs(
    features: Features, recipes: Sequence[Recipe], epochs: Sequence[int], trials: Sequence[int]
) -> Inputs:
    """Return where values were seen; a training's moments are shares of its own length."""
    space = features.space
    points = np.array([space.encode(recipe) for recipe in recipes], float)
    own = space.baseline.epochs
    lengths = [recipe.epochs if features.lengths else own for recipe in recipes]
    return Inputs(
        features.of(points.reshape(-1, space.dimensions), lengths),
        log_time(np.array(epochs, float), np.array(lengths, float)),
        np.array(trials, np.intp),
    )


def _of_earlier(earlier: Sequence[Trial], history: History, *, most: int = 80) -> list[Observation]:
    """Return the level of each earlier curve where it ended, of those that went furthest first.

    Args:
        earlier: The trials.
        history: Says which metric decides.
        most: Values in all: a quarter of what a study's own may be.
    """
    ended = [trial for trial in earlier if trial.epochs]
    ended.sort(key=lambda t: (-t.epochs / t.recipe.epochs, history.loss(t), t.number))
    return [Observation(t.number, t.epochs, level(history, t, t.epochs)) for t in ended[:most]]


def _after(rungs: Sequence[int], epochs: int) -> int:
    return next(rung for rung in rungs if rung > epochs)
