"""The laws of a storage. Subclass `StorageLaws`, override its fixture, and run pytest."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import math
import multiprocessing
import pickle
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

from luthier.core import (
    Claim,
    Curves,
    Recipe,
    State,
    Step,
    Storage,
    StorageError,
    StudyMismatchError,
    StudyNotFoundError,
)
from luthier.testing.expect import same
from luthier.testing.studies import STUDY, epoch_of, epochs, new_steps, state_after, study_record

LONG = 1e6  # seconds: a lease that does not run out
OVER = -1.0  # seconds: a lease that has run out already


def train(storage: Storage, claim: Claim, until: int | None = None) -> None:
    """Train a claimed step as an engine would, an epoch at a time."""
    for epoch in range(claim.trial.epochs + 1, (until or claim.until) + 1):
        storage.advance(STUDY, claim, epochs(epoch), state_after(epoch), seconds=0.5)


def take(storage: Storage, worker: str = "ada", lease: float = LONG) -> Claim:
    """Claim a step that must be there."""
    claim = storage.claim(STUDY, worker, lease)
    if claim is None:
        pytest.fail("a step waits, but none was given out")
    return claim


class StorageLaws:
    """What every storage keeps, whoever is killed when.

    A subclass overrides the fixture `storage` with a new, empty one. Laws about several processes
    hand the storage to them by `pickle`; one that cannot be handed over skips them.
    """

    @pytest.fixture
    def storage(self) -> Storage:
        """Return a new, empty storage."""
        raise NotImplementedError("override the fixture `storage`")

    @pytest.fixture
    def study(self, storage: Storage) -> Storage:
        """Return a storage with one study that has three trials waiting."""
        storage.open(study_record())
        storage.plan(STUDY, 0, new_steps(3))
        return storage

    def test_a_study_is_opened_again_as_it_was(self, storage: Storage) -> None:
        first = storage.open(study_record())
        same(first, storage.record(STUDY))
        same(storage.open(study_record()), storage.record(STUDY))
        same(list(storage.studies()), [first])

    def test_a_study_about_something_else_is_refused(self, storage: Storage) -> None:
        storage.open(study_record())
        with pytest.raises(StudyMismatchError, match=r"seed differs \(0 then, 7 now\)"):
            storage.open(study_record(seed=7))
        with pytest.raises(StudyMismatchError, match="space differs in 'learning_rate'"):
            storage.open(study_record(low=1e-5))
        same(storage.record(STUDY), study_record())

    def test_an_unknown_study_is_named_with_those_that_exist(self, storage: Storage) -> None:
        storage.open(study_record())
        uses: list[Callable[[], object]] = [
            lambda: storage.record("other"),
            lambda: storage.history("other"),
            lambda: storage.claim("other", "ada", LONG),
            lambda: storage.plan("other", 0, []),
        ]
        for use in uses:
            with pytest.raises(StudyNotFoundError, match=r"no study 'other' .* holds 'digits'"):
                use()

    def test_one_worker_decides(self, study: Storage) -> None:
        same(study.plan(STUDY, 0, new_steps(5)), False)
        same(study.plan(STUDY, 1, new_steps(1)), True)
        history = study.history(STUDY)
        same((len(history.trials), history.decisions), (4, 2))

    def test_new_trials_are_numbered_in_the_order_of_the_steps(self, study: Storage) -> None:
        study.plan(STUDY, 1, [Step(9, recipe=Recipe(), seed=2**40)])
        trials = study.history(STUDY).trials
        same([trial.number for trial in trials], [0, 1, 2, 3])
        same([trial.recipe.get("model.width") for trial in trials], [1, 2, 3, None])
        same([trial.seed for trial in trials], [0, 1, 2, 2**40])
        same({trial.state for trial in trials}, {"waiting"})

    def test_a_trial_remembers_whether_it_can_be_resumed(self, study: Storage) -> None:
        study.plan(STUDY, 1, new_steps(1), resumable=False)
        same([t.resumable for t in study.history(STUDY).trials], [True, True, True, False])

    def test_a_step_of_a_trial_that_has_one_is_refused_as_a_whole(self, study: Storage) -> None:
        for number in (0, 9):
            with pytest.raises(StorageError, match=f"trial {number}"):
                study.plan(STUDY, 1, [*new_steps(1), Step(5, trial=number)])
        same((len(study.history(STUDY).trials), study.history(STUDY).decisions), (3, 1))

    def test_steps_are_given_out_in_order_and_once(self, study: Storage) -> None:
        study.plan(STUDY, 1, new_steps(1, until=7))
        claims = [take(study) for _ in range(4)]
        same([(c.decision, c.index) for c in claims], [(0, 0), (0, 1), (0, 2), (1, 0)])
        same([(c.trial.number, c.until) for c in claims], [(0, 3), (1, 3), (2, 3), (3, 7)])
        same({claim.trial.state for claim in claims}, {"running"})
        same(study.claim(STUDY, "bob", LONG), None)

    def test_a_paused_trial_goes_on_from_where_it_was(self, study: Storage) -> None:
        claim = take(study)
        train(study, claim)
        same(study.finish(STUDY, claim, "paused"), True)
        study.release(STUDY, "ada")
        study.plan(STUDY, 1, [Step(5, trial=0)])
        same(study.history(STUDY).trials[0].state, "waiting")
        claims = [take(study) for _ in range(3)]
        same(claims[2].trial.curves, epochs(1, 2, 3))
        same((epoch_of(claims[2].state), claims[2].until), (3, 5))

    def test_a_trial_ends_with_its_cause(self, study: Storage) -> None:
        claim = take(study)
        same(study.finish(STUDY, claim, "failed", "out_of_memory: 3 GiB"), True)
        trial = study.history(STUDY).trials[0]
        same((trial.state, trial.cause), ("failed", "out_of_memory: 3 GiB"))
        same(take(study).trial.number, 1)

    def test_a_trial_that_has_ended_is_not_planned_again(self, study: Storage) -> None:
        study.finish(STUDY, take(study), "pruned")
        same(study.plan(STUDY, 1, [Step(5, trial=0)]), True)
        same(study.history(STUDY).trials[0].state, "pruned")
        same([take(study).trial.number for _ in range(2)], [1, 2])
        same(study.claim(STUDY, "ada", LONG), None)

    def test_a_step_ends_in_a_state_that_exists(self, study: Storage) -> None:
        with pytest.raises(StorageError, match="'done'"):
            study.finish(STUDY, take(study), "done")

    def test_a_lease_that_has_run_out_is_taken_over(self, study: Storage) -> None:
        train(study, take(study, "ada", OVER), until=2)
        claim = take(study, "bob")
        same((claim.trial.number, claim.trial.curves), (0, epochs(1, 2)))
        same(epoch_of(claim.state), 2)

    def test_a_lease_that_is_renewed_is_kept(self, study: Storage) -> None:
        take(study, "ada", OVER)
        study.renew(STUDY, "ada", LONG)
        same(take(study, "bob").trial.number, 1)

    def test_a_late_worker_changes_nothing(self, study: Storage) -> None:
        late = take(study, "ada", OVER)
        train(study, take(study, "bob"), until=2)
        before = study.history(STUDY)
        same(study.advance(STUDY, late, epochs(1, 2, 3), state_after(3), seconds=9.0), False)
        same(study.finish(STUDY, late, "failed"), False)
        same(study.history(STUDY), before)

    def test_a_dead_workers_steps_are_given_back(self, study: Storage) -> None:
        claims = [take(study, "ada"), take(study, "bob")]
        same(list(study.workers(STUDY)), ["ada", "bob"])
        study.release(STUDY, "ada")
        same(list(study.workers(STUDY)), ["bob"])
        same([t.state for t in study.history(STUDY).trials], ["waiting", "running", "waiting"])
        same(study.advance(STUDY, claims[0], epochs(1), None, seconds=0.0), False)
        same(take(study, "cyd").trial.number, 0)

    def test_a_trial_that_kills_its_workers_is_failed(self, study: Storage) -> None:
        train(study, take(study), until=1)
        for _ in range(100):
            study.release(STUDY, "ada")
            if take(study).trial.number != 0:
                break
        trial = study.history(STUDY).trials[0]
        same((trial.state, trial.epochs), ("failed", 1))
        same("died" in (trial.cause or ""), True)
        same("epoch 2" in (trial.cause or ""), True)

    def test_progress_clears_a_trial_of_its_workers_deaths(self, study: Storage) -> None:
        study.plan(STUDY, 1, new_steps(1, until=30))
        for _ in range(3):
            study.finish(STUDY, take(study), "finished")
        for epoch in range(1, 31):
            train(study, take(study), until=epoch)
            study.release(STUDY, "ada")
        same(study.history(STUDY).trials[3].epochs, 30)

    def test_epochs_without_a_state_are_trained_again(self, study: Storage) -> None:
        claim = take(study)
        study.advance(STUDY, claim, epochs(1), state_after(1), seconds=0.0)
        study.advance(STUDY, claim, epochs(2), None, seconds=0.0)
        same(study.history(STUDY).trials[0].epochs, 2)
        study.release(STUDY, "ada")
        again = take(study)
        same((again.trial.curves, epoch_of(again.state)), (epochs(1), 1))
        train(study, again)
        same(study.history(STUDY).trials[0].curves, epochs(1, 2, 3))

    @pytest.mark.parametrize("calls", range(9))
    def test_a_kill_between_two_calls_loses_no_stored_epoch(
        self, storage: Storage, calls: int
    ) -> None:
        for call in _life(storage)[:calls]:
            call()
        stored = epoch_of(storage.state(STUDY, 0)) if calls >= 2 else 0
        # The same command again, in a new process.
        storage.open(study_record())
        for worker in storage.workers(STUDY):
            storage.release(STUDY, worker)
        storage.plan(STUDY, 0, new_steps(1))
        claim = storage.claim(STUDY, "bob", LONG)
        if claim is not None:
            same(claim.trial.epochs, stored)
            same(epoch_of(claim.state), stored)
            train(storage, claim)
            storage.finish(STUDY, claim, "paused")
        (trial,) = storage.history(STUDY).trials
        same((trial.state, trial.curves), ("paused", epochs(1, 2, 3)))
        same(epoch_of(storage.state(STUDY, 0)), 3)

    def test_history_tells_what_came_since(self, study: Storage) -> None:
        before = study.history(STUDY)
        same(study.history(STUDY, before.changed).trials, ())
        claim = take(study)
        study.advance(STUDY, claim, epochs(1, 2), state_after(2), seconds=1.5)
        since = study.history(STUDY, before.changed)
        same([(t.number, t.curves, t.stored) for t in since.trials], [(0, epochs(1, 2), True)])
        same(since.changed > before.changed, True)
        same(before.merge(since), study.history(STUDY))

    def test_history_tells_the_studys_goal_and_its_cost(self, study: Storage) -> None:
        train(study, take(study))
        history = study.history(STUDY)
        same((history.metric, history.direction, history.seed), ("accuracy", "maximize", 0))
        same((0.5 <= history.seconds <= 1.5, history.epochs), (True, 3))

    def test_an_engine_is_fixed_once(self, study: Storage) -> None:
        same(study.assign(STUDY, 0, "compiled"), "compiled")
        same(study.assign(STUDY, 0, "torch_eager"), "compiled")
        same([trial.engine for trial in study.history(STUDY).trials], ["compiled", "", ""])

    def test_the_first_epochs_fix_what_trained_them(self, study: Storage) -> None:
        first, second, third = take(study), take(study), take(study)
        study.advance(STUDY, first, epochs(1), None, seconds=0, engine="compiled")
        study.advance(
            STUDY, second, epochs(1), None, seconds=0, outcome=("paused", None), engine="native"
        )
        study.finish(STUDY, third, "failed", "nan_loss", engine="torch_eager")
        engines = [trial.engine for trial in study.history(STUDY).trials]
        same(engines, ["compiled", "native", "torch_eager"])

    def test_what_is_no_number_comes_back(self, study: Storage) -> None:
        odd = (math.nan, math.inf, -math.inf, 5e-324, -0.0, 0.1)
        study.advance(STUDY, take(study), Curves(val_loss=odd, signals={"s": odd}), None, seconds=0)
        curves = study.history(STUDY).trials[0].curves
        same(repr(curves), repr(Curves(val_loss=odd, signals={"s": odd})))

    def test_a_state_comes_back_bit_for_bit(self, study: Storage) -> None:
        random = numpy.random.default_rng(0)
        arrays: dict[str, NDArray[Any]] = {
            "weights/z": random.normal(size=(3, 4)).astype(numpy.float32).T,
            "weights/a": random.normal(size=5),
            "slot0/count": numpy.array(7, numpy.int64),
            "mask": numpy.array([True, False]),
            "none": numpy.zeros((0, 2), numpy.float32),
        }
        extra = {"epoch": 1, "best": math.inf, "name": "ü", "list": [1, None, {"a": True}]}
        study.advance(STUDY, take(study), epochs(1), State(arrays, extra), seconds=0)
        state = study.state(STUDY, 0)
        if state is None:
            pytest.fail("the state is gone")
        same(list(state.arrays), list(arrays))
        for name, array in arrays.items():
            same(
                (state.arrays[name].dtype, state.arrays[name].shape),
                (
                    array.dtype,
                    array.shape,
                ),
            )
            same(state.arrays[name].tobytes(), array.tobytes())
        same(state.extra, extra)
        same(study.state(STUDY, 1), None)

    def test_an_evicted_trial_cannot_go_on(self, study: Storage) -> None:
        for ending in ("paused", "finished"):
            claim = take(study)
            train(study, claim)
            study.finish(STUDY, claim, ending)
        train(study, take(study), until=1)
        study.evict(STUDY, [0, 1, 2])
        trials = study.history(STUDY).trials
        same([trial.state for trial in trials], ["pruned", "finished", "running"])
        same([trial.stored for trial in trials], [False, False, True])
        same("evicted" in (trials[0].cause or ""), True)
        same([trial.epochs for trial in trials], [3, 3, 1])
        same([study.state(STUDY, i) is None for i in range(3)], [True, True, False])

    def test_a_person_ends_a_trial_wherever_it_is(self, study: Storage) -> None:
        paused, running = take(study), take(study, "bob")
        train(study, paused, until=2)
        study.finish(STUDY, paused, "paused")
        same([study.prune(STUDY, number, "by hand") for number in (0, 1, 2)], [True] * 3)
        trials = study.history(STUDY).trials
        same([(t.state, t.cause, t.until) for t in trials], [("pruned", "by hand", 0)] * 3)
        same(study.advance(STUDY, running, epochs(1), state_after(1), seconds=0.5), False)
        same(study.finish(STUDY, running, "finished"), False)
        same((study.claim(STUDY, "ada", LONG), study.prune(STUDY, 0, "again")), (None, False))
        with pytest.raises(StorageError, match="no trial 9"):
            study.prune(STUDY, 9, "by hand")

    def test_a_wish_to_stop_reaches_whoever_reads_on(self, study: Storage) -> None:
        before = study.history(STUDY)
        study.ask_to_stop(STUDY)
        after = before.merge(study.history(STUDY, before.changed))
        same((before.stops, after.stops, len(after.trials)), (0, 1, 3))

    def test_the_ledger_counts_openings_over_all_studies(self, storage: Storage) -> None:
        opened = [("a", "one"), ("a", "two"), ("b", "one"), ("a", "one")]
        same([storage.opened(test, study) for test, study in opened], [0, 1, 0, 2])

    def test_studies_do_not_meet(self, study: Storage) -> None:
        study.open(study_record("other"))
        same(study.claim("other", "ada", LONG), None)
        same(study.history("other").trials, ())
        same(study.plan("other", 0, new_steps(1)), True)
        same([trial.number for trial in study.history("other").trials], [0])

    def test_processes_share_the_steps_without_a_double(self, storage: Storage) -> None:
        storage.open(study_record())
        storage.plan(STUDY, 0, new_steps(24, until=2))
        numbers = [n for taken in in_processes(_work, storage, 4) for n in taken]
        same(sorted(numbers), list(range(24)))
        trials = storage.history(STUDY).trials
        same(all(t.curves == epochs(1, 2) and t.state == "finished" for t in trials), True)

    def test_processes_elect_one_to_decide(self, storage: Storage) -> None:
        storage.open(study_record())
        elected = [n for decided in in_processes(_decide, storage, 4) for n in decided]
        same(sorted(elected), list(range(20)))
        same(len(storage.history(STUDY).trials), 20)


def _life(storage: Storage) -> list[Callable[[], object]]:
    claims: list[Claim] = []

    def advance(epoch: int) -> Callable[[], object]:
        return lambda: storage.advance(
            STUDY, claims[0], epochs(epoch), state_after(epoch), seconds=0.5
        )

    return [
        lambda: storage.open(study_record()),
        lambda: storage.plan(STUDY, 0, new_steps(1)),
        lambda: claims.append(take(storage)),
        lambda: storage.assign(STUDY, 0, "compiled"),
        *map(advance, (1, 2, 3)),
        lambda: storage.finish(STUDY, claims[0], "paused"),
    ]


def in_processes(
    work: Callable[[Storage, str], list[int]], storage: Storage, count: int
) -> Iterable[list[int]]:
    """Run a function in several new processes at once; skip where the storage cannot follow."""
    try:
        pickle.dumps(storage)
    except StorageError as error:
        pytest.skip(str(error))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=spawn) as pool:
        return list(pool.map(work, [storage] * count, [f"worker-{i}" for i in range(count)]))


def _work(storage: Storage, worker: str) -> list[int]:
    numbers = []
    while (claim := storage.claim(STUDY, worker, LONG)) is not None:
        train(storage, claim)
        storage.finish(STUDY, claim, "finished")
        numbers.append(claim.trial.number)
    return numbers


def _decide(storage: Storage, worker: str) -> list[int]:
    return [decision for decision in range(20) if storage.plan(STUDY, decision, new_steps(1))]
