"""Tune: from data and a builder to a well-tuned network."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import executors
from luthier.core import COSTS, Domain, History, LuthierError, Proof, Recipe, nothing
from luthier.loop.comparing.costs import check_cost, check_difference
from luthier.loop.working.budget import Budget, looked
from luthier.loop.working.nurseries import nursery_for

if TYPE_CHECKING:
    from luthier.data import SplitPlan
    from luthier.loop.assembly import Assembly
    from luthier.loop.proving.confirming import Confirming
    from luthier.loop.study import Study

STORAGE = "sqlite:///luthier.db"
_STARS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def tune(
    build: str | Callable[..., Any] | None,
    data: Any = None,
    *,
    budget: str = "1m",
    length: int | str | None = None,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    direction: str = "minimize",
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    space: Mapping[str, Domain] | str | Path | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    split: SplitPlan | None = None,
    storage: str = STORAGE,
    study: str | None = None,
    seed: int = 0,
    strategy: str = "freeze_thaw",
    engine: str = "auto",
    device: str = "auto",
    framework: str | None = None,
    executor: str = "auto",
    workers: int = 1,
    baseline_tuned: bool = False,
    feedback: bool = False,
    min_difference: float | None = None,
    cost: str = COSTS[0],
    limits: Mapping[str, float] | Sequence[str] | None = None,
    objectives: Mapping[str, str] | Sequence[str] | None = None,
    notify: Callable[[History], None] = nothing,
) -> Study:
    """Find a recipe that trains a network well, starting from a sound default.

    The same call on the same storage goes on where it was stopped or killed. Ctrl-C once ends
    after the epoch, twice at once.

    Args:
        build: A family (``mlp``, ``resnet``, ``cnn``), ``FILE.py:function``, or a function that
            returns a network, whose annotated arguments are what may vary; None takes ``cnn``
            for images, else ``mlp``. Without `data`: an objective that takes a trial and
            returns a score.
        data: ``(X, y)``; pairs for training and validation, and a third for test; a data frame;
            or the path of a table, of arrays, or of a folder of images.
        budget: "5m", "600 epochs" (in total, over all trials), "50 trials", or several with
            commas. A minute is enough to see what tuning brings for small data.
        length: Epochs of one training, all trials' alike; by default about 2,000 updates in 20 to
            60 epochs. Another one than a study has begins the study ``NAME-length``, which
            learns from those before it. ``"fit"`` takes as many as fit the training data without
            regularisation, found by one training, which is part of the budget.
        target: The column to predict, for a data frame.
        task: ``classification`` or ``regression``, where the target alone misleads.
        metric: Decides; by default log-loss for classes (balanced if they are unequal in size)
            and root mean squared error for numbers.
        direction: What an objective's score wants: ``minimize`` or ``maximize``.
        recipe: Where to start, or a file of it; the keys it leaves out take a sound default. Of an
            objective: the first trial's values by name.
        space: Ranges by recipe key, or a file of them; by default what a good practitioner
            would search. ``"nuisance"`` searches rate, momentum and regularisers alone, which a
            changed batch size or network makes stale; all else stays as the recipe has it.
        sample_weight: Weight of each row; for a file, the column that holds it.
        group: For a file, the column whose equal values stay in one split.
        time: For a file, the column to split by in time.
        split: How to split; by default 60 % training, 20 % validation, 20 % test, stratified.
        storage: Where to keep the study.
        study: Its name; by default made of data and builder.
        seed: Decides the split, what is tried, and each training.
        strategy: Decides what to try next: ``freeze_thaw``, ``halving``, ``hyperband``, ``tpe``,
            ``pbt``, ``random``, ``sobol``, ``grid``, or ``optuna:`` and the name of a sampler.
        engine: What trains; ``auto`` takes the fastest that can.
        device: ``cpu``, ``cuda``, or ``auto``: a GPU that JAX is installed for, if there is one.
            There trials of one structure train side by side, many at a time.
        framework: Whose networks a family makes: ``torch`` (the default) or ``keras``. A function
            of your own decides that itself.
        executor: Where workers run: ``local`` is this process, ``processes`` are fresh ones;
            ``auto`` takes processes for more than one worker.
        workers: How many run at a time, best no more than there are cores. Each trains its trial
            on one core, so that what a trial comes to never depends on their number.
        baseline_tuned: Whether to hold the winner against a baseline whose learning rate and other
            nuisance parameters were tuned with the same budget, instead of against the recipe
            that the search began with. Half of the search then goes to that baseline.
        feedback: Whether trials are diagnosed while the search runs, and ranges follow: rates that
            blew up twice are closed, regularisers open up where the best trials learn rows by
            heart. Off, as no gain from it is shown yet (benchmarks/README.md).
        min_difference: What is too small to matter, in units of the metric: a verdict may then
            be that winner and baseline are equivalent. None: every difference matters.
        cost: Which of the two is handed over then: the one with fewer ``parameters``, the lower
            ``latency`` or the shorter ``training_time``.
        limits: The most that networks may cost, by name: ``{"parameters": 1e5, "latency_ms": 2}``.
            Also ``training_seconds``; one row is what latency is measured with, on this machine.
            And what other metrics have to reach: ``{"accuracy": 0.9}``. An objective names what it
            reports, and which side is good: ``["accuracy>=0.9", "size<=100"]``.
        objectives: What to trade the metric against: names of costs, or of other metrics. The
            search then looks for the whole front, ``study.front``; the metric decides who wins.
            An objective reports them beside its value: ``trial.report(loss, parameters=n)``.
        notify: Called with the history as it grows.

    Returns:
        The study: `best`, `best_model()`, `summary`, `export(folder)`.

    Raises:
        LuthierError: for a mistake in what was passed; its text says what to change.
    """
    budgeted = Budget.parse(budget)
    check_difference(min_difference), check_cost(cost)
    if length is not None:
        from luthier.loop.planning.length import read_length

        length = read_length(length)
    if data is None:
        from luthier import search
        from luthier.loop.limits import read_limits
        from luthier.loop.objective import (
            ObjectiveWork,
            checkpoint_folder,
            objective_record,
            start_values,
            tune_objective,
        )
        from luthier.storage import connect

        runner = executors.load(executor, workers)
        objective = _objective(build, direction)
        if length is not None:
            raise LuthierError(
                "a length was given for an objective, whose own loop decides how long it trains. "
                "Leave it out; budget= says what all trials may take."
            )
        search.by_name(strategy)
        if strategy == "pbt":
            raise LuthierError(
                "strategy 'pbt' copies trials and changes their recipes' own keys, which an "
                "objective has none of. Leave it out, or take another: strategy='halving'."
            )
        wishes = read_limits(limits, objectives, None)
        name = study or str(getattr(build, "__name__", "objective"))
        record = objective_record(name, direction, seed, start_values(recipe))
        record = replace(record, about={**record.about, "strategy": strategy, **wishes.to_json()})
        folder = checkpoint_folder(storage, name)
        store = connect(storage)
        alone = ObjectiveWork(objective, record, store, budgeted, folder, strategy, notify)
        return tune_objective(alone, runner, workers)
    with nursery_for(workers, framework) as nursery:
        executors.load(executor, workers)  # a mistake is told at once
        # Here, while the nursery imports what workers need.
        from luthier import search
        from luthier.data.measure import measures
        from luthier.engines.devices import engine_on
        from luthier.loop.assembly import assemble
        from luthier.loop.feasible import names_network, within_limits
        from luthier.loop.limits import Limits, read_limits
        from luthier.loop.limits import named as limited
        from luthier.loop.planning.begun import begun
        from luthier.loop.planning.length import (
            FIT,
            Length,
            found_length,
            lasting,
            of_length,
        )
        from luthier.loop.planning.next_length import earlier_note, of_other_length
        from luthier.loop.proving.confirm import STOPPED, Confirmation
        from luthier.loop.proving.search_and_confirm import search_and_confirm
        from luthier.loop.proving.tuned_baseline import TunedBaseline
        from luthier.loop.record import study_name, study_record
        from luthier.loop.study import Study
        from luthier.loop.working.elsewhere import assemble_elsewhere
        from luthier.loop.working.launcher import Launcher
        from luthier.loop.working.work import Work
        from luthier.storage import connect

        options: dict[str, Any] = {
            "recipe": recipe,
            "target": target,
            "task": task,
            "metric": metric,
            "sample_weight": sample_weight,
            "group": group,
            "time": time,
            "split": split,
            "budget": budgeted,
            "seed": seed,
            "framework": framework,
        }

        def assembled(also: tuple[str, ...]) -> Assembly:
            named = isinstance(data, (str, Path))
            if nursery is not None and named and (build is None or isinstance(build, str)):
                trains = engine if device != "cuda" else "packed_cuda"
                given = {"also": also, **options}
                return assemble_elsewhere(nursery, build, data, engine=trains, **given)
            return assemble(build, data, also=also, **options)

        parts = assembled(limited(limits, objectives))
        if isinstance(length, int):
            parts = lasting(parts, length)
        either = device == "auto" and engine == "auto"
        engine = engine_on(device, engine, parts.framework.name, many=True)
        search.by_name(strategy), parts.trainer(engine)  # a mistake is told before a study begins
        asked = read_limits(limits, objectives, measures(parts.arrays.task.kind))
        name = study or study_name(parts, seed)
        wanted = partial(
            study_record,
            name=name,
            recipe=recipe,
            space=space,
            budget=budgeted,
            seed=seed,
            strategy=strategy,
            engine=engine,
            wishes=asked,
        )
        record = wanted(parts, stored=None)  # a mistake is told before there is a storage
        store = connect(storage)
        record = of_other_length(record, length, store)
        name, wanted = record.name, partial(wanted, name=record.name)
        stored = store.find(name)
        if stored is not None:
            if either:  # it goes on where it began
                engine = stored.about.get("engine", engine)
            record = wanted(parts, stored=stored, engine=engine)
            if not {*(also := Limits.of(record).metrics)} <= {*parts.arrays.task.metrics}:
                parts = assembled(also)  # nobody had to say again what it asked for
        else:
            record = within_limits(record, parts, asked, given=names_network(recipe))
        record = replace(record, about={**record.about, "feedback": feedback})
        work = Work(record, store, strategy, budgeted, engine, parts, notify)
        launch = Launcher(store, executor, workers, nursery)
        if stored is None and length == FIT:
            found: Length = launch.on(work)(partial(found_length, record))
            parts = lasting(parts, found.epochs)
            record = of_length(record, found)
            work = replace(work, study=record, parts=parts)
        if stored is None and space is None and not work.trainer.choice.packs:
            record = begun(record, budgeted, parts, launch.on(work), given=recipe is not None)
        store.open(record)
        whole = budgeted.without(looked(record.about))
        rival = TunedBaseline.of(record, whole) if baseline_tuned else None
        whole = whole if rival is None else rival.whole
        work = replace(work, study=record, budget=whole)
        launch.remarks += [f"baseline: {note}" for note in parts.about.notes]
        launch.remarks += earlier_note(record, store)

        def train(plan: Confirming) -> bool:
            return launch(replace(work, plan=plan))

        confirmation = Confirmation(
            record,
            store,
            parts,
            whole,
            train,
            min_difference,
            cost,
            compute=launch.each(work),
            workers=workers,
            following=launch.following,
        )
        against: dict[str, Any] = {}
        if rival is not None:
            if not rival.search(work, launch):
                return Study(record, store, parts, tuple(launch.remarks), Proof(reason=STOPPED))
            other = store.history(rival.record.name)
            confirmation = replace(confirmation, rivals=rival.rivals(other), share=rival.share)
            against = {"against": rival.against(other), "tuned": True}
        proof = replace(search_and_confirm(work, launch, confirmation), **against)
        # Kept with the study, so that `luthier show` and a report need no data to tell it.
        record = replace(record, about={**record.about, "proof": proof.to_json()})
        store.open(record)
        known = launch.following.history(name)
        return Study(record, store, parts, tuple(launch.remarks), proof, known)


def _objective(build: object, direction: str) -> Callable[..., Any]:
    """Refuse what is no objective, before there is a storage: a network needs data."""
    if direction not in ("minimize", "maximize"):
        raise LuthierError(
            f"direction '{direction}' is neither of 'minimize' and 'maximize'. "
            "Write direction='minimize'."
        )
    if callable(build):
        arguments = inspect.signature(build).parameters.values()
        needed = [a.name for a in arguments if a.default is a.empty and a.kind not in _STARS]
        name = getattr(build, "__name__", "build")
        if len(needed) == 1:
            return build
        what = f"an objective takes one argument, the trial, and {name} takes {len(needed)}"
    else:
        name, what = repr(build), f"{build!r} is a network's name"
    raise LuthierError(
        f"tune({name}) got no data, but {what}. A network needs data to learn from. "
        f"Write tune({name}, data=(X, y))."
    )
