"""train.py is Python, for whatever recipe and builder."""

import ast
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier import frameworks
from luthier.catalog import families, initialisers, losses, optimizers, schedules
from luthier.core import Build, Curves, Positions, Recipe, Trial
from luthier.frameworks.builders import read_builder
from luthier.frameworks.source import hoisted, without_luthier
from luthier.frameworks.torch.script import training_script
from luthier.testing import arrays as data

LOAD = '''"""Reads the data."""
import numpy as np


def load():
    """Return training, validation and test part."""
    rng = np.random.default_rng(0)
    parts = []
    for rows in (60, 40):
        x = rng.normal(size=(rows, 5)).astype(np.float32)
        parts.append(([x], (x[:, :3]).argmax(1), None))
    return *parts, None
'''
FAMILIES = {
    "mlp": (data.classes, {"depth": 1}),
    "resnet": (data.categories, {"depth": 1, "width": 32}),
    "cnn": (data.images, {"width": 8}),
}


def script(recipe, arrays, build=None, **changes):
    build = build or families.by_name(recipe.network).build
    loss = recipe.loss or losses.default(arrays.task.kind, arrays.task.n_outputs)
    keys = {"title": "Train.", "data_source": LOAD, "reported": {"loss": 0.5}, **changes}
    return training_script(
        build=build,
        recipe=recipe,
        task=arrays.task,
        loss=loss,
        positions=Positions(),
        seed=3,
        epochs=2,
        **keys,
    )


@pytest.fixture(autouse=True)
def arguments(monkeypatch):
    """A script reads its command line."""
    monkeypatch.setattr(sys, "argv", ["train.py"])


def share(low=0.0, high=0.9):
    return st.floats(low, high)


def maybe(strategy):
    return st.none() | strategy


RECIPES = st.builds(
    Recipe,
    network=st.just("mlp"),
    model=st.fixed_dictionaries({"depth": st.integers(1, 3)}),
    optimizer=st.sampled_from([o.name for o in optimizers.ALL]),
    learning_rate=share(1e-9, 100),
    momentum=share(),
    beta2=share(),
    epsilon=share(1e-12, 1e-2),
    schedule=st.sampled_from([s.name for s in schedules.ALL]),
    warmup=share(0, 1),
    milestones=st.sampled_from([(0.5,), (0.1, 0.2)]),
    batch_size=st.integers(1, 99) | st.just("full"),
    epochs=st.integers(1, 9),
    l1=share(),
    l2=share(),
    weight_decay=share(),
    dropout=maybe(share()),
    initialiser=maybe(st.sampled_from([i.name for i in initialisers.ALL])),
    label_smoothing=share(),
    mixup=share(),
    noise=share(),
    clip_norm=maybe(share(0.1)),
    ema=maybe(share()),
    class_weight=maybe(st.just("balanced")),
    augmentation=st.sampled_from(
        ["none", "flip", "shift", "flip_shift", "cutout", "flip_shift_cutout"]
    ),
    precision=st.sampled_from(["float32", "float64", "bfloat16"]),
)


@settings(max_examples=25)
@given(RECIPES, st.sampled_from(["log_loss", "accuracy", "roc_auc", "balanced_log_loss"]))
def test_every_recipe_gives_python(recipe, metric):
    tree = ast.parse(script(recipe, data.classes(metric=metric)))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {"load", "make_network", "learning_rate", "loss_of", "main"} <= names


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", None])
def test_every_loss_for_numbers_gives_python(loss):
    ast.parse(script(Recipe(loss=loss, model={"depth": 1}), data.numbers(2)))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_network_of_the_text_is_that_of_the_engine(family):
    arrays, model = FAMILIES[family][0](), FAMILIES[family][1]
    recipe = Recipe(network=family, model=model)
    names = {"__name__": "train"}
    exec(script(recipe, arrays), names)
    captured = frameworks.load("torch").capture(families.by_name(family).build, recipe, arrays, 0)
    shapes, theirs = (
        {k: v.shape for k, v in module.state_dict().items()}
        for module in (names["make_network"](), captured.make())
    )
    assert shapes == theirs


