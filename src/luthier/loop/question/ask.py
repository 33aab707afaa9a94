"""Ask: one question about one parameter, answered as a round of the tuning playbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from luthier import executors
from luthier.catalog.nuisance import nuisance
from luthier.catalog.recipe_keys import key
from luthier.catalog.recipe_keys.values import parse
from luthier.core import (
    COSTS,
    Categorical,
    Domain,
    History,
    LuthierError,
    Proof,
    Recipe,
    Space,
    StudyRecord,
    Trial,
    Value,
    did_you_mean,
    nothing,
)
from luthier.core.recipe import MODEL_PREFIX
from luthier.data import SplitPlan
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.comparing.costs import check_cost, check_difference
from luthier.loop.handing_over.recipes import load_space
from luthier.loop.proving.confirm import Confirmation
from luthier.loop.proving.confirming import Confirming, Contender, Rivals
from luthier.loop.proving.search_and_confirm import search_and_confirm
from luthier.loop.question.asking import Asking
from luthier.loop.question.next_question import proposals
from luthier.loop.record import default_ranges, study_name, study_record
from luthier.loop.study import Study
from luthier.loop.working.budget import Budget
from luthier.loop.working.launcher import Launcher
from luthier.loop.working.nurseries import nursery_for
from luthier.loop.working.work import Work
from luthier.proof.best_of import chance_best, expected_best
from luthier.report.question import Question, Tuned, question_text
from luthier.storage import connect

POINTS = 4  # a value: with fewer the best of them is luck, whatever the value
STORAGE = "sqlite:///luthier.db"


@dataclass(frozen=True, eq=False)
class Answer:
    """What asking came to; it prints itself.

    Args:
        found: All of it, as plain data: `found.values` is what an isolation plot shows.
        study: The trials; its report has all plots.
    """

    found: Question
    study: Study

    @property
    def value(self) -> Value:
        """The value with the best validation score; None where every training failed."""
        winner = self.found.winner
        return None if winner is None else self.found.values[winner].value

    @property
    def proof(self) -> Proof:
        """Whether it is better than the value that it is held against."""
        return self.found.proof

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return self.found.to_json()

    def __str__(self) -> str:
        return question_text(self.found)

    def _repr_html_(self) -> str:
        return self.study._repr_html_()


def ask(
    build: str | Callable[..., Any] | None,
    data: Any,
    *,
    question: str,
    values: Sequence[Value],
    budget: str = "1m",
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    space: Mapping[str, Domain] | str | Path | None = None,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    split: SplitPlan | None = None,
    min_difference: float | None = None,
    cost: str = COSTS[0],
    storage: str = STORAGE,
    study: str | None = None,
    seed: int = 0,
    engine: str = "auto",
    framework: str | None = None,
    executor: str = "auto",
    workers: int = 1,
    notify: Callable[[History], None] = nothing,
) -> Answer:
    """Answer one question: which of these values of a parameter is best?

    The asked parameter is the scientific one (Godbole et al. 2023, "Deep Learning Tuning
    Playbook"). What interacts with it is nuisance, and is tuned for each value alike: learning
    rate, weight decay, dropout and the optimizer's own numbers, at the same quasi-random points and
    with the same budget. All else stays as in the recipe. At most a quarter of the budget trains
    the best value and the present one again with fresh seeds, for a verdict on test rows.

    Args:
        build: As for `luthier.tune`.
        data: As for `luthier.tune`.
        question: A recipe key, or an argument of the builder.
        values: What to try; two at least.
        budget: In all; the same share for each value.
        recipe: Where to start, and what stays fixed.
        space: Ranges of nuisance parameters, instead of the default ones.
        target: As for `luthier.tune`, and so is all that follows.
        task: What kind.
        metric: Decides.
        sample_weight: Weight of each row.
        group: Column whose equal values stay together.
        time: Column to split by in time.
        split: How to split.
        min_difference: What is too small to matter.
        cost: What decides between values that are equivalent.
        storage: Where to keep the trials.
        study: Their study's name; by default of data, builder and question.
        seed: Decides split, points and trainings.
        engine: What trains.
        framework: Whose networks a family makes: ``torch`` (the default) or ``keras``.
        executor: Where workers run.
        workers: How many train at a time.
        notify: Called with the history as it grows.

    Raises:
        LuthierError: for what cannot be asked; its text says what to change.
    """
    check_difference(min_difference), check_cost(cost)
    limits = Budget.parse(budget)
    executors.load(executor, workers)
    with nursery_for(workers, framework) as nursery:
        parts = assemble(
            build,
            data,
            recipe=recipe,
            target=target,
            task=task,
            metric=metric,
            sample_weight=sample_weight,
            group=group,
            time=time,
            split=split,
            budget=_shorter(limits, len(values)),
            seed=seed,
            framework=framework,
        )
        asked = _parameter(question, parts)
        asking = Asking(asked, _values(asked, values, parts))
        ranges = {asked: Categorical(*asking.values), **_ranges(space, parts, limits, asked)}
        parts.trainer(engine)
        name = study or f"{study_name(parts, seed)}-ask-{question.removeprefix(MODEL_PREFIX)}"
        wanted = partial(
            study_record,
            parts,
            name,
            recipe=recipe,
            space=ranges,
            budget=limits,
            seed=seed,
            strategy="ask",
            engine=engine,
        )
        record = wanted(stored=None)
        store = connect(storage)
        stored = store.find(name)
        if stored is not None:
            record = wanted(stored=stored)
        store.open(record)
        work = Work(record, store, "random", limits, engine, parts, notify, plan=asking)
        launch = Launcher(store, executor, workers, nursery)

        def train(plan: Confirming) -> bool:
            return launch(replace(work, plan=plan))

        def rivals(history: History) -> Rivals | str:
            return _rivals(asking, record, history)

        confirmation = Confirmation(
            record, store, parts, limits, train, min_difference, cost, rivals=rivals
        )
        proof = search_and_confirm(work, launch, confirmation)
        record = replace(record, about={**record.about, "proof": proof.to_json()})
        store.open(record)
        whole = Study(record, store, parts, tuple(launch.remarks), proof)
        return Answer(_question(asking, record, whole.history, store.url, proof), whole)


def _shorter(limits: Budget, values: int) -> Budget:
    """Return a budget that makes the default trainings short enough for some points a value.

    A default recipe shares a budget in epochs among twelve trainings; here there are as many as
    the values need, and a quarter more for the verdict.
    """
    if limits.epochs == inf:
        return limits
    needed = max(16, int(POINTS * values / 0.75) + 1)
    return replace(limits, epochs=max(1, limits.epochs * 12 // needed))


def _parameter(question: str, parts: Assembly) -> str:
    """Return the recipe key of what is asked.

    Raises:
        LuthierError: for what there is not, or what is no question for one study.
    """
    arguments = list(parts.build.defaults)
    name = question.removeprefix(MODEL_PREFIX)
    if name in ("epochs", "network", "milestones", "changes", "version", "model"):
        raise LuthierError(
            f"'{name}' cannot be asked in one study. Compare two instead: luthier compare A B."
        )
    if name in arguments and (question != name or not parts.recipe.has(name)):
        return MODEL_PREFIX + name
    if question == name and parts.recipe.has(name):
        return name
    known = [key for key in parts.recipe.to_json() if key not in ("version", "model", "network")]
    raise LuthierError(
        f"there is no parameter '{question}'.{did_you_mean(question, known + arguments)} A "
        "question is a key of docs/recipe.md or an argument of the builder: "
        f"{', '.join(arguments) or 'it has none'}."
    )


def _values(question: str, values: Sequence[Value], parts: Assembly) -> tuple[Value, ...]:
    """Return the values as the recipe has them.

    Raises:
        LuthierError: for fewer than two, for one twice, or for one that the key does not take.
    """
    found = tuple(
        value if question.startswith(MODEL_PREFIX) else parse(key(question), value)
        for value in values
    )
    if len(set(map(repr, found))) < 2 or len(set(map(repr, found))) != len(found):
        raise LuthierError(
            f"{question} is asked with {', '.join(map(repr, values)) or 'no value'}. A question "
            "has two different values or more. Write --values 0,0.2,0.5."
        )
    return found


def _ranges(
    space: Mapping[str, Domain] | str | Path | None, parts: Assembly, limits: Budget, asked: str
) -> dict[str, Domain]:
    if isinstance(space, (str, Path)):
        space = load_space(Path(space))
    if space is not None:
        return {name: domain for name, domain in space.items() if name != asked}
    return nuisance(default_ranges(parts, limits), asked)


def _by_value(asking: Asking, history: History) -> list[list[Trial]]:
    """Return the trials of each value; of whole rounds, so that all had the same budget."""
    trials = history.searched.trials
    count = len(asking.values)
    rounds = len(trials) // count
    return [list(trials[place : rounds * count : count]) for place in range(count)]


def _ranking(asking: Asking, history: History) -> list[tuple[int, Trial]]:
    """Return place and best trial of each value that has a score, the best first."""
    bests = [
        (place, min(trials, key=lambda t: (history.steady(t), t.number)))
        for place, trials in enumerate(_by_value(asking, history))
        if trials
    ]
    scored = [pair for pair in bests if isfinite(history.loss(pair[1]))]
    return sorted(scored, key=lambda pair: (history.steady(pair[1]), pair[0]))


def _against(
    asking: Asking, record: StudyRecord, ranking: Sequence[tuple[int, Trial]]
) -> tuple[int, Trial] | None:
    """Return what the best value is held against: the present one, or else the second best."""
    present = record.space.baseline.get(asking.question)
    others = ranking[1:]
    now = [one for one in others if asking.values[one[0]] == present]
    return next(iter([*now, *others]), None)


def _rivals(asking: Asking, record: StudyRecord, history: History) -> Rivals | str:
    ranking = _ranking(asking, history)
    other = _against(asking, record, ranking)
    if other is None:
        return "fewer than two values have a score"
    return Contender.of(ranking[0][1]), Contender.of(other[1])


def _active(asking: Asking, space: Space, best: Trial | None) -> tuple[tuple[str, Value], ...]:
    """Return what a trial has of the nuisance parameters that its value uses."""
    if best is None:
        return ()
    own = asking.of(space, best.recipe.get(asking.question))
    names = [name for name in own.parameters if own.active(name, best.recipe) is not None]
    return tuple((name, best.recipe.get(name)) for name in names)


def _question(
    asking: Asking, record: StudyRecord, history: History, storage: str, proof: Proof
) -> Question:
    groups = _by_value(asking, history)
    losses = [[history.steady(trial) for trial in trials] for trials in groups]
    worst = max((x for group in losses for x in group if isfinite(x)), default=0.0)
    finite = [[x if isfinite(x) else worst for x in group] for group in losses]
    chances = (
        chance_best(finite, np.random.default_rng(record.seed))
        if all(finite)
        else (0.0,) * len(groups)
    )
    ranking = _ranking(asking, history)
    bests = dict(ranking)
    sign = 1.0 if record.direction == "minimize" else -1.0
    tuned = tuple(
        Tuned(
            value=value,
            scores=tuple(sign * x if isfinite(x) else None for x in losses[place]),
            score=sign * history.steady(bests[place]) if place in bests else None,
            trial=bests[place].number if place in bests else None,
            recipe=bests[place].recipe if place in bests else None,
            nuisance=_active(asking, record.space, bests.get(place)),
            chance=chances[place],
            expected=tuple(sign * one for one in expected_best(finite[place])),
        )
        for place, value in enumerate(asking.values)
    )
    other = _against(asking, record, ranking)
    present = record.space.baseline.get(asking.question)
    found = Question(
        question=asking.question,
        metric=record.metric,
        direction=record.direction,
        study=record.name,
        storage=storage,
        nuisance=tuple(name for name in record.space.parameters if name != asking.question),
        values=tuned,
        winner=ranking[0][0] if ranking else None,
        against=None if other is None else other[0],
        present=present,
        proof=proof,
        epochs_spent=history.epochs,
        seconds=history.seconds,
    )
    return replace(found, proposals=proposals(found, asking, record.space))
