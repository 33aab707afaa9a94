"""A recipe's network: built, checked, with the recipe's rates and initial weights."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np

from luthier.catalog import initialisers
from luthier.core import Arrays, Build, BuilderError, Part, Recipe, Task, pass_rows
from luthier.frameworks.keras.layers import model_of
from luthier.frameworks.keras.names import stable_names
from luthier.frameworks.keras.seeded import seeded

SAMPLE = 4  # rows that a new network is tried on
_DROPOUTS = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
)
_DRAWN = ("kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel")


def built(build: Build, recipe: Recipe, task: Task, seed: int, sample: Any) -> Any:
    """Build a recipe's network from a seed; it has its weights when it is returned.

    Args:
        build: The builder.
        recipe: Gives the builder's arguments, dropout, initialiser and precision.
        task: What is learned.
        seed: Decides initial weights.
        sample: Inputs of a few rows, for networks that learn their shapes from data.

    Raises:
        BuilderError: when the builder raises, or returns no network.
    """
    with seeded(seed, recipe.precision):
        made = build(task, recipe.model)
        model = model_of(made, task) if isinstance(made, tuple) else made
        if not isinstance(model, keras.Model):
            what = "None" if model is None else f"a {type(model).__name__}"
            raise BuilderError(
                f"{build.reference} returned {what}, but a keras.Model was expected. End it with "
                "`return keras.Sequential([...])` or your own model."
            )
        if not model.built or not model.weights:
            _tried(build, model, sample)
        if recipe.initialiser is not None:
            _initialise(model, recipe.initialiser, seed)
    if recipe.dropout is not None:
        set_dropout(model, recipe.dropout)
    return model


def variables_of(model: Any) -> dict[str, Any]:
    """Return a network's variables by stable names: those that train first."""
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    ordered = list({id(v): v for v in (*model.weights, *variables)}.values())  # as layers follow
    names = stable_names([v.path for v in ordered], model.name)
    known = {id(v): name for v, name in zip(ordered, names, strict=True)}
    return {known[id(v)]: v for v in variables}


def values_of(model: Any) -> dict[str, Any]:
    """Return the values of `variables_of` as arrays."""
    return {name: _array(v) for name, v in variables_of(model).items()}


def run(model: Any, inputs: Any) -> Any:
    """Return outputs in inference mode as a float64 matrix, for rows of arrays."""
    parts = []
    size = pass_rows()
    for start in range(0, len(inputs[0]), size):
        outputs = model(_fed([x[start : start + size] for x in inputs]), training=False)
        parts.append(np.asarray(keras.ops.convert_to_numpy(_detached(outputs)), np.float64))
    found = np.concatenate(parts)
    return found[:, None] if found.ndim == 1 else found


def sample_of(arrays: Arrays | Part) -> list[Any]:
    """Return the inputs of a few rows."""
    part = arrays.train if isinstance(arrays, Arrays) else arrays
    return [x[:SAMPLE] for x in part.inputs]


def like(task: Task) -> list[Any]:
    """Return inputs of a few rows, for a network that is restored without its data."""
    inputs = [np.zeros((SAMPLE, *task.input_shape), np.float32)]
    if task.cardinalities:
        inputs.append(np.zeros((SAMPLE, len(task.cardinalities)), np.int64))
    return inputs


def try_out(model: Any, build: Build, arrays: Arrays) -> Any:
    """Run a few rows through a network; return its outputs.

    Raises:
        BuilderError: when it raises, or returns something else than one matrix.
    """
    if arrays.task.positions:
        raise BuilderError(
            f"{build.reference}: targets have a class at each of {arrays.task.positions} "
            "positions, and Keras networks are trained for one class a row so far. Take a PyTorch "
            "network, or one class a row."
        )
    sample = sample_of(arrays)
    outputs = _tried(build, model, sample)
    if isinstance(outputs, (list, tuple, dict)):
        raise BuilderError(
            f"{build.reference}: the network returned {len(outputs)} outputs, but one was "
            "expected. Return the logits, probabilities or predictions alone."
        )
    rows, shape = len(sample[0]), tuple(outputs.shape)
    if len(shape) not in (1, 2) or shape[0] != rows:
        raise BuilderError(
            f"{build.reference}: outputs have shape {shape} for inputs of shape "
            f"{tuple(sample[0].shape)}, but ({rows}, {arrays.task.n_outputs}) was expected. "
            "Keep rows first, and end with a layer of `n_outputs` units."
        )
    return run(model, sample)


