"""PyTorch networks: built, checked against the data, handed to engines and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from luthier.catalog import families, losses
from luthier.core import (
    Arrays,
    Baseline,
    Build,
    BuilderError,
    Captured,
    Edit,
    Graph,
    Part,
    Positions,
    Recipe,
    Setup,
    Signature,
    State,
    Task,
    Trial,
    chunk_rows,
    pass_rows,
)
from luthier.core.keys import fold
from luthier.frameworks.edited import edited, repaired
from luthier.frameworks.fit import check_fit
from luthier.frameworks.torch.edits import apply, edits_of
from luthier.frameworks.torch.fingerprint import fingerprint
from luthier.frameworks.torch.graphs import KEPT, Alike, Graphs
from luthier.frameworks.torch.initialise import initialise
from luthier.frameworks.torch.layers import module_of
from luthier.frameworks.torch.script import training_script
from luthier.frameworks.torch.seeded import seeded

if TYPE_CHECKING:
    from luthier.core.task import Array

_SAMPLE = 4  # rows that a new network is tried on
_DROPOUTS = nn.modules.dropout._DropoutNd
_WITH_DROPOUT = (nn.RNNBase, nn.MultiheadAttention)


class TorchFramework:
    """The framework of `torch.nn.Module`."""

    name = "torch"

    def __init__(self) -> None:
        self._graphs = Graphs()
        self._fits: dict[object, tuple[Positions, int]] = {}

    def owns(self, model: object) -> bool:
        """Tell whether an object is a PyTorch network."""
        return isinstance(model, nn.Module)

    def baseline(
        self, build: Build, recipe: Recipe, arrays: Arrays, given: Sequence[str]
    ) -> Baseline:
        """Return the recipe: a module says nothing about its training."""
        return Baseline(recipe)

    def capture(self, build: Build, recipe: Recipe, arrays: Arrays, seed: int) -> Captured:
        """Build the network and check that it fits the data.

        Raises:
            BuilderError: when the builder raises, returns no network, or one whose outputs do
                not fit the target.
            RecipeError: when the recipe asks for what the data do not allow.
        """
        alike = Alike.of(module := _built(build, recipe, arrays.task, seed))
        positions, width = self._fitting(alike, build, recipe, arrays)
        loss = recipe.loss or losses.default(arrays.task.kind, width)
        check_fit(recipe, loss, arrays)
        _check_width(build, arrays.task, width, loss)
        shape = {
            "builder": build.hash,
            # Arguments may make the same network: another rate of dropout does.
            "model": alike.print_of or {**build.defaults, **recipe.model},
            "task": [
                arrays.task.input_shape,
                arrays.task.n_outputs,
                arrays.task.cardinalities,
                *([arrays.task.positions] if arrays.task.positions else []),
            ],
        }
        text = json.dumps(shape, sort_keys=True, default=str)
        rows = len(arrays.train)
        size = recipe.batch_size
        return Captured(
            framework=self.name,
            recipe=recipe,
            signature=Signature(
                network=hashlib.sha256(text.encode()).hexdigest()[:12],
                optimizer=recipe.optimizer,
                schedule=recipe.schedule,
                loss=loss,
                batch_size=rows if isinstance(size, str) else min(size, rows),
                precision=recipe.precision,
                arrays=arrays.key,
            ),
            make=lambda: _built(build, recipe, arrays.task, seed),
            initial=State(
                {
                    f"weights/{name}": value.detach().clone().numpy()
                    for name, value in (*module.named_parameters(), *module.named_buffers())
                }
            ),
            kernels=tuple(n for n, p in module.named_parameters() if p.ndim >= 2),
            trainable=tuple(n for n, p in module.named_parameters() if p.requires_grad),
            n_parameters=sum(p.numel() for p in module.parameters() if p.requires_grad),
            positions=positions,
            graph=cache(lambda: self._graph(build, recipe, arrays, seed, alike)),
        )

    def _fitting(
        self, alike: Alike, build: Build, recipe: Recipe, arrays: Arrays
    ) -> tuple[Positions, int]:
        """Return how a network's outputs are read; one that is like another is not run again."""
        key = (build.hash, alike.print_of, arrays.key, recipe.precision)
        if alike.print_of is None:
            return _try(alike.module, build, arrays)
        if key not in self._fits:
            found = _try(alike.module, build, arrays)
            if fingerprint(alike.module) != alike.print_of:
                return found  # a run makes something of it, which the next one needs, too
            while len(self._fits) >= KEPT:
                del self._fits[next(iter(self._fits))]
            self._fits[key] = found
        return self._fits[key]

    def _graph(
        self, build: Build, recipe: Recipe, arrays: Arrays, seed: int, alike: Alike
    ) -> Graph:
        dtype = torch.float64 if recipe.precision == "float64" else torch.float32
        rows, size = len(arrays.train), recipe.batch_size
        batch, chunk = (
            [
                torch.zeros((count, *x.shape[1:]), dtype=_dtype(x, dtype))
                for x in arrays.train.inputs
            ]
            for count in (rows if isinstance(size, str) else min(size, rows), chunk_rows(arrays))
        )
        return self._graphs.graph(
            lambda: _built(build, recipe, arrays.task, seed), batch, chunk, build.hash, alike
        )

    def restore(self, build: Build, recipe: Recipe, task: Task, state: State) -> nn.Module:
        """Return the network with a state's best weights, in evaluation mode."""
        module = _built(build, recipe, task, seed=0)
        values = dict((*module.named_parameters(), *module.named_buffers()))
        arrays = state.group("best") or state.group("weights")
        with torch.no_grad():
            for name, value in values.items():
                value.copy_(torch.from_numpy(arrays[name].copy()))
        return module.eval()

    def outputs(self, model: nn.Module, part: Part, task: Task) -> Any:
        """Return a network's outputs for a part, as a float64 matrix: a row each, or a position."""
        dtype, size = next(model.parameters()).dtype, pass_rows(task.positions)
        chunks = zip(*(torch.split(_tensor(x, dtype), size) for x in part.inputs), strict=True)
        with torch.no_grad():
            rows = [model(*chunk).double() for chunk in chunks]
        outputs = torch.cat(rows)
        return Positions.of(task, tuple(outputs.shape), len(outputs)).matrix(outputs).numpy()

    def rows(self, data: object, most: int, seed: int) -> tuple[tuple[Array, ...], Array, int]:
        """Return at most some rows of a user's data as arrays: inputs, targets, rows in all."""
        from luthier.frameworks.torch.inspecting import rows_of

        return rows_of(data, most, seed)

    def ready(
        self, build: Build, recipe: Recipe, arrays: Arrays, seed: int
    ) -> tuple[nn.Module, Callable[[Any, Any], Any], Any]:
        """Return a recipe's new network, its loss, and its optimizer where torch has it."""
        from luthier.frameworks.torch.ready import loss_of, optimizer_of

        module = _built(build, recipe, arrays.task, seed)
        positions, width = _try(module, build, arrays)
        loss = recipe.loss or losses.default(arrays.task.kind, width)
        return module, loss_of(recipe, loss, positions), optimizer_of(recipe, module)

    def inspect(
        self,
        model: nn.Module,
        data: object,
        *,
        loss_fn: Callable[[Any, Any], Any] | None = None,
        loss: Callable[[nn.Module, Any], Any] | None = None,
        optimizer: object = None,
        scheduler: object = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        seconds: float = 10.0,
        most: int | None = None,
        seed: int = 0,
    ) -> Setup:
        """Measure a training before its first step; nothing of the user's is changed by it."""
        from luthier.frameworks.torch.inspecting import inspect

        return inspect(
            model,
            data,
            loss_fn=loss_fn,
            loss=loss,
            optimizer=optimizer,
            scheduler=scheduler,
            epochs=epochs,
            batch_size=batch_size,
            seconds=seconds,
            most=most,
            seed=seed,
        )

    def edits(self, build: Build, recipe: Recipe, arrays: Arrays, seed: int) -> Sequence[Edit]:
        """Return the safe changes to a network's modules; a family says all by its arguments."""
        if any(build.reference == family.name for family in families.ALL):
            return ()
        module = _built(build, recipe, arrays.task, seed)
        dtype = next((p.dtype for p in module.parameters()), torch.float32)
        return edits_of(module, [_tensor(x[:_SAMPLE], dtype) for x in arrays.train.inputs])

    def edited(self, build: Build, edits: Sequence[Edit]) -> Build:
        """Return a builder whose argument names which of some edits are made."""
        return edited(build, edits, apply)

    def repaired(self, build: Build, edits: Sequence[Edit]) -> Build:
        """Return a builder that makes some edits always, with the source that does so."""
        return repaired(build, edits, apply)

    def script(
        self,
        build: Build,
        trial: Trial,
        arrays: Arrays,
        *,
        title: str,
        data_source: str,
        reported: Mapping[str, float],
    ) -> str:
        """Return ``train.py`` for a trial: plain PyTorch that reaches its score."""
        captured = self.capture(build, trial.recipe, arrays, trial.seed)
        return training_script(
            title=title,
            build=build,
            recipe=trial.recipe,
            task=arrays.task,
            loss=captured.signature.loss,
            positions=captured.positions,
            data_source=data_source,
            seed=trial.seed,
            epochs=trial.epochs,
            reported=reported,
        )

    def save(
        self, folder: Path, build: Build, recipe: Recipe, task: Task, state: State
    ) -> list[Path]:
        """Write nothing more: a state dictionary is what PyTorch's users load."""
        return []


