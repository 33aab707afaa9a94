"""What every training stands on: a builder, prepared data, a framework and a recipe that fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from luthier import frameworks
from luthier.catalog import families
from luthier.catalog.recipe_keys import check_recipe, read_recipe
from luthier.catalog.spaces import default_recipe
from luthier.core import Arrays, Baseline, Build, BuilderError, DataError, Framework, Recipe, Task
from luthier.data import (
    Dataset,
    SplitPlan,
    from_python,
    laid_out,
    layouts,
    read,
    share_a_scale,
)
from luthier.loop.builders import as_build
from luthier.loop.limits import Limits
from luthier.loop.preparation import Preparation
from luthier.loop.training.choice import Choice
from luthier.loop.training.trainer import Trainer
from luthier.loop.working.budget import Budget

_T = TypeVar("_T")
IMAGES = "cnn"  # the family for images


@dataclass(frozen=True, eq=False)
class Assembly:
    """Parts that were checked to fit each other.

    Args:
        build: Makes the networks.
        preparation: The data, split.
        framework: The networks' framework.
        recipe: The baseline, complete.
        about: What the network itself says about its training.
        key: What they are known by in other processes: no others have the same.
    """

    build: Build
    preparation: Preparation
    framework: Framework
    recipe: Recipe
    about: Baseline
    key: str = field(default_factory=lambda: uuid4().hex)
    _trainers: list[tuple[object, Trainer]] = field(init=False, default_factory=list, repr=False)

    @property
    def arrays(self) -> Arrays:
        """The data as the baseline prepares it."""
        return self.preparation.arrays(self.recipe)

    @property
    def fingerprint(self) -> str:
        """What names the data and its splits."""
        return f"{self.preparation.dataset.fingerprint}/{self.preparation.splits.key}"

    def trainer(
        self, engine: str = "auto", *, timed: bool = False, limits: Limits | None = None
    ) -> Trainer:
        """Return what trains recipes on these parts: the same one whenever the same is asked for.

        So what one part of a study has compiled, and found out about engines, the next one knows.

        Args:
            engine: What trains; ``auto`` takes the fastest that can.
            timed: Whether time is what the budget counts.
            limits: What networks may cost, and what of that is to be measured.

        Raises:
            LuthierError: when there is no engine of that name, or its library is missing.
        """
        asked = (engine, timed, limits or Limits())
        for known, trainer in self._trainers:
            if known == asked:
                return trainer
        choice = Choice(engine, timed, self.framework.name)
        made = Trainer(self.build, self.preparation, self.framework, choice, asked[2])
        self._trainers.append((asked, made))
        return made


def assemble(
    build: str | Build | Callable[..., Any] | None,
    data: Any,
    *,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    also: tuple[str, ...] = (),
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    split: SplitPlan | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    framework: str | None = None,
) -> Assembly:
    """Read what a user names or passes, complete the recipe, and try the network on a few rows.

    Args:
        build: What makes the network.
        data: What it learns from.
        recipe: What the user's own recipe says.
        target: Column to predict, and so on, as for `luthier.tune`.
        task: What kind.
        metric: What decides.
        also: Further metrics to show.
        sample_weight: Weight of each row.
        group: Column whose equal values stay together.
        time: Column to split by in time.
        split: How to split.
        budget: Decides how long runs are.
        seed: Of the trial network.
        framework: Whose networks a family makes, torch by default; a user's own function tells.

    Raises:
        LuthierError: for whatever does not fit; its text says what to change.
    """
    if isinstance(recipe, (str, Path)):
        from luthier.loop.handing_over.recipes import load_recipe  # few start from a file

        recipe = load_recipe(Path(recipe))
    made = None if build is None else as_build(build)
    dataset = read_data(
        data,
        images=made is not None and made.reference == IMAGES,
        target=target,
        task=task,
        sample_weight=sample_weight,
        group=group,
        time=time,
    )
    made = made or as_build(IMAGES if _holds_images(dataset) else "mlp")
    family = any(made.reference == one.name for one in families.ALL)
    ways = ("first",) if family else layouts(dataset)

    @cache
    def lying(layout: str) -> Preparation:
        return Preparation(laid_out(dataset, layout), split or SplitPlan(seed=seed), metric, also)

    def named(layout: str) -> str:
        task = lying(layout).arrays(Recipe(made.reference)).task
        return (framework or "torch") if family else _framework(made, task, framework)

    owner = frameworks.load(_first_fitting(named, ways))
    if owner.name == "keras":  # there images have their channels last, and grey ones may have none
        ways = (*ways[1:], ways[0])

    def tried(layout: str) -> Assembly:
        about = _fitting(owner, made, lying(layout), recipe, budget or Budget(), seed)
        return Assembly(made, lying(layout), owner, about.recipe, about)

    return _first_fitting(tried, ways)


def _first_fitting(attempt: Callable[[str], _T], ways: Sequence[str]) -> _T:
    """Return what comes of the first layout of images that a network takes.

    Raises:
        BuilderError: that of the first layout, where it takes none.
    """
    errors = []
    for layout in ways:
        try:
            return attempt(layout)
        except BuilderError as error:
            errors.append(error)
    raise errors[0]


def _fitting(
    owner: Framework,
    made: Build,
    preparation: Preparation,
    recipe: Recipe | Mapping[str, Any] | None,
    budget: Budget,
    seed: int,
) -> Baseline:
    """Return the baseline of a network that was tried on a few rows.

    A network that fits nothing is the user's mistake: it is told before a study begins.
    """
    default = _default(made, preparation, Recipe(made.reference), budget)
    try:
        return _tried(owner, made, preparation, recipe, default, seed)
    except BuilderError:
        taken = _as_tokens(owner, made, preparation, recipe, default, seed)
        if taken is None:
            raise
        return taken


def _framework(build: Build, task: Task, wanted: str | None) -> str:
    """Return whose networks a function of the user's makes."""
    found = frameworks.of_builder(build, task)
    if wanted is not None and wanted != found:
        raise BuilderError(
            f"{build.reference} makes networks of {found}, but {wanted} was asked for. A function "
            "of your own decides that itself: leave framework out."
        )
    return found