def test_it_starts_with_the_imports_sorted_and_once():
    tree = ast.parse(script(Recipe(), data.classes()))
    imports = [ast.unparse(n) for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert imports[0] == "from __future__ import annotations"
    assert len(imports) == len(set(imports))
    assert imports.count("import numpy as np") == 1
    assert tree.body[len(imports) + 1].lineno > 10


def test_scores_that_are_no_numbers_are_left_out():
    text = script(Recipe(), data.classes(), reported={"roc_auc": float("nan"), "loss": 0.25})
    assert "REPORTED = {'loss': 0.25}" in text


def test_a_title_may_hold_what_python_would_read():
    text = script(Recipe(), data.classes(), title='C:\\users\\new "study" """')
    assert "C:/users/new" in ast.get_docstring(ast.parse(text))


BUILDER = '''"""My network."""

from __future__ import annotations

import os.path
from typing import Annotated

import luthier
import torch.nn as tnn
from luthier import (
    Float as F,
    Int,
)

WIDTH = luthier.Int(4, 64)


def build(n_features: int, n_outputs: int, width: Annotated[int, WIDTH] = 8):
    return tnn.Sequential(tnn.Linear(n_features, width), tnn.Linear(width, n_outputs))


if __name__ == "__main__":
    raise SystemExit("the builder's own main ran")
'''


@pytest.fixture
def build(tmp_path):
    (tmp_path / "net.py").write_text(BUILDER)
    return read_builder("net.py:build", tmp_path)


def test_a_users_builder_is_written_into_the_script(build):
    recipe = Recipe(network="net.py:build", model={"width": 6})
    text = script(recipe, data.classes(), build)
    assert "import luthier" not in text
    assert "from luthier" not in text
    names = {"__name__": "__main__x"}
    exec(text, names)
    assert next(p.shape for p in names["make_network"]().parameters()) == (6, 5)


def test_a_builders_own_main_is_left_out(build):
    text = script(Recipe(network="net.py:build"), data.classes(), build)
    assert "own main ran" not in text
    assert text.count('if __name__ == "__main__":') == 1


def test_a_builder_inside_a_function_is_written_out_too():
    def inner(n_features, n_outputs):
        return torch.nn.Linear(n_features, n_outputs)

    text = script(Recipe(network="inner"), data.classes(), Build.read(inner, "inner"))
    names = {"__name__": "train"}
    exec(text, names)
    assert names["make_network"]().out_features == 3


def test_writing_a_script_leaves_random_numbers_alone(build):
    trial = Trial(0, Recipe(network="net.py:build"), 0, curves=Curves(train_loss=(1.0,)))
    before = torch.get_rng_state().tolist()
    text = frameworks.load("torch").script(
        build, trial, data.classes(), title="t", data_source=LOAD, reported={}
    )
    ast.parse(text)
    assert torch.get_rng_state().tolist() == before


def test_it_runs_and_learns(tmp_path, monkeypatch, capsys):
    keys = {"optimizer": "lion", "schedule": "cosine", "warmup": 0.1, "ema": 0.9, "l1": 1e-4}
    keys |= {
        "weight_decay": 0.1,
        "clip_norm": 1.0,
        "mixup": 0.2,
        "noise": 0.1,
        "label_smoothing": 0.05,
    }
    keys |= {"dropout": 0.1, "initialiser": "truncated_normal", "class_weight": "balanced"}
    recipe = Recipe(model={"depth": 1, "width": 32}, learning_rate=0.01, epochs=30, **keys)
    arrays = data.classes()
    text = training_script(
        title="Train.",
        build=families.by_name("mlp").build,
        recipe=recipe,
        task=arrays.task,
        loss="cross_entropy",
        positions=Positions(),
        data_source=LOAD,
        seed=0,
        epochs=30,
        reported={"accuracy": 0.9},
    )
    assert "luthier." not in text.partition("\nSEED")[2]
    monkeypatch.chdir(tmp_path)
    exec(text, {"__name__": "__main__"})
    printed = capsys.readouterr().out.partition("validation ")[2].splitlines()[0]
    assert ast.literal_eval(printed)["accuracy"] > 0.7
    assert (tmp_path / "retrained.pt").is_file()


class TestWithoutLuthier:
    def test_names_are_replaced_by_what_does_nothing(self):
        text = without_luthier("from luthier import Float as F, Int\nx = (F(1, 2), Int(1, 2))")
        names = {}
        exec(text, names)
        assert names["x"] == (None, None)

    def test_the_module_is_replaced_too(self):
        text = without_luthier("import luthier as l\nx = l.Conditional(l.Categorical('a'), 1)")
        names = {}
        exec(text, names)
        assert names["x"] is None

    def test_another_import_beside_it_stays(self):
        names = {}
        exec(without_luthier("import math, luthier\nx = math.pi, luthier.Int(1, 2)"), names)
        assert names["x"] == (3.141592653589793, None)

    def test_other_modules_stay(self):
        source = "import luthierlike\nfrom luthierlike import Int"
        assert without_luthier(source) == source

    def test_imports_over_several_lines_are_one(self):
        text = without_luthier("from luthier import (\n    Float,\n    Int,\n)\nx = 1")
        assert text == "Float = Int = lambda *args, **kwargs: None\nx = 1"


class TestHoisted:
    def test_imports_and_docstring_are_taken_off(self):
        imports, rest = hoisted('"""Doc."""\nimport a\nfrom b import (\n  c,\n)\nx = 1\nimport d')
        assert sorted(imports) == ["from b import c", "import a", "import d"]
        assert rest == "x = 1"

    def test_imports_within_functions_stay(self):
        imports, rest = hoisted("def f():\n    import a\n    return a")
        assert imports == []
        assert "import a" in rest

    def test_future_imports_are_the_templates(self):
        assert hoisted("from __future__ import annotations\nx = 1") == ([], "x = 1")

    def test_what_shares_a_line_with_an_import_stays(self):
        imports, rest = hoisted("import a; x = 1")
        assert imports == ["import a"]
        assert rest == "x = 1"
