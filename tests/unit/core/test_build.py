"""A builder's signature says what may vary, where to start, and what luthier fills in."""

from functools import partial
from typing import Annotated, Optional

import numpy as np
import pytest

from luthier.core import (
    RESERVED,
    Build,
    BuilderError,
    Categorical,
    Conditional,
    Float,
    Int,
    Signature,
    State,
    Task,
)

TASK = Task("classification", "log_loss", "minimize", (2, 3), 4, cardinalities=(5,))
WIDTH = Int(8, 64)


def network(n_features: int, n_outputs: int, width: Annotated[int, WIDTH] = 16, depth: int = 2):
    return n_features, n_outputs, width, depth


class Network:
    def __init__(self, n_features: int, width: Annotated[int, WIDTH] = 16):
        self.size = (n_features, width)


class Factory:
    def __call__(self, n_features: int, width: Annotated[int, WIDTH] = 16):
        return n_features, width


def read(function) -> Build:
    return Build.read(function, "net.py:build")


class TestRead:
    def test_annotated_arguments_may_vary_and_all_defaults_are_the_baseline(self):
        build = read(network)
        assert build.parameters == {"width": WIDTH}
        assert build.defaults == {"width": 16, "depth": 2}
        assert build.reserved == ("n_features", "n_outputs")

    @pytest.mark.parametrize(
        "domain",
        [
            Float(0.0, 0.5),
            Int(1, 4),
            Categorical("relu", "gelu"),
            Conditional("kind", {"deep": Int(2, 4)}),
        ],
        ids=lambda domain: type(domain).__name__,
    )
    def test_every_kind_of_range_is_found(self, domain):
        def build(value: Annotated[object, "a note", domain] = 1): ...

        assert read(build).parameters == {"value": domain}

    def test_a_range_as_the_annotation_itself_counts_too(self):
        def build(width: Int(8, 64) = 16): ...  # what people type first

        assert Build.read(build, "net.py:build").parameters == {"width": Int(8, 64)}

    def test_a_range_is_found_where_none_is_allowed_too(self):
        def old(width: Optional[Annotated[int, WIDTH]] = None): ...  # noqa: UP045
        def new(width: Annotated[int, WIDTH] | None = None): ...

        assert read(old).parameters == read(new).parameters == {"width": WIDTH}

    @pytest.mark.parametrize("name", RESERVED)
    def test_reserved_names_need_no_default(self, name: str):
        scope: dict = {}
        exec(f"def build({name}): return {name}", scope)
        build = read(scope["build"])
        assert build.reserved == (name,)
        assert build(TASK, {}) == getattr(TASK, name)

    def test_an_argument_needs_a_default_or_a_reserved_name(self):
        def build(n_features, width): ...

        with pytest.raises(BuilderError) as raised:
            read(build)
        assert str(raised.value) == (
            "net.py:build: argument 'width' has no default. Give it one, the baseline "
            "(`width = 128`), or use a name that luthier fills in: "
            "n_features, n_outputs, input_shape, cardinalities."
        )

    def test_further_arguments_are_left_alone(self):
        def build(n_features, *layers, width=4, **others): ...

        assert read(build).defaults == {"width": 4}

    @pytest.mark.parametrize(
        "callable_",
        [Network, Factory(), Factory().__call__, partial(network, depth=3)],
        ids=["class", "object", "method", "partial"],
    )
    def test_whatever_can_be_called_is_a_builder(self, callable_):
        build = read(callable_)
        assert build.parameters == {"width": WIDTH}
        assert build.defaults["width"] == 16
        assert "n_features" in build.source

    def test_a_partial_sets_the_baseline(self):
        build = read(partial(network, width=32))
        assert build.defaults == {"width": 32, "depth": 2}
        assert build(TASK, {}) == (6, 4, 32, 2)


class TestStringAnnotations:
    """As `from __future__ import annotations` makes of all of them."""

    def made(self, signature: str, head: str = "") -> Build:
        lines = [
            "from __future__ import annotations",
            "from typing import Annotated",
            "from luthier.core import Int",
            head,
            f"def build({signature}): ...",
        ]
        scope: dict = {}
        exec("\n".join(lines), scope)
        return read(scope["build"])

    def test_ranges_are_found(self):
        build = self.made("n_features: int, width: Annotated[int, Int(8, 64)] = 16")
        assert build.parameters == {"width": WIDTH}

    def test_a_quoted_range_is_found(self):
        assert self.made("width: 'Annotated[int, Int(8, 64)]' = 16").parameters == {"width": WIDTH}

    @pytest.mark.parametrize(
        ("annotation", "reason"),
        [
            ("torch.Tensor", "name 'torch' is not defined"),
            ("Annotated.nothing", "nothing"),
            ("Annotated[int, Int(8, 2)]", "`low <= high` must hold"),
        ],
    )
    def test_one_that_cannot_be_read_is_told(self, annotation: str, reason: str):
        with pytest.raises(BuilderError) as raised:
            self.made(f"width: {annotation} = 1")
        assert "net.py:build: cannot read its annotations" in str(raised.value)
        assert reason in str(raised.value)

    def test_typed_in_at_a_prompt_its_source_says_nothing_of_where_it_lies_in_memory(self):
        one, other = self.made("width=1"), self.made("width=1")
        assert one.hash == other.hash


class TestHash:
    def test_it_follows_the_source(self):
        assert read(network).hash == Build.read(network, "another name").hash
        assert read(network).hash != Build.read(network, "net.py:build", "other text").hash


class TestCall:
    def test_what_the_recipe_says_goes_over_the_defaults(self):
        assert read(network)(TASK, {"width": 8}) == (6, 4, 8, 2)

    def test_an_argument_that_it_does_not_have_is_told_with_those_it_has(self):
        with pytest.raises(BuilderError) as raised:
            read(network)(TASK, {"widht": 8})
        assert str(raised.value) == "net.py:build has no argument 'widht'. It has: width, depth."

    def test_what_it_raises_is_told_with_what_it_was_called_with(self):
        def build(n_outputs, width=0):
            return n_outputs / width

        with pytest.raises(BuilderError) as raised:
            read(build)(TASK, {})
        assert str(raised.value) == (
            "net.py:build raised ZeroDivisionError: division by zero. "
            "It was called with {'n_outputs': 4, 'width': 0}."
        )
        assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_trials_share_a_program_where_their_signatures_are_equal():
    fields = ("net", "adamw", "cosine", "cross_entropy", 32, "float32", "data")
    assert {Signature(*fields): 1}[Signature(*fields)] == 1
    assert Signature(*fields) != Signature(*fields[:4], 64, *fields[5:])


class TestState:
    STATE = State({"weights/0.weight": np.ones(2), "best/0.weight": np.zeros(2), "best/a/b": 3})

    def test_a_group_holds_what_lies_below_a_name_without_it(self):
        assert list(self.STATE.group("best")) == ["0.weight", "a/b"]
        assert list(self.STATE.group("weights")) == ["0.weight"]

    def test_a_name_that_begins_alike_is_another_group(self):
        assert self.STATE.group("weight") == {}
        assert self.STATE.group("ema") == {}


class TestTask:
    def test_features_are_all_values_of_a_row(self):
        assert TASK.n_features == 6

    def test_the_deciding_metric_comes_first_and_once(self):
        task = Task("classification", "log_loss", "minimize", (2,), 2, shown=("f1", "log_loss"))
        assert task.metrics == ("log_loss", "f1")
