"""Where a search starts from and what it varies, as a good practitioner would choose it.

Main source: Godbole et al. 2023, "Deep Learning Tuning Playbook".
"""

from __future__ import annotations

import math
from dataclasses import replace

from luthier.catalog import families, optimizers
from luthier.core import (
    Build,
    Categorical,
    Conditional,
    Domain,
    Float,
    Plain,
    Recipe,
    Task,
    Value,
)
from luthier.core.recipe import MODEL_PREFIX

ADAPTIVE, WITH_MOMENTUM = "adamw", "nesterov"
FEW, SOME, MANY = 10, 25, 50
UPDATES = 2000
TRAININGS = 12
NOISY = 0.5  # of a spread: on digits 0.3 took 14 % off the default's test log-loss, 0.8 added 10 %
_BATCHES = ((500, 16), (2_000, 32), (10_000, 64), (50_000, 128))
_DECAYS: dict[Value, Plain] = {
    ADAPTIVE: Float(1e-3, 1.0, log=True),
    WITH_MOMENTUM: Float(1e-5, 1e-2, log=True),
}


def batch_size(rows: int) -> int:
    """Return a batch size that gives an epoch enough steps, and a large data set speed.

    >>> [batch_size(rows) for rows in (100, 1_000, 5_000, 20_000, 10**6)]
    [16, 32, 64, 128, 256]
    """
    return next((size for limit, size in _BATCHES if rows < limit), 256)


