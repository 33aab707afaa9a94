"""Any sampler of Optuna's as a strategy; what goes on is up to successive halving."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from luthier.core import (
    Categorical,
    History,
    LuthierError,
    MissingExtraError,
    Plain,
    Recipe,
    Space,
    Step,
    Trial,
    did_you_mean,
)
from luthier.search import promotion
from luthier.search.halving import started
from luthier.search.quasirandom import new_recipes
from luthier.search.structures import with_few_structures

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Optuna:
    """Ask a sampler of Optuna's for recipes; run them as successive halving does.

    The sampler is made anew for each decision and told all trials, so that it stays a function of
    the history. Trials that stopped early are told as pruned ones, with what they reached.

    Args:
        sampler: Name of a class in `optuna.samplers`.
        batch: Steps of one decision. One at a time, the sampler knows all that there is to know;
            four keep a few workers busy.
        eta: One in how many trials goes on from a rung; 1 trains each to its end.
        first: First rung, as a share of a full training, as in `Halving`.
        reserve: Full trainings' worth of budget kept for taking the best trials to their end.
    """

    sampler: str = "TPESampler"
    batch: int = 4
    eta: int = 3
    first: float = 1 / 16
    reserve: float = 2.0

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next steps; none when the space is used up and nothing is left to finish.

        Raises:
            MissingExtraError: where Optuna is not installed.
            LuthierError: for a sampler that Optuna does not have.
        """
        full = space.baseline.epochs
        at = promotion.rungs(full, self.first, self.eta) if self.eta > 1 else [full]
        if (last := promotion.last_step(history, full, self.reserve)) is not None:
            return [last]
        paused = promotion.cut_short(history, full)
        if paused and paused[0].number == 0:
            return [Step(full, trial=0)]
        steps = promotion.promotions(history.trials, at, max(self.eta, 2), history.loss)
        steps = steps[: self.batch]
        room = int(min(self.batch - len(steps), history.trials_left))
        first = [] if history.trials else [Step(full, recipe=space.baseline, seed=history.seed)]
        recipes = self._asked(space, history, room - len(first), rng)
        steps = first + steps + started(recipes, at[0], history)
        return promotion.within(steps, history, full, self.reserve)

    def _asked(
        self, space: Space, history: History, count: int, rng: np.random.Generator
    ) -> list[Recipe]:
        if count <= 0 or not space.dimensions:
            return []
        study = self._study(space, history, int(rng.integers(2**31)))
        seen = {trial.recipe.identity for trial in history.trials} | {space.baseline.identity}
        found: list[Recipe] = []
        for _ in range(4 * count):
            if len(found) == count:
                break
            recipe = _suggested(study.ask(), space)
            if recipe.identity not in seen:
                seen.add(recipe.identity)
                found.append(recipe)
        recipes = found or new_recipes(space, history, count)
        return with_few_structures(recipes, space, history)

    def _study(self, space: Space, history: History, seed: int) -> Any:
        optuna = _optuna()
        known = {n: getattr(optuna.samplers, n) for n in dir(optuna.samplers) if "Sampler" in n}
        if self.sampler not in known:
            raise LuthierError(
                f"Optuna has no sampler '{self.sampler}'.{did_you_mean(self.sampler, known)} "
                f"It has: {', '.join(sorted(known))}. Write --strategy optuna:TPESampler."
            )
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that an argument or a class is experimental
            study = optuna.create_study(sampler=known[self.sampler](seed=seed))
            study.add_trials([_told(optuna, space, history, t) for t in history.trials])
        return study


def _suggested(trial: Any, space: Space) -> Recipe:
    """Return what Optuna suggests; a range that depends on another has a name for each case."""
    recipe = space.baseline
    for name in space.parameters:
        domain = space.active(name, recipe)
        if domain is None:
            continue
        label = _label(space, name, recipe)
        if isinstance(domain, Categorical):
            index = trial.suggest_categorical(label, list(range(len(domain.choices))))
            recipe = recipe.replace({name: domain.choices[index]})
        else:
            recipe = recipe.replace({name: domain.at(trial.suggest_float(label, 0.0, 1.0))})
    return recipe


def _told(optuna: Any, space: Space, history: History, trial: Trial) -> Any:
    """Return a trial as Optuna writes it: numbers as positions in their range."""
    params: dict[str, Any] = {}
    kinds: dict[str, Any] = {}
    for name, unit in zip(space.parameters, space.encode(trial.recipe), strict=True):
        domain = space.active(name, trial.recipe)
        if domain is not None:
            label = _label(space, name, trial.recipe)
            params[label], kinds[label] = _value(optuna, domain, unit)
    loss = history.loss(trial)
    states = optuna.trial.TrialState
    state = states.COMPLETE if trial.state == "finished" else states.PRUNED
    if loss == math.inf:
        state = states.FAIL
    values = {trial.epochs: loss} if state == states.PRUNED else {}
    return optuna.trial.create_trial(
        state=state,
        value=loss if state == states.COMPLETE else None,
        params=params,
        distributions=kinds,
        intermediate_values=values,
    )


def _value(optuna: Any, domain: Plain, unit: float) -> tuple[Any, Any]:
    if isinstance(domain, Categorical):
        count = len(domain.choices)
        choices = optuna.distributions.CategoricalDistribution(list(range(count)))
        return min(int(unit * count), count - 1), choices
    return unit, optuna.distributions.FloatDistribution(0.0, 1.0)


def _label(space: Space, name: str, recipe: Recipe) -> str:
    on = getattr(space.parameters[name], "on", None)
    return name if on is None else f"{name} of {on}={recipe.get(on)}"


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("optuna", "optuna", "the strategy 'optuna'") from None
    return optuna
