"""Two rounds: what first epochs rank wrongly is held in the first, and tuned last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from luthier.core import History, Recipe, Space, Step, Strategy, Trial, Value


@dataclass(frozen=True)
class Rounds:
    """Have a strategy compare at one value of some choices, and try the others on its best recipe.

    Early epochs favour schedules that decay early and those that never do: of four, `one_cycle`
    was among the best at full length and was never continued, and a constant rate the other way
    round (benchmarks/schedules). So a first round holds what is marked as `Categorical.last`, and
    the last round trains its best recipe with each other value, whole (Godbole et al. 2023, "Deep
    Learning Tuning Playbook": schedules are compared in trainings of full length).

    Each value is tried alone, with all else as it is. A space without such choices is the
    strategy's own.

    Args:
        strategy: Decides in the first round.
        share: Of the budget, at most, for the last round; what it does not pay for is not tried,
            the last values of the last choices first.
    """

    strategy: Strategy
    share: float = 0.25

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> Sequence[Step]:
        """Return the first round's steps, then those that train its best with other values."""
        late = space.late
        if not late:
            return self.strategy(space, history, rng)
        full = space.baseline.epochs
        ranges = {name: domain for name, domain in space.parameters.items() if name not in late}
        held = {name: space.baseline.get(name) for name in late}
        trials: list[Trial] = []
        last: list[Trial] = []
        for trial in history.trials:
            mine = all(trial.recipe.get(name) == value for name, value in held.items())
            (trials if mine else last).append(trial)
        first = replace(history, trials=tuple(trials))
        wanted = self._wanted(late, first, history, space.baseline)
        cut = [trial for trial in last if trial.state == "paused" and trial.epochs < full]
        left = history.epochs_left - full * len(wanted) - sum(full - t.epochs for t in cut)
        new = history.trials_left - len(wanted)
        if left > 0 and (new > 0 or any(t.state == "paused" for t in trials)):
            seen = replace(first, epochs_left=left, trials_left=max(new, 0))
            steps = self.strategy(replace(space, parameters=ranges), seen, rng)
            if steps := _paid(steps, first, left):
                return steps
        if any(trial.state in ("waiting", "running") for trial in trials):
            return []  # what they come to decides which recipe is the best
        begun = [Step(full, trial=trial.number) for trial in cut]
        return begun + [Step(full, recipe=recipe, seed=history.seed) for recipe in wanted]

    def _wanted(
        self, late: Mapping[str, Sequence[Value]], first: History, history: History, held: Recipe
    ) -> list[Recipe]:
        """Return what the last round has yet to begin: as many as its share pays for, in all."""
        best, full = first.best, held.epochs
        budget = (history.epochs + history.planned + history.epochs_left) / full
        budget = min(budget, len(history.trials) + history.trials_left)
        every = [{name: value} for name, values in late.items() for value in values]
        others = every[: int(min(self.share * budget, len(every)))]
        if best is None:  # nothing is trained yet, and as much is kept
            return [held.replace(one) for one in others]
        tried = {trial.recipe.identity for trial in history.trials}
        recipes = [best.recipe.replace(one) for one in others]
        return [recipe for recipe in recipes if recipe.identity not in tried]


def _paid(steps: Sequence[Step], history: History, left: float) -> list[Step]:
    """Return the steps that some epochs pay for, the last one shortened."""
    begun = {trial.number: trial.epochs for trial in history.trials}
    paid = []
    for step in steps:
        copied = 0 if step.parent is None else step.parent[1]
        begin = copied if step.trial is None else begun[step.trial]
        until = int(min(step.until, begin + left))
        if until > begin:
            left -= until - begin
            paid.append(replace(step, until=until))
    return paid
