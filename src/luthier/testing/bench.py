"""What the laws of engines are tried on: recipes of every kind, and a bench for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from luthier.catalog import families, metrics, optimizers, schedules
from luthier.core import Arrays, Build, Captured, Curves, Engine, Framework, Part, Recipe, State
from luthier.testing import arrays as data
from luthier.testing.expect import same

EPOCHS = 4
SMALL = Recipe(
    model={"width": 8, "depth": 1, "normalisation": "none"},
    epochs=EPOCHS,
    batch_size=16,
    learning_rate=0.02,
)
BATCH_NORM = {"model.normalisation": "batch"}
IMAGES = {"network": "cnn", "model": {"width": 4, "depth": 2}}
OWN: dict[str, Any] = {"model": {}}


@dataclass(frozen=True)
class Case:
    """A recipe, and the data it is tried on."""

    recipe: Recipe
    arrays: Callable[[], Arrays] = data.classes


def case(arrays: Callable[[], Arrays] = data.classes, **changes: Any) -> Case:
    """Return a case that differs from a small network in these keys."""
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    return Case(SMALL.replace(dotted), arrays)


def paired(optimizer: optimizers.Optimizer, schedule: schedules.Schedule) -> Case:
    """Return a case of one optimizer under one schedule."""
    recipe = SMALL.replace({**optimizer.usual, "optimizer": optimizer.name})
    return Case(
        recipe.replace({"schedule": schedule.name, "warmup": 0.2, "plateau_patience": 0}),
        data.numbers,
    )


CASES: Mapping[str, Case] = {
    **{
        f"{optimizer.name} with {schedule.name}": paired(optimizer, schedule)
        for optimizer, schedule in zip(
            optimizers.ALL,
            [schedules.ALL[i % len(schedules.ALL)] for i in range(len(optimizers.ALL))],
            strict=True,
        )
    },
    "plateau that decays": case(
        schedule="plateau", plateau_patience=0, optimizer="sgd", learning_rate=3.0
    ),
    "average": case(ema=0.9),
    "average with batch norm": case(ema=0.9, model__normalisation="batch"),
    "average with own buffers": case(network="buffers", ema=0.9, **OWN),
    "penalties, decay and clipping": case(l1=1e-3, l2=1e-2, weight_decay=0.1, clip_norm=0.5),
    "smoothing and class weights": case(label_smoothing=0.1, class_weight="balanced"),
    "mixup": case(mixup=0.4),
    "noise": case(noise=0.3),
    "noisy numbers": case(data.numbers, noise=0.2),
    "noisy images": case(data.images, noise=0.2, mixup=0.3, augmentation="flip", **IMAGES),
    "dropout": case(dropout=0.3),
    "dropout as a function": case(network="functional_dropout", **OWN),
    "dropout of channels": case(data.images, network="channel_dropout", **OWN),
    "random numbers of its own": case(network="own_random_numbers", **OWN),
    "batch norm": case(model__normalisation="batch"),
    "full batch": case(batch_size="full", model__normalisation="batch"),
    "augmented images": case(data.images, augmentation="flip_shift", **IMAGES),
    "cut images": case(data.images, augmentation="shift_cutout", **IMAGES),
    "categories": case(
        data.categories, network="resnet", model={"width": 8, "depth": 1}, encoding="embedding"
    ),
    "frozen": case(network="frozen", l2=0.01, **OWN),
    "tied": case(network="tied", weight_decay=0.1, **OWN),
    "residual images": case(data.images, network="residual", **OWN),
    "windows": case(data.images, network="windows", **OWN),
    "lstm": case(data.sequences, network="lstm", **OWN),
    "gru": case(data.sequences, network="gru", **OWN),
    "transformer": case(data.tokens, network="transformer", **OWN),
    "decoder": case(data.tokens, network="decoder", **OWN),
    "class at each token": case(data.tags, network="language", label_smoothing=0.1, **OWN),
    "class at each step": case(data.tags, network="tagger", class_weight="balanced", **OWN),
    "class at each pixel": case(data.masks, network="unet", augmentation="flip_shift", **OWN),
    "tied table": case(data.tokens, network="tied_table", **OWN),
    "double precision": case(precision="float64"),
    "half precision": case(precision="bfloat16"),
}


SCHEDULED = [name for name in CASES if " with " in name or "plateau" in name]
FEATURES = [name for name in CASES if name not in SCHEDULED or "average" in name]


@dataclass
class Bench:
    """An engine and a framework, with the few calls that most laws need.

    Args:
        engine: What trains.
        framework: What captures and restores.
    """

    engine: Engine
    framework: Framework

    def build(self, recipe: Recipe) -> Build:
        """Return the builder that a recipe names."""
        return (
            builders(self.framework.name).get(recipe.network)
            or families.by_name(recipe.network).build
        )

    def initial(self, recipe: Recipe, arrays: Arrays, seed: int = 0) -> State:
        """Return the state that a trial starts from."""
        return self.framework.capture(self.build(recipe), recipe, arrays, seed).initial

    def accepted(self, recipe: Recipe, arrays: Arrays, seed: int = 0) -> Captured:
        """Return a captured network; what the engine refuses ends the test, with its reason."""
        if arrays.task.positions and recipe.network not in builders(self.framework.name):
            pytest.skip(f"{self.framework.name} has no classes at each position")
        captured = self.framework.capture(self.build(recipe), recipe, arrays, seed)
        reason = self.engine.refuses(captured, recipe)
        if reason is not None:
            pytest.skip(f"{self.engine.name} refuses it: {reason}")
        return captured

    def place(
        self, recipe: Recipe, arrays: Arrays, seed: int = 0, state: State | None = None
    ) -> None:
        """Put a trial in the first slot, at its start or from a state."""
        captured = self.accepted(recipe, arrays, seed)
        self.engine.open(captured, arrays)
        self.engine.put(0, recipe, seed, state or captured.initial)

    def train(
        self,
        recipe: Recipe,
        arrays: Arrays,
        *,
        seed: int = 0,
        stops: Sequence[int] = (EPOCHS,),
        through: Callable[[State], State] = lambda state: state,
    ) -> tuple[Curves, State]:
        """Train a trial; it leaves the engine after every stop."""
        curves, state = Curves(), None
        for stop in stops:
            self.place(recipe, arrays, seed, state)
            curves += self.engine.run({0: stop})[0]
            state = through(self.engine.take(0))
        if state is None:
            raise ValueError("no stop was given")
        return curves, state

    def score(self, recipe: Recipe, arrays: Arrays, state: State, part: Part) -> float:
        """Return the deciding metric of the network that a state hands over."""
        model = self.framework.restore(self.build(recipe), recipe, arrays.task, state)
        outputs, target = self.framework.outputs(model, part, arrays.task), part.target
        task = arrays.task
        if task.kind == "regression":
            scale, mean = np.asarray(task.target_scale), np.asarray(task.target_mean)
            outputs, target = outputs * scale + mean, target * scale + mean
        return metrics.by_name(task.metric).compute(outputs, target, part.weight)


def builders(framework: str) -> Mapping[str, Build]:
    """Return a framework's own builders, beside the families."""
    if framework == "keras":
        from luthier.testing.keras_networks import BUILDERS as OF_KERAS

        return OF_KERAS
    from luthier.testing.torch_networks import BUILDERS

    return BUILDERS


def same_result(actual: tuple[Curves, State], expected: tuple[Curves, State]) -> None:
    """Fail where curves, apart from their seconds, or states differ in a bit."""
    first, second = (dataclasses.replace(curves, seconds=()) for curves, _ in (actual, expected))
    same(repr(first), repr(second))
    same_state(actual[1], expected[1])


def same_state(actual: State, expected: State) -> None:
    """Fail where two states differ in a bit."""
    same(sorted(actual.arrays), sorted(expected.arrays))
    for name, array in expected.arrays.items():
        same((name, actual.arrays[name].dtype), (name, array.dtype))
        same((name, actual.arrays[name].tolist()), (name, array.tolist()))
    same(actual.extra, expected.extra)


def differ(actual: object, other: object) -> None:
    """Fail where two values are the same."""
    if actual == other:
        raise AssertionError(f"expected something else than {other!r}")


def near(actual: Sequence[Any], expected: Sequence[Any], rel: float = 1e-7) -> None:
    """Fail where numbers differ by more than a share of theirs."""
    np.testing.assert_allclose(actual, expected, rtol=rel, atol=1e-12)