def _built(build: Build, recipe: Recipe, task: Task, seed: int) -> nn.Module:
    with seeded(fold(seed, 0)[0]):
        built = build(task, recipe.model)
        module = module_of(built) if isinstance(built, tuple) else built
        if not isinstance(module, nn.Module):
            raise BuilderError(
                f"{build.reference} returned {_described(built)}, but a torch.nn.Module was "
                "expected, or a keras.Model. End it with `return` and the network."
            )
        if any(isinstance(p, UninitializedParameter) for p in module.parameters()):
            raise BuilderError(
                f"{build.reference} returned a network with lazy layers, whose sizes are not known "
                "yet. Run a row through it in the builder, for example "
                "`network(torch.zeros(1, n_features))`, or write the sizes out."
            )
        if recipe.initialiser is not None:
            initialise(module, recipe.initialiser)
    if recipe.dropout is not None:
        for layer in module.modules():
            if isinstance(layer, _DROPOUTS):
                layer.p = recipe.dropout
            elif isinstance(layer, _WITH_DROPOUT):
                layer.dropout = recipe.dropout
    # bfloat16 is a type of the computation: weights stay float32.
    return module.double() if recipe.precision == "float64" else module.float()


def _try(module: nn.Module, build: Build, arrays: Arrays) -> tuple[Positions, int]:
    """Run a few rows through a network; return how its outputs are read, and their number."""
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    inputs = [_tensor(x[:_SAMPLE], dtype) for x in arrays.train.inputs]
    shapes = ", ".join(f"{tuple(x.shape)} {str(x.dtype).removeprefix('torch.')}" for x in inputs)
    module.eval()
    try:
        with torch.no_grad(), seeded(0):
            outputs = module(*inputs)
    except Exception as error:
        raise BuilderError(
            f"{build.reference}: the network raised {type(error).__name__} on inputs of shape "
            f"{shapes}: {error}. {_hint(arrays, error)}"
        ) from error
    finally:
        module.train()
    if not isinstance(outputs, Tensor):
        raise BuilderError(
            f"{build.reference}: the network returned {_described(outputs)} for inputs of shape "
            f"{shapes}, but one tensor was expected. Return the logits or predictions alone."
        )
    shape = tuple(outputs.shape)
    try:
        positions = Positions.of(arrays.task, shape, len(inputs[0]))
    except ValueError as error:
        raise BuilderError(
            f"{build.reference}: outputs have shape {shape} for inputs of shape "
            f"{shapes}, but {error}. {_advice(outputs, arrays.task)}"
        ) from None
    return positions, positions.width(shape)


