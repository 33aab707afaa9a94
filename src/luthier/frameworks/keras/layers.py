"""The catalog's neutral layers as a Keras network, and as the text that makes it."""

from __future__ import annotations

import math
from typing import Any

import keras

from luthier.catalog.families import Layer, Network
from luthier.core import Task


class Text:
    """Collects the lines of plain Keras that build what `model_of` builds.

    Attributes:
        lines: One statement a line.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []


def model_of(network: Network, task: Task, text: Text | None = None) -> Any:
    """Build the layers of a network as a functional model.

    Initial weights are PyTorch's (uniform within a root of the fan), batch norm's momentum and
    epsilon too: a family means the same network in both frameworks. Images come channels first,
    as luthier prepares them, and are turned around.

    Args:
        network: The layers.
        task: Gives the shapes of the inputs.
        text: Takes the same network as source text.
    """
    note = text.lines.append if text is not None else _nothing
    inputs = [keras.Input(tuple(task.input_shape))]
    note(f"inputs = [keras.Input({tuple(task.input_shape)!r})]")
    if task.cardinalities:
        inputs.append(keras.Input((len(task.cardinalities),), dtype="int32"))
        note(f"inputs.append(keras.Input(({len(task.cardinalities)},), dtype='int32'))")
    x = inputs[0]
    note("x = inputs[0]")
    if any(layer.kind == "conv" for layer in network):
        x = keras.layers.Permute((2, 3, 1))(x)
        note("x = layers.Permute((2, 3, 1))(x)  # channels last")
    for layer in network:
        x = _applied(layer, x, inputs, note)
    note("return keras.Model(inputs, x)")
    return keras.Model(inputs, x)


def _nothing(line: str) -> None:
    return


def _applied(layer: Layer, x: Any, inputs: list[Any], note: Any) -> Any:
    o = layer.options
    if layer.kind == "residual":
        note("shortcut = x")
        inner = x
        for one in o["layers"]:
            inner = _applied(one, inner, inputs, note)
        note("x = layers.Add()([shortcut, x])")
        return keras.layers.Add()([x, inner])
    if layer.kind == "tabular_input":
        note("parts = [layers.Flatten()(x)]")
        parts = [keras.layers.Flatten()(x)]
        for column, (count, size) in enumerate(zip(o["cardinalities"], o["sizes"], strict=True)):
            note(
                f"parts.append(layers.Embedding({count}, {size}, embeddings_initializer="
                f"keras.initializers.RandomNormal(stddev=1.0))(inputs[1][:, {column}]))"
            )
            normal = keras.initializers.RandomNormal(stddev=1.0)
            embedding = keras.layers.Embedding(count, size, embeddings_initializer=normal)
            parts.append(embedding(inputs[1][:, column]))
        note("x = layers.Concatenate()(parts)")
        return keras.layers.Concatenate()(parts)
    kind, args, kwargs = _parts(layer, int(x.shape[-1]))
    shown = [repr(arg) for arg in args] + [f"{k}={_shown(v)}" for k, v in kwargs.items()]
    note(f"x = layers.{kind}({', '.join(shown)})(x)")
    return getattr(keras.layers, kind)(*args, **kwargs)(x)


def _parts(layer: Layer, inputs: int) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return class and arguments of a layer: the one place that knows both."""
    o = layer.options
    match layer.kind:
        case "flatten":
            return "Flatten", (), {}
        case "linear":
            return "Dense", (o["outputs"],), _initial(inputs)
        case "activation":
            name = {"hardswish": "hard_swish"}.get(o["name"], o["name"])
            return "Activation", (name,), {}
        case "batch_norm" | "batch_norm2d":
            return "BatchNormalization", (), {"momentum": 0.9, "epsilon": 1e-5}
        case "layer_norm":
            return "LayerNormalization", (), {"epsilon": 1e-5}
        case "dropout":
            return "Dropout", (o["p"],), {}
        case "conv":
            size = o["kernel"]
            padding = "same" if o["padding"] == size // 2 and size % 2 else "valid"
            places = {"strides": o["stride"], "padding": padding}
            return "Conv2D", (o["outputs"], size), places | _initial(inputs * size * size)
        case "max_pool":
            return "MaxPooling2D", (o["size"],), {}
        case "global_average_pool":
            return "GlobalAveragePooling2D", (), {}
    raise ValueError(f"no Keras layer for a layer of kind '{layer.kind}': add it to _parts()")


def _initial(fan: int) -> dict[str, Any]:
    """Return PyTorch's initial weights: kernel and bias uniform within 1 / sqrt(fan)."""
    bound = 1 / math.sqrt(fan)
    return {
        "kernel_initializer": keras.initializers.RandomUniform(-bound, bound),
        "bias_initializer": keras.initializers.RandomUniform(-bound, bound),
    }


def _shown(value: Any) -> str:
    if isinstance(value, keras.initializers.RandomUniform):
        return f"keras.initializers.RandomUniform({value.minval!r}, {value.maxval!r})"
    return repr(value)
