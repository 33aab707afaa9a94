"""Plan: what a dozen trials of a large network are spent on, said before it is done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from luthier.catalog import optimizers
from luthier.core import Domain, Float, History, LuthierError, Recipe, nothing
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.planning.stabilise import stabilised
from luthier.loop.planning.steps import stepped
from luthier.loop.proving.reserve import cost, stages
from luthier.loop.study import Study
from luthier.loop.tune import STORAGE, tune
from luthier.loop.working.budget import Budget
from luthier.proof import detectable_by_seeds
from luthier.report.plan import Outline, Stage
from luthier.search.few import Few
from luthier.search.rates.stability import STEPS

RATES = 8  # half an order of magnitude apart over the range of most optimizers
SEEDS = 2  # trials kept for other seeds of the winner, where there is no budget to confirm it
FEWEST = 4  # trials: the start, one other rate, and the seeds


@dataclass(frozen=True, eq=False)
class Plan:
    """What will be done with few trials; `run` does it.

    Args:
        outline: What it says.
        parts: Builder and data.
        trials: How many there are.
        seed: Of the study.
        options: For `luthier.tune`.
    """

    outline: Outline
    parts: Assembly
    trials: int
    seed: int
    options: Mapping[str, Any]

    def __str__(self) -> str:
        return str(self.outline)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return self.outline.to_json()

    def run(
        self,
        *,
        notify: Callable[[History], None] = nothing,
        say: Callable[[str], None] = nothing,
    ) -> Study:
        """Do what the plan says; the same plan goes on where it was stopped.

        Args:
            notify: Called with the history as it grows.
            say: Called with what the first steps showed, a line each.

        Raises:
            LuthierError: where no rate learns.
        """
        recipe = self._start(say)
        seeds = _kept(self.trials, recipe.epochs)[0]
        return tune(
            **self.options,
            recipe=recipe,
            space=_space(recipe, self.trials),
            budget=f"{self.trials} trials",
            seed=self.seed,
            strategy=f"few:{seeds}",
            notify=notify,
        )

    def _start(self, say: Callable[[str], None]) -> Recipe:
        """Return the recipe to start from: the best of some rates, and stable with head-room."""
        parts, base = self.parts, self.parts.recipe
        trainer = parts.trainer(self.options.get("engine", "auto"))
        seen, steps = [], _steps(parts)
        for rate in _rates(base.optimizer):
            recipe = base.replace({"learning_rate": rate, "schedule": "constant"})
            found = stepped(parts, trainer, recipe, self.seed, steps)
            good = found.wrong is None and math.isfinite(found.val_loss)
            said = f"validation loss {found.val_loss:.3g}" if good else found.wrong or "no loss"
            say(f"rate {rate:.2g}: {said}, {len(found.losses)} steps")
            if good:
                seen.append((found.val_loss, rate))
        if not seen:
            raise LuthierError(
                f"none of {RATES} rates is stable for {steps} steps. Look for what is wrong with "
                "the set-up first: luthier check."
            )
        best = base.replace({"learning_rate": min(seen)[1]})
        return stabilised(parts, trainer, best, self.seed, steps=steps, notify=say).recipe


def plan(
    build: str | Callable[..., Any] | None,
    data: Any,
    *,
    trials: int = 12,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    storage: str = STORAGE,
    study: str | None = None,
    seed: int = 0,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    engine: str = "auto",
    framework: str | None = None,
) -> Plan:
    """Plan few trials of a large network; nothing is trained until the plan is run.

    Args:
        build: A family, ``FILE.py:function``, or a function that returns a network.
        data: As for `luthier.tune`.
        trials: Full trainings in all, those that confirm or repeat the winner included.
        recipe: What is trained; the keys it leaves out take a sound default.
        storage: Where the study will be kept.
        study: Its name; by default made of data and builder.
        seed: Decides the split, what is tried, and each training.
        target: As for `luthier.tune`, and so are all that follow.
        task: What kind.
        metric: Decides.
        sample_weight: Weight of each row.
        group: Column whose equal values stay in one split.
        time: Column to split by in time.
        engine: What trains.
        framework: Whose networks a family makes.

    Returns:
        The plan: print it, and `run` it.

    Raises:
        LuthierError: for a mistake in what was passed; its text says what to change.

    >>> print(plan("mlp", "wine", trials=6))  # doctest: +ELLIPSIS
    plan      6 trials of ... epochs for wine-mlp...
    """
    if trials < FEWEST:
        raise LuthierError(
            f"`trials >= {FEWEST}` must hold, but got {trials}: {SEEDS} are kept for seeds, and "
            "one rate alone is no search. Write --trials 6, or train the default: luthier train."
        )
    common = {
        "target": target,
        "task": task,
        "metric": metric,
        "sample_weight": sample_weight,
        "group": group,
        "time": time,
        "framework": framework,
    }
    budget = Budget(trials=trials)
    parts = assemble(build, data, recipe=recipe, budget=budget, seed=seed, **common)
    from luthier.loop.record import study_name

    name = study or f"{study_name(parts, seed)}-plan{trials}"
    options = {
        **common,
        "build": build,
        "data": data,
        "storage": storage,
        "study": name,
        "engine": engine,
    }
    return Plan(_outline(parts, trials, name), parts, trials, seed, options)


def _outline(parts: Assembly, trials: int, name: str) -> Outline:
    recipe = parts.recipe
    updates = _updates(parts)
    seeds, confirming = _kept(trials, recipe.epochs)
    searching = trials - (confirming or seeds)
    rates = Few(seeds=seeds).rates(searching)
    low, *_, high = _rates(recipe.optimizer)
    steps = _steps(parts)
    probe = RATES * steps / (updates * recipe.epochs)
    found = [
        Stage(
            "probe",
            0,
            f"{RATES} rates of {recipe.optimizer} from {low:.2g} to {high:.2g}, at most {steps} "
            f"steps each, together as long as {probe:.1f} trials; one that diverges is cut there",
        ),
        Stage(
            "stability",
            0,
            f"{steps} steps at twice the best rate; only if they are unstable: warm-up, clipping "
            "at the 90th percentile of gradient norms, normalisation, a lower rate, in that order",
        ),
        Stage("rate", rates, "the learning rate alone, from there to the lowest point"),
    ]
    if searching > rates:
        betas = min(2, searching - rates) if "beta1" in _space(recipe, trials) else 0
        if betas:
            found.append(Stage("beta1", betas, "Adam's beta1 at the best rate"))
        if left := searching - rates - betas:
            found.append(Stage("near", left, "weight decay, dropout and rate near the best"))
    if confirming:
        found.append(
            Stage("confirm", confirming, f"{seeds} seeds of the winner and of the start each")
        )
        shown = detectable_by_seeds(seeds, seeds)
    else:
        found.append(Stage("seeds", seeds, "the winner again with other seeds: its spread"))
        shown = detectable_by_seeds(seeds, 1)
    return Outline(name, trials, recipe.epochs, updates, tuple(found), shown)


def _updates(parts: Assembly) -> int:
    """Return the updates of an epoch."""
    return parts.recipe.updates(len(parts.arrays.train))


def _steps(parts: Assembly) -> int:
    """Return the steps of a look: 500, but no more than a quarter of a short training."""
    return min(STEPS, max(20, _updates(parts) * parts.recipe.epochs // 4))


def _kept(trials: int, full: int) -> tuple[int, int]:
    """Return with how many seeds a winner is looked at, and the trials that confirm it."""
    found = stages(Budget(trials=trials), full)
    return (found[-1], cost(found[-1])) if found else (SEEDS, 0)


def _rates(optimizer: str) -> list[float]:
    """Return the rates to probe, even over the optimizer's range in orders of magnitude."""
    domain = optimizers.by_name(optimizer).learning_rates
    return [domain.at(index / (RATES - 1)) for index in range(RATES)]


def _space(recipe: Recipe, trials: int) -> dict[str, Domain]:
    """Return what so few trials vary."""
    kind = optimizers.by_name(recipe.optimizer)
    rates = kind.learning_rates
    low, high = min(rates.low, recipe.learning_rate / 3), max(rates.high, recipe.learning_rate * 3)
    space: dict[str, Domain] = {"learning_rate": replace(rates, low=low, high=high)}
    if trials >= 10:
        if "beta1" in kind.settings:
            space["beta1"] = Float(0.8, 0.98)
        space["weight_decay"] = Float(1e-4, 1.0, log=True)
        if recipe.dropout is not None:
            space["dropout"] = Float(0.0, 0.5)
    return space
