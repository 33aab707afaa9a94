"""The laws of an engine. Subclass `EngineLaws`, override its fixtures, and run pytest."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from luthier.catalog import optimizers, schedules
from luthier.core import Engine, Framework, Part, State
from luthier.storage.blob import from_blob, to_blob
from luthier.testing import arrays as data
from luthier.testing.bench import (
    BATCH_NORM,
    CASES,
    EPOCHS,
    FEATURES,
    OWN,
    SCHEDULED,
    SMALL,
    Bench,
    differ,
    near,
    same_result,
    same_state,
)
from luthier.testing.expect import same


class EngineLaws:
    """What every engine keeps, on whatever it does not refuse.

    A subclass overrides the fixtures `engine` and `framework` with new ones.

    Attributes:
        trains: What trains of the network `frozen`.
        shared: What its second layer has from the first, in the network `tied`.
    """

    trains: tuple[str, ...] = ("2.bias", "2.weight")
    shared: str = "first.weight"

    def is_tied(self, model: Any) -> bool:
        """Tell whether a live network `tied` has one kernel in two places."""
        return model.first.weight is model.second.weight

    @pytest.fixture
    def engine(self) -> Engine:
        """Return a new engine."""
        raise NotImplementedError("override the fixture `engine`")

    @pytest.fixture
    def framework(self) -> Framework:
        """Return the framework whose networks the engine trains."""
        raise NotImplementedError("override the fixture `framework`")

    @pytest.fixture
    def bench(self, engine: Engine, framework: Framework) -> Bench:
        """Return both together."""
        return Bench(engine, framework)

    def test_the_cases_cover_every_optimizer_and_schedule(self) -> None:
        recipes = [case.recipe for case in CASES.values()]
        same({r.optimizer for r in recipes}, {o.name for o in optimizers.ALL})
        same({r.schedule for r in recipes}, {s.name for s in schedules.ALL})

    @pytest.mark.parametrize("name", CASES)
    def test_a_run_in_pieces_equals_one_run(self, bench: Bench, name: str) -> None:
        recipe, arrays = CASES[name].recipe, CASES[name].arrays()
        whole = bench.train(recipe, arrays)
        pieces = bench.train(
            recipe, arrays, stops=(2, EPOCHS), through=lambda state: from_blob(to_blob(state))
        )
        same(len(whole[0]), EPOCHS)
        same_result(pieces, whole)

    def test_a_run_that_does_not_leave_the_engine_may_be_cut_too(self, bench: Bench) -> None:
        recipe, arrays = CASES["average with batch norm"].recipe, data.classes()
        whole = bench.train(recipe, arrays)
        bench.place(recipe, arrays)
        curves = bench.engine.run({0: 1})[0] + bench.engine.run({0: EPOCHS})[0]
        same_result((curves, bench.engine.take(0)), whole)

    def test_a_state_stays_as_it_was_taken(self, bench: Bench) -> None:
        recipe, arrays = CASES["plateau that decays"].recipe, data.classes()
        bench.place(recipe, arrays)
        bench.engine.run({0: 2})
        taken = bench.engine.take(0)
        kept = from_blob(to_blob(taken))
        bench.engine.run({0: EPOCHS})
        same_state(taken, kept)

    @pytest.mark.parametrize("name", CASES)
    def test_a_rehearsal_takes_the_steps_that_come_next(self, bench: Bench, name: str) -> None:
        recipe, arrays = CASES[name].recipe, CASES[name].arrays()
        bench.place(recipe, arrays)
        before = bench.engine.take(0)
        none, one = (bench.engine.rehearse(0, steps) for steps in (0, 1))
        same_state(bench.engine.take(0), before)
        same((none.losses, len(one.losses), len(one.norms)), ((), 1, 1))
        same(one.state.extra["step"], 1)
        same(math.isfinite(none.sample_loss + none.val_loss + one.losses[0]), True)

    def test_a_rehearsed_epoch_is_the_epoch(self, bench: Bench) -> None:
        recipe, arrays = CASES["dropout"].recipe, data.classes()
        bench.place(recipe, arrays)
        rehearsal = bench.engine.rehearse(0, data.ROWS // 16)
        curves = bench.engine.run({0: 1})[0]
        near(curves.train_loss, [np.mean(rehearsal.losses)])
        near(curves.val_loss, [rehearsal.val_loss])
        near(curves.train_loss_eval, [rehearsal.sample_loss])
        weights = bench.engine.take(0).group("weights")
        for key, value in rehearsal.state.group("weights").items():
            same((key, value.tolist()), (key, weights[key].tolist()))

    def test_only_new_epochs_are_returned(self, bench: Bench) -> None:
        bench.place(SMALL, data.classes())
        same([len(bench.engine.run({0: until})[0]) for until in (1, 3, 3, 2)], [1, 2, 0, 0])

    @pytest.mark.parametrize("name", ["dropout", "average with batch norm", "mixup"])
    def test_a_trial_does_not_depend_on_the_one_before_it(self, bench: Bench, name: str) -> None:
        recipe, arrays = CASES[name].recipe, data.classes()
        alone = bench.train(recipe, arrays)
        bench.train(CASES["penalties, decay and clipping"].recipe, data.classes(), seed=7)
        bench.train(CASES["adam with cosine"].recipe, data.numbers())
        same_result(bench.train(recipe, arrays), alone)

    @pytest.mark.parametrize("name", ["batch norm", "dropout", "categories"])
    def test_networks_that_differ_in_width_alone_are_each_trained_as_they_are(
        self, bench: Bench, name: str
    ) -> None:
        recipe, arrays = CASES[name].recipe, CASES[name].arrays()
        alone = bench.train(recipe, arrays)
        for width in (6, 20):
            other = bench.train(recipe.replace({"model.width": width}), arrays)
            same(len(other[0]), EPOCHS)
            differ(other[0].train_loss, alone[0].train_loss)
        same_result(bench.train(recipe, arrays), alone)

    @pytest.mark.parametrize(
        "name", ["dropout", "mixup", "noise", "batch norm", "augmented images"]
    )
    def test_the_seed_decides(self, bench: Bench, name: str) -> None:
        recipe, arrays = CASES[name].recipe, CASES[name].arrays()
        first, again, other = (bench.train(recipe, arrays, seed=seed)[0] for seed in (3, 3, 4))
        same(again.train_loss, first.train_loss)
        differ(other.train_loss, first.train_loss)

    @pytest.mark.parametrize("name", ["dropout", "mixup", "noise", "augmented images"])
    def test_the_seed_decides_more_than_the_initial_weights(self, bench: Bench, name: str) -> None:
        recipe, arrays = CASES[name].recipe.replace({"batch_size": "full"}), CASES[name].arrays()
        captured = bench.accepted(recipe, arrays)
        losses = []
        for seed in (3, 4):
            bench.engine.open(captured, arrays)
            bench.engine.put(0, recipe, seed, captured.initial)
            losses.append(bench.engine.run({0: 1})[0].train_loss)
        differ(*losses)

    def test_the_order_of_rows_is_drawn_anew_every_epoch(self, bench: Bench) -> None:
        recipe = SMALL.replace({"optimizer": "sgd", "learning_rate": 1e-20})
        losses = bench.train(recipe, data.classes())[0].train_loss
        same(len(set(losses)), EPOCHS)

    @pytest.fixture
    def busy_process(self) -> Iterator[None]:
        """Give the process threads and random numbers that no engine would choose."""
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        for seed in (torch.manual_seed, np.random.seed, random.seed):
            seed(4711)
        yield
        torch.set_num_threads(before)

    @pytest.mark.usefixtures("busy_process")
    def test_random_numbers_and_threads_of_the_process_stay(self, bench: Bench) -> None:
        before = process_state()
        for name in ("random numbers of its own", "dropout", "mixup"):
            bench.train(CASES[name].recipe, CASES[name].arrays())
        same(process_state(), before)

    @pytest.mark.usefixtures("busy_process")
    def test_they_stay_when_training_raises(self, bench: Bench) -> None:
        recipe = SMALL.replace({"network": "fails_in_training", **OWN})
        bench.place(recipe, data.classes())
        before = process_state()
        with pytest.raises(RuntimeError, match="it does not train"):
            bench.engine.run({0: 1})
        same(process_state(), before)

    @pytest.mark.parametrize("name", FEATURES)
    def test_every_series_has_one_value_an_epoch(self, bench: Bench, name: str) -> None:
        arrays = CASES[name].arrays()
        curves, _ = bench.train(CASES[name].recipe, arrays)
        same(set(curves.metrics), set(arrays.task.metrics))
        plain = {f.name: getattr(curves, f.name) for f in dataclasses.fields(curves)}
        groups = {**plain.pop("metrics"), **plain.pop("signals")}
        same({k: len(v) for k, v in (plain | groups).items()}, dict.fromkeys(plain | groups, 4))
        same([k for k, v in (plain | groups).items() if not all(map(math.isfinite, v))], [])

    @pytest.mark.parametrize("name", SCHEDULED)
    def test_the_learning_rate_is_that_of_the_epochs_last_step(
        self, bench: Bench, name: str
    ) -> None:
        recipe, arrays = CASES[name].recipe, CASES[name].arrays()
        curves, _ = bench.train(recipe, arrays)
        steps = 1 if recipe.batch_size == "full" else data.ROWS // int(recipe.batch_size)
        expected = [
            schedules.learning_rate(
                recipe,
                schedules.Progress(
                    (epoch + 1) * steps - 1, EPOCHS * steps, steps, curves.val_loss[:epoch]
                ),
            )
            for epoch in range(EPOCHS)
        ]
        near(curves.learning_rate, expected)

    def test_a_plateau_lowers_the_learning_rate(self, bench: Bench) -> None:
        curves, _ = bench.train(CASES["plateau that decays"].recipe, data.classes())
        same(curves.learning_rate[-1] < curves.learning_rate[0], True)

    def test_penalties_are_told_apart_from_the_loss(self, bench: Bench) -> None:
        recipe = SMALL.replace({"batch_size": "full", "optimizer": "sgd", **BATCH_NORM})
        penalised = recipe.replace({"l1": 0.03, "l2": 0.05})
        arrays = data.classes()
        plain, penalty = (bench.train(r, arrays, stops=(1,))[0] for r in (recipe, penalised))
        kernels = kernels_of(bench.initial(recipe, arrays))
        same(len(kernels), 2)
        expected = sum(0.03 * np.abs(w).sum() + 0.05 * np.square(w).sum() for w in kernels.values())
        near(penalty.penalty, [expected], rel=1e-5)
        near(plain.penalty, [0.0])
        near(penalty.train_loss, plain.train_loss)

    def test_penalties_and_decay_pull_at_kernels_alone(self, bench: Bench) -> None:
        recipe = SMALL.replace({"batch_size": "full", "optimizer": "sgd", **BATCH_NORM})
        arrays = data.classes()
        start = kernels_of(bench.initial(recipe, arrays))
        plain = bench.train(recipe, arrays, stops=(1,))[1].group("weights")
        pulls: list[tuple[dict[str, float], Callable[[Any], Any]]] = [
            ({"l1": 0.03}, lambda w: 0.03 * np.sign(w)),
            ({"l2": 0.05}, lambda w: 2 * 0.05 * w),
            ({"weight_decay": 0.5}, lambda w: 0.5 * w),
        ]
        for changes, pull in pulls:
            ends = bench.train(recipe.replace(changes), arrays, stops=(1,))[1].group("weights")
            for name, end in ends.items():
                moved = recipe.learning_rate * pull(start[name]) if name in start else 0.0
                np.testing.assert_allclose(end, plain[name] - moved, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("name", FEATURES)
    def test_the_score_is_that_of_the_weights_handed_over(self, bench: Bench, name: str) -> None:
        recipe, arrays = CASES[name].recipe, CASES[name].arrays()
        curves, state = bench.train(recipe, arrays)
        best = curves.score(arrays.task.metric, arrays.task.direction)
        near([bench.score(recipe, arrays, state, arrays.val)], [best], rel=1e-6)

    @pytest.mark.parametrize("ema", [None, 0.5])
    def test_the_weights_handed_over_are_those_of_the_best_epoch(
        self, bench: Bench, ema: float | None
    ) -> None:
        for arrays in (data.classes(metric="accuracy"), data.numbers()):
            recipe = SMALL.replace({"learning_rate": 0.3, "epochs": 8, "ema": ema})
            for seed in range(5):  # until there is a run whose last epoch is not its best
                curves, state = bench.train(recipe, arrays, stops=(8,), seed=seed)
                series = curves.metrics[arrays.task.metric]
                best = curves.best_epoch(arrays.task.metric, arrays.task.direction)
                if series[-1] != series[(best or 0) - 1]:
                    break
            differ(series[-1], series[(best or 0) - 1])
            near([bench.score(recipe, arrays, state, arrays.val)], [series[(best or 0) - 1]], 1e-6)

    def test_a_trial_that_diverges_stops_after_that_epoch(self, bench: Bench) -> None:
        recipe = SMALL.replace({"optimizer": "sgd", "learning_rate": 1e30})
        bench.place(recipe, data.numbers())
        curves = bench.engine.run({0: EPOCHS})[0]
        same((curves.finite, curves.upto(len(curves) - 1).finite), (False, True))
        same(len(curves) < EPOCHS, True)
        same(len(bench.engine.run({0: EPOCHS})[0]), 0)
        bench.place(recipe, data.numbers(), state=from_blob(to_blob(bench.engine.take(0))))
        same(len(bench.engine.run({0: EPOCHS})[0]), 0)

    def test_weights_that_are_no_numbers_end_a_trial_after_one_epoch(self, bench: Bench) -> None:
        arrays = data.classes()
        initial = bench.initial(SMALL, arrays)
        broken = {name: w * np.float32(np.nan) for name, w in initial.arrays.items()}
        bench.place(SMALL, arrays, state=State(broken, initial.extra))
        curves = bench.engine.run({0: EPOCHS})[0]
        same((len(curves), curves.finite), (1, False))
        same(math.isnan(curves.val_loss[0]), True)

    def test_another_frameworks_network_is_refused_in_words(self, bench: Bench) -> None:
        captured = bench.framework.capture(bench.build(SMALL), SMALL, data.classes(), 0)
        same(bench.engine.refuses(captured, SMALL), None)
        foreign = dataclasses.replace(captured, framework="tensorstream")
        same("tensorstream" in (bench.engine.refuses(foreign, SMALL) or ""), True)

    def test_frozen_parameters_stay(self, bench: Bench) -> None:
        changes = {"network": "frozen", "model": {}, "l1": 0.1, "weight_decay": 1.0, "ema": 0.5}
        recipe, arrays = SMALL.replace(changes), data.classes()
        start = bench.initial(recipe, arrays).group("weights")
        _, state = bench.train(recipe, arrays)
        for group in ("weights", "best"):
            moved = [k for k, v in state.group(group).items() if not np.array_equal(v, start[k])]
            same(tuple(sorted(moved)), self.trains)

    def test_tied_parameters_stay_tied(self, bench: Bench) -> None:
        recipe, arrays = CASES["tied"].recipe, CASES["tied"].arrays()
        _, state = bench.train(recipe, arrays)
        same("second.weight" in state.group("weights"), False)
        model = bench.framework.restore(bench.build(recipe), recipe, arrays.task, state)
        same(self.is_tied(model), True)
        start = bench.initial(recipe, arrays).group("weights")
        differ(state.group("best")[self.shared].tolist(), start[self.shared].tolist())

    def test_a_batch_larger_than_the_data_means_all_of_it(self, bench: Bench) -> None:
        results = [
            bench.train(SMALL.replace({"batch_size": size}), data.classes())
            for size in (10_000, data.ROWS, "full")
        ]
        same_result(results[0], results[2])
        same_result(results[1], results[2])

    def test_the_last_short_batch_is_left_out(self, bench: Bench) -> None:
        changes = {"optimizer": "sgd", "learning_rate": 1.0, "schedule": "linear"}
        recipe = SMALL.replace({**changes, "batch_size": 25})
        curves, _ = bench.train(recipe, data.classes())
        near(curves.learning_rate, [7 / 8, 5 / 8, 3 / 8, 1 / 8])

    def test_rows_of_weight_zero_do_not_matter(self, bench: Bench) -> None:
        recipe = SMALL.replace({"batch_size": "full", "precision": "float64"})
        arrays = data.classes()
        rng = np.random.default_rng(0)
        noise = Part(
            (rng.normal(size=(20, data.FEATURES)).astype(np.float32) * 9,),
            rng.integers(data.CLASSES, size=20),
            np.zeros(20, np.float32),
            np.arange(20),
        )
        with_noise, _ = bench.train(recipe, data.with_rows(arrays, noise))
        without, _ = bench.train(recipe, arrays)
        for name in ("train_loss", "train_loss_eval", "val_loss"):
            near(getattr(with_noise, name), getattr(without, name), rel=1e-9)

    def test_a_batch_of_weight_zero_teaches_nothing(self, bench: Bench) -> None:
        arrays = data.classes()
        lone = data.weighted(arrays, np.arange(data.ROWS) == 7)
        recipe = SMALL.replace({"batch_size": 1, "optimizer": "sgd", "epochs": 1})
        curves, state = bench.train(recipe, lone, stops=(1,))
        same(curves.finite, True)
        row = Part((arrays.train.inputs[0][7:8],), arrays.train.target[7:8], None, np.arange(1))
        only = dataclasses.replace(arrays, train=row, key="only")
        _, expected = bench.train(recipe, only, stops=(1,))
        for name, value in expected.group("weights").items():
            np.testing.assert_allclose(state.group("weights")[name], value, rtol=0, atol=1e-7)

    def test_twice_the_weight_is_the_row_twice(self, bench: Bench) -> None:
        arrays = data.classes()
        recipe = SMALL.replace({"batch_size": "full", "precision": "float64"})
        weight = np.where(np.arange(data.ROWS) < 20, 2, 1)
        first = Part(
            tuple(x[:20] for x in arrays.train.inputs),
            arrays.train.target[:20],
            None,
            np.arange(20),
        )
        heavy, _ = bench.train(recipe, data.weighted(arrays, weight))
        doubled, _ = bench.train(recipe, data.with_rows(arrays, first))
        near(heavy.train_loss, doubled.train_loss, rel=1e-8)
        near(heavy.val_loss, doubled.val_loss, rel=1e-8)


def kernels_of(state: State) -> dict[str, Any]:
    """Return the weights with two dimensions or more."""
    return {name: w for name, w in state.group("weights").items() if w.ndim >= 2}


def process_state() -> object:
    """Return what training must leave alone."""
    return (
        torch.get_num_threads(),
        torch.get_rng_state().tolist(),
        repr(np.random.get_state()),
        random.getstate(),
    )