def _advice(outputs: Tensor, task: Task) -> str:
    if outputs.ndim > 2 and not task.positions and task.kind == "regression":
        return (
            "If targets are a class at each position, say `task='classification'`; else keep rows "
            "first, and end with a layer of `n_outputs` units."
        )
    return "Keep rows first, and end with a layer of `n_outputs` units."


def _check_width(build: Build, task: Task, width: int, loss: str) -> None:
    single = loss == "binary_cross_entropy"
    if single and width != 1:
        raise BuilderError(
            f"{build.reference}: the network has {width} outputs, but loss '{loss}' takes one, the "
            "logit of the second class. Leave `loss` out, or end with `torch.nn.Linear(..., 1)`."
        )
    if (single and task.n_outputs > 2) or (not single and width != task.n_outputs):
        what = f"{task.n_outputs} classes" if task.classes else f"{task.n_outputs} numbers"
        raise BuilderError(
            f"{build.reference}: the network has {width} outputs, but the target has {what}. "
            "Take `n_outputs` as an argument and end with `torch.nn.Linear(..., n_outputs)`."
        )


def _hint(arrays: Arrays, error: Exception) -> str:
    if "Int" in str(error) or "Long" in str(error):
        return "If the inputs are token numbers, keep them whole: `preprocessing: tokens`."
    names = "n_features, input_shape, cardinalities"
    return f"One row has shape {arrays.task.input_shape}; take {names} as arguments to fit it."


def _tensor(array: Any, dtype: torch.dtype) -> Tensor:
    tensor = torch.from_numpy(array.copy() if not array.flags.writeable else array)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _dtype(array: Any, floating: torch.dtype) -> torch.dtype:
    kind = torch.from_numpy(array[:0]).dtype
    return floating if kind.is_floating_point else kind


def _described(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
