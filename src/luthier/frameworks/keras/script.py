"""``train.py``: a recipe as a plain Keras script that needs no luthier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources

import keras

from luthier.catalog import initialisers
from luthier.catalog.families import Network
from luthier.core import Build, Captured, Recipe, Task
from luthier.frameworks.keras.layers import Text, model_of
from luthier.frameworks.keras.script_parts import loss_text, optimizer_class, optimizer_text
from luthier.frameworks.keras.seeded import seeded
from luthier.frameworks.schedule_text import schedule_text
from luthier.frameworks.source import (
    hoisted,
    import_order,
    in_docstring,
    own_source,
)

_IMPORTS = ("import math", "import random", "import sys", "import keras", "import numpy as np")
_READABLE = ("accuracy", "balanced_accuracy", "balanced_log_loss", "log_loss", "rmse")
_WITH_DROPOUT = '''

def with_dropout(network, rate):
    """Return the network with this rate in every dropout layer."""

    def clone(layer):
        config = layer.get_config()
        for name in ("rate", "dropout"):
            drops = isinstance(layer, (keras.layers.MultiHeadAttention, keras.layers.RNN))
            if name in config and (drops or "Dropout" in type(layer).__name__):
                config[name] = rate
        return type(layer).from_config(config)

    if isinstance(network, keras.Sequential) or hasattr(network, "operations"):
        return keras.models.clone_model(network, clone_function=clone)
    for layer in network.layers:
        if "Dropout" in type(layer).__name__:
            layer.rate = rate
    return network
'''


def training_script(
    *,
    title: str,
    build: Build,
    captured: Captured,
    ending: str,
    task: Task,
    data_source: str,
    seed: int,
    epochs: int,
    reported: Mapping[str, float],
) -> str:
    """Return a script that reads the data, trains the recipe and prints its scores.

    Args:
        title: First line of its docstring.
        build: What makes the network; its source is written into the script.
        captured: What was trained, and by which recipe.
        ending: What turns the network's outputs into logits, as its builder made it.
        task: What is learned.
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
    recipe, loss = captured.recipe, captured.signature.loss
    known = task.metric in _READABLE
    with seeded(0):
        built = build(task, recipe.model)
    family = isinstance(built, tuple)
    source = _family_source(built, task, recipe) if family else own_source(build, recipe, task)
    dropout = None if family else recipe.dropout
    network_imports, network = hoisted(source)
    data_imports, data = hoisted(data_source)
    imports = sorted({*_IMPORTS, *network_imports, *data_imports}, key=import_order)
    shape = task.input_shape
    return environment.from_string(text).render(
        title=in_docstring(title),
        backend=keras.config.backend(),
        network=in_docstring(recipe.network.partition("#")[0]),
        recipe=recipe,
        n_dims=len(task.input_shape),
        loss=loss,
        loss_source=loss_text(loss, ending == "identity"),
        seed=seed,
        epochs=epochs,
        reported={k: float(v) for k, v in reported.items() if math.isfinite(v)},
        imports=imports,
        data_source=data,
        network_source=network + ("" if dropout is None else _WITH_DROPOUT),
        dropout=dropout,
        lifted=captured.penalised is not None or bool(recipe.l1 or recipe.l2),
        optimizer_class=optimizer_class(recipe),
        schedule_source=schedule_text(recipe),
        optimizer_source=optimizer_text(recipe),
        initialiser_source=_initialiser(recipe.initialiser),
        classification=task.kind == "classification",
        balanced="balanced" in task.metric,
        n_outputs=task.n_outputs,
        target_scale=list(task.target_scale),
        criterion=task.metric if known else "loss",
        sign=-1 if known and task.direction == "maximize" else 1,
        ending=ending,
        last=len(shape) == 3 and shape[0] > 4 >= shape[-1],
    )


def _family_source(network: Network, task: Task, recipe: Recipe) -> str:
    text = Text()
    model_of(_with_rate(network, recipe.dropout), task, text)
    body = "\n    ".join(text.lines)
    return f"from keras import layers\n\n\ndef make_network():\n    {body}\n"


def _with_rate(network: Network, rate: float | None) -> Network:
    """Write the recipe's dropout into the layers."""
    if rate is None:
        return network
    found = []
    for layer in network:
        options = dict(layer.options)
        if layer.kind == "dropout":
            options["p"] = rate
        if "layers" in options:
            options["layers"] = _with_rate(options["layers"], rate)
        found.append(replace(layer, options=options))
    return tuple(found)


def _initialiser(name: str | None) -> str:
    """Return what draws a kernel of a shape."""
    if name is None:
        return ""
    wanted = initialisers.by_name(name)
    if wanted.distribution == "orthogonal":
        return "keras.initializers.Orthogonal(seed=SEED + number)"
    if wanted.distribution == "truncated_normal":
        return f"keras.initializers.TruncatedNormal(stddev={wanted.scale}, seed=SEED + number)"
    mode = {"in": "fan_in", "average": "fan_avg"}[wanted.fan]
    kind = "uniform" if wanted.distribution == "uniform" else "untruncated_normal"
    return (
        f'keras.initializers.VarianceScaling({wanted.scale}, "{mode}", "{kind}", '
        "seed=SEED + number)"
    )
