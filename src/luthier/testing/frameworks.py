"""The laws of a framework. Subclass `FrameworkLaws`, override its fixture, and run pytest."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import ast
import dataclasses
import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from luthier.core import (
    Build,
    BuilderError,
    Captured,
    Curves,
    DataError,
    Framework,
    State,
    Trial,
)
from luthier.testing import arrays as data
from luthier.testing.bench import SMALL, Bench, Case, builders, case, differ, same_state
from luthier.testing.expect import same

NETWORKS: Mapping[str, Case] = {
    "batch norm and dropout": case(dropout=0.4, model__normalisation="batch"),
    "numbers": case(data.numbers),
    "images": case(data.images, network="channel_dropout", model={}),
    "frozen": case(network="frozen", model={}),
    "tied": case(network="tied", model={}),
    "own buffers": case(network="buffers", model={}),
    "double precision": case(precision="float64"),
}
FIT = ("batch norm and dropout", "numbers")


class FrameworkLaws:
    """What every framework keeps, for the families and for its builders in `luthier.testing`.

    A subclass overrides the fixture `framework` with a new one.
    """

    @pytest.fixture
    def framework(self) -> Framework:
        """Return a new framework."""
        raise NotImplementedError("override the fixture `framework`")

    @pytest.fixture
    def capture(self, framework: Framework) -> Callable[..., Captured]:
        """Return what captures a case's network from a seed, with changes to its recipe."""

        def captured(name: str, seed: int = 0, **changes: Any) -> Captured:
            chosen = NETWORKS[name]
            recipe = chosen.recipe.replace(changes)
            return framework.capture(of(framework, recipe.network), recipe, chosen.arrays(), seed)

        return captured

    # Building.

    @pytest.mark.parametrize("name", NETWORKS)
    def test_a_seed_decides_the_initial_weights(
        self, capture: Callable[..., Captured], name: str
    ) -> None:
        first, again, other = (capture(name, seed).initial for seed in (3, 3, 4))
        same_state(again, first)
        differ(*(_values(state) for state in (first, other)))

    def test_building_leaves_random_numbers_alone(self, capture: Callable[..., Captured]) -> None:
        random.seed(5)
        np.random.seed(5)
        torch.manual_seed(5)
        before = _drawn()
        capture("batch norm and dropout").make()
        same(_drawn(), before)

    @pytest.mark.parametrize("name", NETWORKS)
    def test_it_owns_what_it_makes_and_nothing_else(
        self, framework: Framework, capture: Callable[..., Captured], name: str
    ) -> None:
        made = capture(name).make()
        same([framework.owns(one) for one in (made, object(), None, made.__class__)],
             [True, False, False, False])  # fmt: skip

    def test_networks_that_are_made_share_no_weights(
        self, framework: Framework, capture: Callable[..., Captured]
    ) -> None:
        captured = capture("numbers")
        first, second = captured.make(), captured.make()
        _change(first)
        part = data.numbers().val
        outputs = [framework.outputs(one, part, data.numbers().task) for one in (first, second)]
        differ(outputs[0].tolist(), outputs[1].tolist())

    # Parameters and their roles.

    @pytest.mark.parametrize("name", NETWORKS)
    def test_parameters_have_names_and_roles(
        self, capture: Callable[..., Captured], name: str
    ) -> None:
        captured = capture(name)
        values = captured.initial.group("weights")
        same(set(captured.trainable) <= set(values), True)
        same(set(captured.kernels) <= set(values), True)
        trained = [values[one] for one in captured.trainable]
        same(captured.n_parameters, sum(one.size for one in trained))
        kernels = {one for one in captured.trainable if values[one].ndim >= 2}
        same(kernels <= set(captured.kernels), True)
        same(all(values[one].ndim >= 2 for one in captured.kernels), True)
        same({str(one.dtype) for one in trained}, {
            "float64" if captured.recipe.precision == "float64" else "float32"
        })  # fmt: skip

    def test_what_is_frozen_does_not_train(self, capture: Callable[..., Captured]) -> None:
        captured = capture("frozen")
        values = captured.initial.group("weights")
        same(captured.n_parameters, 8 * data.CLASSES + data.CLASSES)
        same(len(captured.trainable), 2)
        same(len(values), 4)

    def test_what_is_shared_counts_once(self, capture: Callable[..., Captured]) -> None:
        sizes = [one.shape for one in capture("tied").initial.group("weights").values()]
        same(sizes.count((data.FEATURES, data.FEATURES)), 1)

    # Its description.

    def test_a_signature_says_what_trials_share(self, capture: Callable[..., Captured]) -> None:
        first = capture("numbers").signature
        same(capture("numbers", 1, learning_rate=0.5, l2=0.1, epochs=9).signature, first)
        for changes in (
            {"model.width": 12},
            {"optimizer": "lion"},
            {"schedule": "cosine"},
            {"batch_size": 8},
            {"precision": "float64"},
        ):
            differ(capture("numbers", **changes).signature, first)
        same(capture("numbers", batch_size="full").signature.batch_size, data.ROWS)
        same((first.loss, first.batch_size), ("mse", SMALL.batch_size))

    def test_dropout_changes_no_initial_weight_and_no_evaluation(
        self, framework: Framework, capture: Callable[..., Captured]
    ) -> None:
        states = [capture("batch norm and dropout", dropout=p).initial for p in (0.0, 0.4)]
        same_state(*states)
        recipe = NETWORKS["batch norm and dropout"].recipe
        arrays, build = data.classes(), of(framework, recipe.network)
        model = framework.restore(build, recipe, arrays.task, states[1])
        first, again = (
            framework.outputs(model, arrays.val, arrays.task).tolist() for _ in range(2)
        )
        same(first, again)

    # Handing back.

    @pytest.mark.parametrize("name", NETWORKS)
    def test_the_best_weights_come_back(
        self, framework: Framework, capture: Callable[..., Captured], name: str
    ) -> None:
        captured, arrays = capture(name), NETWORKS[name].arrays()
        values = captured.initial.group("weights")
        other = {key: _moved(value) for key, value in values.items()}
        plain = State({f"weights/{k}": v for k, v in values.items()})
        both = State({**plain.arrays, **{f"best/{k}": v for k, v in other.items()}})
        best = State({f"weights/{k}": v for k, v in other.items()})
        recipe = captured.recipe
        build = of(framework, recipe.network)
        outputs = [
            framework.outputs(
                framework.restore(build, recipe, arrays.task, one), arrays.val, arrays.task
            )
            for one in (plain, both, best)
        ]
        units = 1 if arrays.task.kind == "regression" else arrays.task.n_outputs
        same((outputs[0].shape, str(outputs[0].dtype)), ((len(arrays.val), units), "float64"))
        same(bool(np.isfinite(outputs[0]).all()), True)
        same(outputs[1].tolist(), outputs[2].tolist())
        differ(outputs[0].tolist(), outputs[1].tolist())

    @pytest.mark.parametrize("name", ["batch norm and dropout", "own buffers"])
    def test_evaluating_changes_nothing(
        self, framework: Framework, capture: Callable[..., Captured], name: str
    ) -> None:
        captured, arrays = capture(name), NETWORKS[name].arrays()
        build = of(framework, captured.recipe.network)
        model = framework.restore(build, captured.recipe, arrays.task, captured.initial)
        alone = framework.outputs(model, _first(arrays.val, 1), arrays.task)
        whole = framework.outputs(model, arrays.val, arrays.task)
        again = framework.outputs(model, arrays.val, arrays.task)
        same(whole.tolist(), again.tolist())
        np.testing.assert_allclose(whole[:1], alone, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("name", FIT)
    def test_a_script_is_sound_python_that_does_without_luthier(
        self, framework: Framework, capture: Callable[..., Captured], name: str
    ) -> None:
        recipe, arrays = capture(name).recipe, NETWORKS[name].arrays()
        trial = Trial(number=0, recipe=recipe, seed=0, curves=Curves(val_loss=(1.0, 0.9)))
        text = framework.script(
            of(framework, recipe.network),
            trial,
            arrays,
            title="a law",
            data_source="def load():\n    return None\n",
            reported={"log_loss": 0.9},
        )
        imported = {
            alias.name.partition(".")[0]
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in (node.names if isinstance(node, ast.Import) else [])
        }
        same("luthier" in imported, False)
        same("from luthier" in text, False)

    def test_what_it_saves_is_there(
        self, framework: Framework, capture: Callable[..., Captured], tmp_path: Path
    ) -> None:
        captured, task = capture("numbers"), data.numbers().task
        build = of(framework, captured.recipe.network)
        files = framework.save(tmp_path, build, captured.recipe, task, captured.initial)
        same(sorted(files), sorted(tmp_path.iterdir()))

    # Before training.

    @pytest.mark.parametrize("name", FIT)
    def test_what_is_ready_has_the_recipes_loss(self, framework: Framework, name: str) -> None:
        recipe, arrays = NETWORKS[name].recipe, NETWORKS[name].arrays()
        build = of(framework, recipe.network)
        model, loss_fn, optimizer = framework.ready(build, recipe, arrays, 0)
        before = _weights(model)
        setup = framework.inspect(
            model,
            (arrays.train.inputs[0], arrays.train.target),
            loss_fn=loss_fn,
            loss=None,
            optimizer=optimizer,
            scheduler=None,
            epochs=None,
            batch_size=16,
            seconds=0.0,
            seed=0,
        )
        captured = framework.capture(build, recipe, arrays, 0)
        kind = "mse" if arrays.task.kind == "regression" else "cross_entropy"
        same((captured.signature.loss, setup.loss.error), (kind, ""))
        same(math.isfinite(setup.loss.initial or math.nan), True)
        same(setup.optimizer.learning_rates, (recipe.learning_rate,))
        same(setup.output.finite, True)
        same(_weights(model), before)

    def test_rows_are_read(self, framework: Framework) -> None:
        part = data.classes().train
        inputs, target, total = framework.rows((part.inputs[0], part.target), 1000, 0)
        same((len(inputs), inputs[0].shape, total), (1, part.inputs[0].shape, len(part)))
        same(target.tolist(), part.target.tolist())
        few, _, total = framework.rows((part.inputs[0], part.target), 10, 0)
        same((len(few[0]), total), (10, len(part)))
        with pytest.raises(DataError):
            framework.rows({"no": "pairs"}, 10, 0)

    def test_a_baseline_keeps_what_holds_where_the_network_says_nothing(
        self, framework: Framework
    ) -> None:
        about = framework.baseline(of(framework, "mlp"), SMALL, data.classes(), ())
        same(about.recipe, SMALL)
        same(about.decided, ())

    # Errors.

    @pytest.mark.parametrize("wrong", ["raises", "returns nothing", "too wide", "too narrow"])
    def test_a_network_that_does_not_fit_is_told_with_what_to_do(
        self, framework: Framework, wrong: str
    ) -> None:
        own = builders(framework.name)["frozen"].function

        def build(n_features: int, n_outputs: int) -> Any:
            if wrong == "raises":
                raise ValueError("it is broken")
            if wrong == "returns nothing":
                return None
            more = (0, 1) if wrong == "too wide" else (1, 0)
            return own(n_features + more[0], n_outputs + more[1])

        before = _drawn()
        made = Build.read(build, "net.py:build", source=wrong)
        recipe = SMALL.replace({"model": {}})
        with pytest.raises(BuilderError) as raised:
            framework.capture(made, recipe, data.classes(), 0)
        text = str(raised.value)
        same(text.startswith("net.py:build"), True)
        said = {
            "raises": "it is broken",
            "returns nothing": "None",
            "too wide": "4 outputs",
            "too narrow": "(5,)",
        }[wrong]
        same((said in text, text), (True, text))
        same(_drawn(), before)


def of(framework: Framework, network: str) -> Build:
    """Return the builder of a name: one of the framework's own, or a family."""
    return Bench(None, framework).build(SMALL.replace({"network": network}))  # type: ignore[arg-type]


def _values(state: State) -> list[Any]:
    return [value.tolist() for value in state.arrays.values()]


def _drawn() -> list[Any]:
    """Return the states of the generators that a user's code draws from."""
    numbers = np.random.get_state()
    return [random.getstate(), str(numbers), torch.get_rng_state().tolist()]


def _moved(value: Any) -> Any:
    return value if value.dtype.kind != "f" else value + np.asarray(0.5, value.dtype)


def _first(part: Any, rows: int) -> Any:
    return dataclasses.replace(
        part,
        inputs=tuple(x[:rows] for x in part.inputs),
        target=part.target[:rows],
        rows=part.rows[:rows],
    )


def _weights(model: Any) -> list[Any]:
    """Return a live network's weights and buffers; Keras on PyTorch has modules, too."""
    if hasattr(model, "get_weights"):
        return [one.tolist() for one in model.get_weights()]
    return [one.tolist() for one in model.state_dict().values()]


def _change(model: Any) -> None:
    """Change a live network's weights."""
    if hasattr(model, "get_weights"):
        model.set_weights([one + 1.0 for one in model.get_weights()])
        return
    with torch.no_grad():
        for one in model.parameters():
            one.add_(1.0)