def _tried(
    framework: Framework,
    build: Build,
    preparation: Preparation,
    recipe: Recipe | Mapping[str, Any] | None,
    default: Recipe,
    seed: int,
) -> Baseline:
    """Return the baseline, after its network was run on a few rows."""
    arrays = preparation.arrays(default)
    about = framework.baseline(build, default, arrays, _given(recipe))
    first = about.recipe if recipe is None else completed(recipe, about.recipe)
    framework.capture(build, first, preparation.arrays(first), seed)
    return replace(about, recipe=first)


def _as_tokens(
    framework: Framework,
    build: Build,
    preparation: Preparation,
    recipe: Recipe | Mapping[str, Any] | None,
    default: Recipe,
    seed: int,
) -> Baseline | None:
    """Return the baseline if a network that cannot take scaled inputs takes whole numbers."""
    tokens = default.replace({"preprocessing": "tokens"})
    try:
        about = _tried(framework, build, preparation, recipe, tokens, seed)
    except (BuilderError, DataError):
        return None
    return about if about.recipe.preprocessing == "tokens" else None


def _given(recipe: Recipe | Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the keys that a user's recipe says."""
    if isinstance(recipe, Recipe):
        return tuple(key for key, value in recipe.to_json().items() if value is not None)
    return tuple(recipe or ())


def _holds_images(dataset: Dataset) -> bool:
    tensor = dataset.raw["tensor"]
    return tensor is not None and tensor.ndim == 4


def read_data(
    data: Any,
    *,
    images: bool,
    target: str | None,
    task: str | None,
    sample_weight: Any,
    group: str | None,
    time: str | None,
) -> Dataset:
    """Return what a user names or passes as a data set.

    Args:
        data: As for `luthier.tune`, with the arguments after `images`.
        images: Whether the network is one for images.
        target: Column to predict, and so on.
        task: What kind.
        sample_weight: Weight of each row.
        group: Column whose equal values stay together.
        time: Column to split by in time.

    Raises:
        DataError: for what is none.
    """
    if isinstance(data, Dataset):
        return data
    if isinstance(data, (str, Path)):
        return read(
            data,
            target=target,
            task=task,
            weight=sample_weight,
            group=group,
            time=time,
            images=images,
        )
    return from_python(data, target=target, task=task, sample_weight=sample_weight)


def _default(build: Build, preparation: Preparation, first: Recipe, budget: Budget) -> Recipe:
    """Return a sound recipe for what neither user nor network says."""
    arrays = preparation.arrays(first)
    epochs = int(budget.epochs) if budget.epochs != float("inf") else None
    default = default_recipe(build, arrays.task, rows=len(arrays.train), budget_epochs=epochs)
    if share_a_scale(preparation.dataset, preparation.splits.train):
        default = default.replace({"preprocessing": "minmax"})
    return default


def completed(recipe: Recipe | Mapping[str, Any], base: Recipe) -> Recipe:
    """Return a recipe for the network of another one, and with its values where it has none."""
    if isinstance(recipe, Recipe):
        given = check_recipe(recipe.replace({"network": base.network}))
    else:
        given, _ = read_recipe(recipe, base=base)
    return given.replace({"network": base.network, "model": {**base.model, **given.model}})