def epochs(rows: int, batch: int, budget: int | None = None) -> int:
    """Return the length of a run: about 2,000 updates, in 20 to 60 epochs.

    Args:
        rows: Rows of the training part.
        batch: Rows of a step.
        budget: Epochs of the whole study; a run is then short enough for a dozen full trainings,
            but no shorter than 10 epochs.

    >>> epochs(1_000, 32), epochs(100_000, 256), epochs(1_000, 32, budget=300)
    (60, 20, 25)
    """
    length = min(max(math.ceil(UPDATES / max(rows // batch, 1)), 20), 60)
    return length if budget is None else min(length, max(10, budget // TRAININGS))


def default_recipe(
    build: Build, task: Task, *, rows: int, budget_epochs: int | None = None
) -> Recipe:
    """Return the baseline: a recipe that trains most networks well without any search.

    AdamW at its usual learning rate, a short warm-up and a cosine down to zero. On scikit-learn's
    digits the default mlp reaches a test accuracy of about 0.98 with it.

    Args:
        build: What makes the network; its arguments keep their defaults.
        task: What is to be learned. A balanced metric asks for balanced class weights.
        rows: Rows of the training part.
        budget_epochs: Epochs of the whole study, if it is counted in epochs.

    >>> from luthier.catalog.families import by_name
    >>> task = Task("classification", "log_loss", "minimize", (64,), 10)
    >>> recipe = default_recipe(by_name("mlp").build, task, rows=1_078)
    >>> recipe.optimizer, recipe.schedule, recipe.batch_size, recipe.epochs
    ('adamw', 'cosine', 32, 60)
    """
    size = batch_size(rows)
    recipe = Recipe(
        network=build.reference,
        model={name: value for name, value in build.defaults.items() if _plain(value)},
        optimizer=ADAPTIVE,
        schedule="cosine",
        warmup=0.05,
        batch_size=size,
        epochs=epochs(rows, size, budget_epochs),
        weight_decay=0.01,
        dropout=0.1 if _is_family(build) else None,
        class_weight="balanced" if task.metric.startswith("balanced") else None,
        encoding="embedding" if "cardinalities" in build.reserved else "onehot",
    )
    return recipe.replace(optimizers.by_name(ADAPTIVE).usual)


def default_space(
    build: Build,
    task: Task,
    *,
    rows: int,
    trials: int,
    tensor: bool = False,
    categorical: bool = False,
    dropout: bool | None = None,
) -> dict[str, Domain]:
    """Return what a search varies, and where the best is thought to lie.

    Below 10 trials the learning rate, weight decay, dropout and the builder's own arguments. From
    10 on also the optimizer with its momentum, preprocessing and, for tables, noise of inputs; from
    25 on warm-up, epsilon and label smoothing; from 50 on beta2 and mixup. Batch size and epochs
    never: the one is a matter of speed, and results of runs of different lengths do not compare.

    The schedule comes last, from 10 trials on: trials are compared at the baseline's, and the best
    recipe is trained with two others in the end. Varied from the start, first epochs hide what
    warms up long and flatter what never decays (benchmarks/schedules).

    For tables a network is thought best that is larger than needed and held back (Goodfellow,
    Bengio & Courville 2016, "Deep Learning", 5.2): 362 units, dropout and noise of 0.3 took 22, 10,
    13 and 0.3 % off the default's test loss on digits, breast_cancer, wine and diabetes.

    Args:
        build: What makes the network; its ranges become ``model.<argument>``.
        task: What is to be learned.
        rows: Rows of the training part; label smoothing and mixup need some hundreds.
        trials: About how many recipes the search can try.
        tensor: Whether rows are images or other arrays rather than a table.
        categorical: Whether the data has columns of categories.
        dropout: Whether the network has dropout layers; by default the families do.

    >>> from luthier.catalog.families import by_name
    >>> task = Task("regression", "rmse", "minimize", (10,), 1)
    >>> list(default_space(by_name("mlp").build, task, rows=300, trials=5))[:3]
    ['learning_rate', 'weight_decay', 'dropout']
    """
    space: dict[str, Domain] = _of_optimizer(trials)
    if _is_family(build) if dropout is None else dropout:
        space["dropout"] = Float(0.0, 0.5, likely=None if tensor else (0.2, 0.4))
    for name, domain in build.parameters.items():
        if isinstance(domain, Conditional) and domain.on in build.defaults:
            domain = replace(domain, on=MODEL_PREFIX + domain.on)
        space[MODEL_PREFIX + name] = domain
    if trials >= FEW:
        space["schedule"] = Categorical("cosine", "linear", "one_cycle", last=True)
        space |= _of_inputs(build, task, tensor, categorical)
    if trials >= SOME:
        space["warmup"] = Float(0.0, 0.2)
        if task.kind == "classification" and rows >= 500:
            space["label_smoothing"] = Float(0.0, 0.2)
    if trials >= MANY and tensor and rows >= 500 and not task.positions:
        space["mixup"] = Float(0.0, 0.4)
    return space


def _of_optimizer(trials: int) -> dict[str, Domain]:
    if trials < FEW:
        rates = optimizers.by_name(ADAPTIVE).learning_rates
        return {"learning_rate": rates, "weight_decay": _DECAYS[ADAPTIVE]}
    names = (ADAPTIVE, WITH_MOMENTUM)
    space: dict[str, Domain] = {
        "optimizer": Categorical(*names),
        "learning_rate": Conditional(
            "optimizer", {name: optimizers.by_name(name).learning_rates for name in names}
        ),
        "weight_decay": Conditional("optimizer", _DECAYS),
        "momentum": Conditional("optimizer", {WITH_MOMENTUM: Float(0.8, 0.99)}),
        "beta1": Conditional("optimizer", {ADAPTIVE: Float(0.8, 0.98)}),
    }
    if trials >= SOME:
        space["epsilon"] = Conditional("optimizer", {ADAPTIVE: Float(1e-9, 1e-3, log=True)})
    if trials >= MANY:
        space["beta2"] = Conditional("optimizer", {ADAPTIVE: Float(0.95, 0.9999)})
    return space


def _of_inputs(build: Build, task: Task, tensor: bool, categorical: bool) -> dict[str, Domain]:
    space: dict[str, Domain] = {}
    if tensor:
        pixels = task.positions in ((), task.input_shape[1:])  # which move with those of images
        if len(task.input_shape) == 3 and task.kind == "classification" and pixels:
            space["augmentation"] = Categorical("none", "shift")
        return space
    space["preprocessing"] = Categorical("standard", "minmax", "quantile")
    space["noise"] = Float(0.0, NOISY, likely=(0.2, 0.4))
    if categorical:
        first = "embedding" if "cardinalities" in build.reserved else "ordinal"
        space["encoding"] = Categorical(first, "onehot")
    return space


def _is_family(build: Build) -> bool:
    return any(build.reference == family.name for family in families.ALL)


def _plain(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))
