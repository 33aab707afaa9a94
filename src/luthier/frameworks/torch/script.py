"""``train.py``: a recipe as a plain PyTorch script that needs no luthier."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from importlib import resources

from luthier.catalog import initialisers
from luthier.catalog.families import Network
from luthier.core import Build, Positions, Recipe, Task, pass_rows
from luthier.frameworks.schedule_text import schedule_text
from luthier.frameworks.source import (
    hoisted,
    import_order,
    in_docstring,
    own_source,
)
from luthier.frameworks.torch import blocks
from luthier.frameworks.torch.layers import text_of
from luthier.frameworks.torch.script_parts import LION, optimizer_text
from luthier.frameworks.torch.seeded import seeded

_IMPORTS = (
    "import math",
    "import random",
    "import sys",
    "import numpy as np",
    "import torch",
    "from torch import nn",
)
_READABLE = ("accuracy", "balanced_accuracy", "balanced_log_loss", "log_loss", "mean_iou", "rmse")


def training_script(
    *,
    title: str,
    build: Build,
    recipe: Recipe,
    task: Task,
    loss: str,
    positions: Positions,
    data_source: str,
    seed: int,
    epochs: int,
    reported: Mapping[str, float],
) -> str:
    """Return a script that reads the data, trains the recipe and prints its scores.

    Args:
        title: First line of its docstring.
        build: What makes the network; its source is written into the script.
        recipe: What is trained.
        task: What is learned.
        loss: Name of the loss, as the framework settled it.
        positions: How the network's outputs are read.
        data_source: Text that defines ``load()``.
        seed: Where the script's random numbers start.
        epochs: How long to train.
        reported: Scores to print beside the script's own.
    """
    import jinja2

    text = resources.files(__package__).joinpath("train.py.jinja").read_text(encoding="utf-8")
    # The template makes Python for its user to run, not HTML: nothing is to be escaped.
    environment = jinja2.Environment(  # noqa: S701
        trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    known = task.metric in _READABLE
    network_imports, network = hoisted(network_source(build, recipe, task))
    data_imports, data = hoisted(data_source)
    imports = sorted({*_IMPORTS, *network_imports, *data_imports}, key=import_order)
    return environment.from_string(text).render(
        title=in_docstring(title),
        network=in_docstring(recipe.network.partition("#")[0]),
        recipe=recipe,
        n_dims=len(task.input_shape),
        loss=loss,
        seed=seed,
        epochs=epochs,
        reported={k: float(v) for k, v in reported.items() if math.isfinite(v)},
        imports=imports,
        data_source=data,
        network_source=network,
        lion=LION,
        schedule_source=schedule_text(recipe),
        optimizer_source=optimizer_text(recipe),
        initialiser_source=_initialiser(recipe.initialiser),
        positions=positions,
        pass_rows=pass_rows(task.positions),
        overlap="mean_iou" in task.metrics,
        classification=task.kind == "classification",
        balanced="balanced" in task.metric,
        n_outputs=task.n_outputs,
        target_scale=list(task.target_scale),
        criterion=task.metric if known else "loss",
        sign=-1 if known and task.direction == "maximize" else 1,
        augmentation_doc="Flip images left to right or shift them, at random.",
    )


def network_source(build: Build, recipe: Recipe, task: Task) -> str:
    """Return the definition of ``make_network()``."""
    with seeded(0):
        built = build(task, recipe.model)
    if isinstance(built, tuple):
        return _family_source(built)
    return own_source(build, recipe, task)


def _family_source(network: Network) -> str:
    text = text_of(network)
    wanted: list[type] = [blocks.Network]
    for block in (blocks.Residual, blocks.TabularInput, blocks.GlobalAveragePool):
        if f"{block.__name__}(" in text:
            wanted.append(block)
    classes = "\n\n".join(inspect.getsource(block) for block in wanted)
    body = text.replace("\n", "\n    ")
    return f"{classes}\n\ndef make_network():\n    return {body}\n"


def _initialiser(name: str | None) -> str:
    """Return the call that draws a kernel `p`."""
    if name is None:
        return ""
    if name == "lecun_normal":
        return "nn.init.normal_(p, std=1 / math.sqrt(p[0].numel()))"
    if name == "truncated_normal":
        std = initialisers.by_name(name).scale
        return f"nn.init.trunc_normal_(p, std={std}, a={-2 * std}, b={2 * std})"
    gain = ', nonlinearity="relu"' if name.startswith("kaiming") else ""
    return f"nn.init.{name}_(p{gain})"
