"""Repair: find out why a recipe trains badly, try what is advised, and prove what helps."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import executors, frameworks
from luthier.core import (
    EDITS,
    MODEL_PREFIX,
    Build,
    Edit,
    Finding,
    History,
    LuthierError,
    Recipe,
    StudyRecord,
    nothing,
)
from luthier.data import SplitPlan
from luthier.diagnosis import diagnose_setup
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.check import SECONDS, setup_of
from luthier.loop.evidence import diagnose_trial
from luthier.loop.handing_over.recipes import load_recipe
from luthier.loop.handing_over.retrain import builder_of
from luthier.loop.record import study_name, study_record
from luthier.loop.repair.curing import CHECK, FIND, Curing
from luthier.loop.repair.outcome import outcome_of
from luthier.loop.repair.patient import patient_of
from luthier.loop.repair.proof import prove
from luthier.loop.repair.proving import LOOKS, guess
from luthier.loop.repair.result import LIVE, Repair
from luthier.loop.training.scoring import part_scores
from luthier.loop.working.budget import Budget
from luthier.loop.working.overseer import Overseer
from luthier.loop.working.work import Work
from luthier.storage import connect

if TYPE_CHECKING:
    from luthier.loop.working.work import Plan

STORAGE = "sqlite:///luthier.db"
LONGEST = 1.0  # trainings' worth of steps that the check's short ones may take together
FEWEST = 400  # and at least so many steps, four of its short trainings, up to `CHECK` of a recipe's


def repair(
    build: Any,
    data: Any,
    *,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    budget: str | None = None,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    split: SplitPlan | None = None,
    find: float = FIND,
    seeds: int = LOOKS[-1],
    seconds: float = SECONDS,
    storage: str = STORAGE,
    study: str | None = None,
    seed: int = 0,
    engine: str = "auto",
    framework: str | None = None,
    notify: Callable[[History], None] = nothing,
) -> Repair:
    """Find out why a recipe trains badly, try what helps against that, and prove it.

    The recipe is checked, trained once and diagnosed. What is found decides what is tried, alone
    and then beside what helped most; what falls behind is cut short. Then before and after are
    trained with fresh seeds, and judged on rows that chose nothing. Where that proves no gain, the
    recipe comes back as it was. The same call on the same storage goes on where it was stopped.

    Args:
        build: A family, ``FILE.py:function``, a function that returns a network, or a PyTorch
            network: one that lives begins each training with the weights that it has, so that
            seeds differ in the order of rows and in masks alone. None: what the recipe names.
        data: As for `luthier.tune`.
        recipe: What trains badly; the keys it leaves out take a sound default.
        budget: A limit on time or epochs beside `find` and `seeds`, such as "5m".
        target: As for `luthier.tune`, and so are those that follow.
        task: What kind.
        metric: Decides.
        sample_weight: Weight of each row.
        group: Column whose equal values stay together.
        time: Column to split by in time.
        split: How to split; by default as the recipe's run block says.
        find: Trainings' worth of epochs that finding may cost, the check's short ones among them.
        seeds: Of before and after, at most: looks are taken at three, at five, and at all.
        seconds: That the check's short trainings may take.
        storage: Where the trainings are kept.
        study: Under which name; by default of data, network and recipe.
        seed: Of the split and of the trainings that choose; those that prove take the next ones.
        engine: What trains.
        framework: Whose networks a family makes.
        notify: Called with the history as it grows.

    Raises:
        LuthierError: for a mistake in what was passed; its text says what to change.
    """
    if seeds < 2:
        raise LuthierError(
            f"{seeds} training of before and after proves nothing: two show how much trainings "
            "differ. Write seeds=3, or leave it out."
        )
    limits = Budget() if budget is None else Budget.parse(budget)
    keys = load_recipe(Path(recipe)) if isinstance(recipe, (str, Path)) else recipe
    run = keys.get("run") if isinstance(keys, Mapping) else None
    known = run.get("split") if isinstance(run, Mapping) else None
    parts = assemble(
        _builder(build, recipe, keys),
        data,
        recipe={k: v for k, v in keys.items() if k != "run"} if isinstance(keys, Mapping) else keys,
        target=target,
        task=task,
        metric=metric,
        sample_weight=sample_weight,
        group=group,
        time=time,
        split=split or (SplitPlan(**known) if isinstance(known, Mapping) else None),
        seed=seed,
        framework=framework,
    )
    parts.trainer(engine)  # a mistake is told before there is a storage
    given = parts
    parts, edits = _editable(parts, seed)
    name = study or f"repair-{study_name(parts, seed)}-{parts.recipe.identity[:6]}"
    record = study_record(
        parts,
        name,
        stored=None,
        recipe=None,
        space={},
        budget=limits,
        seed=seed,
        strategy="repair",
        engine=engine,
    )
    store = connect(storage)
    record = _checked(record, store.find(name), given, seconds, seed)
    store.open(record)
    course = Repairing(
        curing=Curing(
            checked=tuple(Finding.from_json(one) for one in record.about["check"]["findings"]),
            patient=patient_of(parts, edits),
            diagnose=lambda trial: diagnose_trial(trial, parts),
            spent=record.about["check"]["epochs"],
            find=find,
            guessing=_guessing(parts),
        ),
        work=Work(record, store, "random", limits, engine, parts, notify),
        given=given,
        edits=tuple(edits),
        looks=(*(look for look in LOOKS if look < seeds), seeds),
    )
    return course.run()


@dataclass(frozen=True)
class Repairing:
    """A repair in progress.

    Args:
        curing: Decides what is trained to find the changes.
        work: What trains.
        given: The parts before the builder took edits.
        edits: Changes to the network that are safe.
        looks: Numbers of seeds at which before and after are judged.
    """

    curing: Curing
    work: Work
    given: Assembly
    edits: tuple[Edit, ...]
    looks: tuple[int, ...]

    def run(self) -> Repair:
        """Find, prove, and say what came of it."""
        store, name = self.work.storage, self.work.study.name
        self._launch(self.curing)
        course = self.curing.course(store.history(name))
        first = store.history(name).trials[:1]
        if first and first[0].state == "failed" and not first[0].epochs:
            raise LuthierError(f"the recipe cannot be trained: {first[0].cause}")
        proof = None
        if course.taken and not course.steps:
            proof = prove(course, self.work, self.looks, self._launch)
        found = outcome_of(course, proof, self.curing, store.history(name), self.edits)
        found = replace(found, study=name, notes=(*found.notes, *self._notes()))
        return self._result(found, course.after)

    def _launch(self, plan: Plan) -> bool:
        work = replace(self.work, plan=plan)
        overseer = Overseer(work.study.name, work.storage, work.budget, work.notify)
        overseer.run(executors.load("local", 1), work, 1)
        return not overseer.interrupted

    def _notes(self) -> tuple[str, ...]:
        if self.given.build.reference != LIVE:
            return ()
        return (
            "the network begins each training with the weights that it has: seeds differ in the "
            "order of rows and in masks alone",
        )

    def _result(self, found: Any, after: Recipe) -> Repair:
        """Return the repaired recipe for the builder that has its edits, or the given one."""
        history = self.work.storage.history(self.work.study.name)
        recipe = after if found.outcome == "repaired" else self.curing.patient.recipe
        # A search keeps the weights of its best: another seed of this recipe may have its own.
        same = [one for one in history.trials if one.recipe == recipe]
        trial = next((one for one in same if one.stored), same[0])
        names = str(recipe.get(f"{MODEL_PREFIX}{EDITS}") or "").split("+")
        edits = [one for one in self.edits if one.name in names]
        build = self.given.framework.repaired(self.given.build, edits)
        model = {key: value for key, value in recipe.model.items() if key != EDITS}
        final = recipe.replace({"network": build.reference, "model": model})
        parts = replace(self.given, build=build, recipe=final)
        return Repair(
            found,
            final,
            replace(trial, recipe=final),
            parts,
            self.work.study,
            self.work.storage,
            after,
        )


def _guessing(parts: Assembly) -> float:
    """Return the loss of what has learnt nothing, on validation rows."""
    arrays = parts.arrays
    task = arrays.task
    outputs = guess(arrays.train, arrays.val, task.n_outputs, bool(task.classes))
    score = part_scores(arrays, outputs, arrays.val)[task.metric]
    return score if task.direction == "minimize" else -score


def _builder(build: Any, recipe: Any, keys: Any) -> Any:
    """Return what builds the network: as named, as the recipe names it, or copies of a live one."""
    if build is None and isinstance(keys, Mapping) and keys.get("network"):
        folder = Path(recipe).parent if isinstance(recipe, (str, Path)) else Path()
        return builder_of(str(keys["network"]), folder)
    if build is None and isinstance(keys, Recipe):
        return builder_of(keys.network, Path())
    owner = frameworks.owner(build)
    if owner is None:
        return build
    if owner.name != "torch":
        raise LuthierError(
            f"a live {type(build).__name__} of {owner.name} was given, whose weights cannot be "
            "drawn again for each training. Pass a function that builds it."
        )
    return Build(LIVE, _Copies(build), f"{build}", {}, {}, ())


@dataclass(frozen=True, eq=False)
class _Copies:
    """Returns copies of a live network."""

    network: Any

    def __call__(self) -> Any:
        return copy.deepcopy(self.network)


def _editable(parts: Assembly, seed: int) -> tuple[Assembly, list[Edit]]:
    """Return parts whose builder takes edits, and which there are."""
    edits = list(parts.framework.edits(parts.build, parts.recipe, parts.arrays, seed))
    if not edits:
        return parts, []
    recipe = parts.recipe.replace({f"{MODEL_PREFIX}{EDITS}": ""})
    build = parts.framework.edited(parts.build, edits)
    return replace(
        parts, build=build, recipe=recipe, about=replace(parts.about, recipe=recipe)
    ), edits


def _checked(
    record: StudyRecord, stored: StudyRecord | None, parts: Assembly, seconds: float, seed: int
) -> StudyRecord:
    """Return the record with what the check found; one that goes on keeps what was found then."""
    if stored is not None and "check" in stored.about:
        return replace(record, about={**record.about, "check": stored.about["check"]})
    steps = parts.recipe.updates(len(parts.arrays.train))
    most = affordable(steps * parts.recipe.epochs)
    setup = setup_of(parts, seconds=seconds, most=most, whole=False, seed=seed)
    findings = diagnose_setup(setup).findings
    check = {
        "findings": [one.to_json() for one in findings],
        "epochs": setup.steps / steps,
    }
    return replace(record, about={**record.about, "check": check})


def affordable(training: int) -> int:
    """Return how many steps the check's short trainings may take together.

    Args:
        training: Steps of the recipe's own.

    >>> [affordable(steps) for steps in (20, 100, 150, 1000)]
    [60, 300, 400, 1000]
    """
    return round(max(LONGEST * training, min(FEWEST, CHECK * training)))