def has_dropout(model: Any) -> bool:
    """Tell whether a network has layers that `set_dropout` would set."""
    return any(
        isinstance(layer, (*_DROPOUTS, keras.layers.MultiHeadAttention))
        or hasattr(layer, "get_dropout_mask")
        for layer in model._flatten_layers()
    )


def set_dropout(model: Any, rate: float) -> None:
    """Give every dropout of a network one rate, those of recurrent and attention layers too."""
    for layer in model._flatten_layers():
        if isinstance(layer, _DROPOUTS):
            layer.rate = rate
            if not hasattr(layer, "seed_generator"):
                # A layer made with rate 0 has none, and would take no new state: masks are keyed.
                object.__setattr__(layer, "seed_generator", None)
        elif isinstance(layer, keras.layers.MultiHeadAttention):
            layer._dropout = rate
        elif hasattr(layer, "dropout_mask_count") or hasattr(layer, "get_dropout_mask"):
            layer.dropout = rate


def _tried(build: Build, model: Any, sample: Any) -> Any:
    shapes = ", ".join(f"{tuple(x.shape)} {x.dtype}" for x in sample)
    try:
        return model(_fed(sample), training=False)
    except Exception as error:
        raise BuilderError(
            f"{build.reference}: the network raised {type(error).__name__} on inputs of shape "
            f"{shapes}: {_said(error)}. One row has shape {tuple(sample[0].shape[1:])}; take "
            "n_features, input_shape, cardinalities as arguments to fit it, or `preprocessing: "
            f"tokens` for token numbers.{_grey(tuple(sample[0].shape[1:]))}"
        ) from error


def _said(error: Exception) -> str:
    """Return what Keras says, without colours, without the inputs' numbers and its own frames."""
    text = re.sub(r"\x1b\[\d*m", "", str(error)).partition("Arguments received by")[0]
    text = re.sub(r"\[[^A-Za-z]*\]", "[...]", text)
    text = re.sub(r"Exception encountered when calling \S+\.", "", text)
    return " ".join(text.split())[:400].rstrip(". ")


def _grey(shape: tuple[int, ...]) -> str:
    if len(shape) != 3 or shape[0] != 1:
        return ""
    return (
        f" Bytes of shape {shape[1:]} are read as images with one channel: pass numbers, "
        "X / 255.0, to keep their shape, or X[..., None] with the channel last."
    )


def _fed(inputs: Any) -> Any:
    tensors = [keras.ops.convert_to_tensor(x) for x in inputs]
    return tensors[0] if len(tensors) == 1 else tensors


def _detached(outputs: Any) -> Any:
    return keras.ops.stop_gradient(outputs)


def _array(variable: Any) -> Any:
    return np.array(keras.ops.convert_to_numpy(variable.value))


def _initialise(model: Any, name: str, seed: int) -> None:
    """Draw the kernels anew; biases become 0, embeddings stay."""
    wanted = initialisers.by_name(name)
    for number, (key, variable) in enumerate(variables_of(model).items()):
        last = key.rpartition(".")[2].partition("#")[0]
        if last in _DRAWN and len(variable.shape) >= 2:
            variable.assign(_drawn(wanted, variable.shape, seed + number))
        elif last == "bias" and variable.trainable:
            variable.assign(np.zeros(variable.shape))


def _drawn(wanted: initialisers.Initialiser, shape: tuple[int, ...], seed: int) -> Any:
    rng = np.random.default_rng([seed, 0x6B65])
    if wanted.distribution == "orthogonal":
        made = keras.initializers.Orthogonal(seed=seed)(shape)
        return keras.ops.convert_to_numpy(made)
    area = int(np.prod(shape[:-2]))
    deviation = wanted.deviation(area * shape[-2], area * shape[-1])
    if wanted.distribution == "uniform":
        return rng.uniform(-(3**0.5) * deviation, 3**0.5 * deviation, shape)
    drawn = rng.normal(size=shape)
    while wanted.distribution == "truncated_normal" and (beyond := np.abs(drawn) > 2).any():
        drawn[beyond] = rng.normal(size=int(beyond.sum()))
    return drawn * deviation
