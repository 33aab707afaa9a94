"""What every training stands on: a builder, prepared data, a framework and a recipe that fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier import frameworks
from luthier.catalog.recipe_keys import check_recipe, read_recipe
from luthier.catalog.spaces import default_recipe
from luthier.core import Arrays, Build, BuilderError, DataError, Framework, Recipe
from luthier.data import Dataset, SplitPlan, from_python, read, share_a_scale
from luthier.loop.budget import Budget
from luthier.loop.builders import as_build
from luthier.loop.choice import Choice
from luthier.loop.preparation import Preparation
from luthier.loop.recipes import load_recipe
from luthier.loop.trainer import Trainer


@dataclass(frozen=True, eq=False)
class Assembly:
    """Parts that were checked to fit each other.

    Args:
        build: Makes the networks.
        preparation: The data, split.
        framework: The networks' framework.
        recipe: The baseline, complete.
    """

    build: Build
    preparation: Preparation
    framework: Framework
    recipe: Recipe

    @property
    def arrays(self) -> Arrays:
        """The data as the baseline prepares it."""
        return self.preparation.arrays(self.recipe)

    @property
    def fingerprint(self) -> str:
        """What names the data and its splits."""
        return f"{self.preparation.dataset.fingerprint}/{self.preparation.splits.key}"

    def trainer(self, engine: str = "auto", *, timed: bool = False) -> Trainer:
        """Return what trains recipes on these parts.

        Args:
            engine: What trains; ``auto`` takes the fastest that can.
            timed: Whether time is what the budget counts.

        Raises:
            LuthierError: when there is no engine of that name, or its library is missing.
        """
        return Trainer(self.build, self.preparation, self.framework, Choice(engine, timed))


def assemble(
    build: str | Build | Callable[..., Any] | None,
    data: Any,
    *,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    split: SplitPlan | None = None,
    budget: Budget | None = None,
    seed: int = 0,
) -> Assembly:
    """Read what a user names or passes, complete the recipe, and try the network on a few rows.

    Raises:
        LuthierError: for whatever does not fit; its text says what to change.
    """
    if isinstance(recipe, (str, Path)):
        recipe = load_recipe(Path(recipe))
    made = None if build is None else as_build(build)
    dataset = _dataset(made, data, target, task, sample_weight, group, time)
    made = made or as_build("cnn" if _holds_images(dataset) else "mlp")
    preparation = Preparation(dataset, split or SplitPlan(seed=seed), metric)
    framework = frameworks.load("torch")
    first = _complete(made, preparation, Recipe(made.reference), recipe, budget or Budget())
    try:
        # A network that fits nothing is the user's mistake: it is told before a study begins.
        framework.capture(made, first, preparation.arrays(first), seed)
    except BuilderError:
        tokens = first.replace({"preprocessing": "tokens"})
        if not _takes_tokens(framework, made, tokens, preparation, seed):
            raise
        first = tokens
    return Assembly(made, preparation, framework, first)


def _takes_tokens(
    framework: Framework, build: Build, recipe: Recipe, preparation: Preparation, seed: int
) -> bool:
    """Tell whether a network that cannot take scaled inputs takes them as whole numbers."""
    try:
        framework.capture(build, recipe, preparation.arrays(recipe), seed)
    except (BuilderError, DataError):
        return False
    return True


def _holds_images(dataset: Dataset) -> bool:
    tensor = dataset.raw["tensor"]
    return tensor is not None and tensor.ndim == 4


def _dataset(
    build: Build | None,
    data: Any,
    target: str | None,
    task: str | None,
    weight: Any,
    group: str | None,
    time: str | None,
) -> Dataset:
    if isinstance(data, Dataset):
        return data
    if isinstance(data, (str, Path)):
        images = build is not None and build.reference == "cnn"
        return read(
            data, target=target, task=task, weight=weight, group=group, time=time, images=images
        )
    return from_python(data, target=target, task=task, sample_weight=weight)


def _complete(
    build: Build,
    preparation: Preparation,
    first: Recipe,
    recipe: Recipe | Mapping[str, Any] | None,
    budget: Budget,
) -> Recipe:
    """Return the user's recipe, with a sound default for what it leaves out."""
    arrays = preparation.arrays(first)
    epochs = int(budget.epochs) if budget.epochs != float("inf") else None
    default = default_recipe(build, arrays.task, rows=len(arrays.train), budget_epochs=epochs)
    if share_a_scale(preparation.dataset, preparation.splits.train):
        default = default.replace({"preprocessing": "minmax"})
    return default if recipe is None else completed(recipe, default)


def completed(recipe: Recipe | Mapping[str, Any], base: Recipe) -> Recipe:
    """Return a recipe for the network of another one, and with its values where it has none."""
    if isinstance(recipe, Recipe):
        given = check_recipe(recipe.replace({"network": base.network}))
    else:
        given, _ = read_recipe(recipe, base=base)
    return given.replace({"network": base.network, "model": {**base.model, **given.model}})
