"""The framework of Keras networks, on whichever backend the process runs."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from luthier.catalog import families, losses
from luthier.core import (
    Arrays,
    Baseline,
    Build,
    BuilderError,
    Captured,
    Conditional,
    Edit,
    LuthierError,
    Part,
    Recipe,
    Setup,
    Signature,
    State,
    Task,
    Trial,
)
from luthier.core.keys import fold
from luthier.frameworks.edited import edited, repaired
from luthier.frameworks.fit import check_fit
from luthier.frameworks.keras import heads, penalties
from luthier.frameworks.keras.compiling import compile_as
from luthier.frameworks.keras.edits import apply, edits_of
from luthier.frameworks.keras.networks import (
    built,
    has_dropout,
    like,
    run,
    sample_of,
    try_out,
    values_of,
    variables_of,
)
from luthier.frameworks.keras.precision import precision_notes, refuse_float16
from luthier.frameworks.keras.reading import Reading, read_compiled
from luthier.frameworks.keras.script import training_script
from luthier.frameworks.keras.seeded import seeded, wide

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from luthier.core.task import Array

_LINK = "_luthier_link"
_SCALING = (keras.layers.Normalization, keras.layers.Rescaling)


class KerasFramework:
    """The framework of `keras.Model`."""

    name = "keras"

    def __init__(self) -> None:
        self._decided: dict[str, tuple[str, ...]] = {}

    def owns(self, model: object) -> bool:
        """Tell whether an object is a Keras network.

        >>> KerasFramework().owns(keras.Sequential()), KerasFramework().owns(object())
        (True, False)
        """
        return isinstance(model, keras.Model)

    def makes(self, build: Build, task: Task) -> bool:
        """Tell whether a builder's function makes Keras networks.

        Raises:
            BuilderError: when it raises.
        """
        with seeded(0):
            return self.owns(build(task, {}))

    def baseline(
        self, build: Build, recipe: Recipe, arrays: Arrays, given: Sequence[str]
    ) -> Baseline:
        """Return a recipe with what the network's compile step and layers say.

        Raises:
            BuilderError: for a loss that luthier does not have, and that no recipe replaces.
        """
        model = built(build, recipe, arrays.task, 0, sample_of(arrays))
        read = self._read(model, recipe, arrays, loss_known="loss" in given)
        read.notes += precision_notes(model)
        if any(isinstance(layer, _SCALING) for layer in model._flatten_layers()):
            read.keys["preprocessing"] = "raw"
            read.notes.append("preprocessing: raw, since a layer of the network scales its inputs")
        first = recipe.replace(read.keys)
        return Baseline(
            first,
            notes=tuple(read.notes),
            decided=self._decided_keys(build, first, arrays),
            penalised=bool(read.keys.get("l1") or read.keys.get("l2")),
            dropout=has_dropout(model),
        )

    def capture(self, build: Build, recipe: Recipe, arrays: Arrays, seed: int) -> Captured:
        """Build the network and check that it fits the data.

        Raises:
            BuilderError: when the builder raises, returns no network, or one whose outputs do
                not fit the target.
            RecipeError: when the recipe asks for what the data do not allow.
        """
        with wide(recipe.precision):
            return self._captured(build, recipe, arrays, seed)

    def _captured(self, build: Build, recipe: Recipe, arrays: Arrays, seed: int) -> Captured:
        sample, task = sample_of(arrays), arrays.task
        first = fold(seed, 0)[0]
        model = built(build, recipe, task, first, sample)
        refuse_float16(build, model)
        recipe = self._effective(build, recipe, model, arrays)
        outputs = try_out(model, build, arrays)
        width = outputs.shape[1]
        loss = recipe.loss or losses.default(task.kind, width)
        check_fit(recipe, loss, arrays)
        _check_width(build, task, width, loss)
        own = penalties.penalties_of(_trainable(model))
        link = _prepared(model, own, task, sample)

        def make() -> Any:
            with wide(recipe.precision):
                again = built(build, recipe, task, first, sample)
                _prepared(again, own, task, sample)
            return again

        named = _trainable(model)
        shape = {
            "builder": build.hash,
            "model": {**build.defaults, **recipe.model},
            "task": [task.input_shape, task.n_outputs, task.cardinalities],
            "backend": keras.config.backend(),
        }
        text = json.dumps(shape, sort_keys=True, default=str)
        rows, size = len(arrays.train), recipe.batch_size
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
            make=make,
            initial=State({f"weights/{name}": value for name, value in values_of(model).items()}),
            kernels=tuple(name for name, v in named.items() if len(v.shape) >= 2),
            trainable=tuple(named),
            n_parameters=sum(math.prod(v.shape) for v in named.values()),
            penalised=own.names if own.liftable and own.names else None,
            link=link,
            sample=tuple(sample),
        )

    def restore(self, build: Build, recipe: Recipe, task: Task, state: State) -> Any:
        """Return the network as its builder makes it, with a state's best weights."""
        model = built(build, recipe, task, 0, like(task))
        arrays = state.group("best") or state.group("weights")
        with wide(recipe.precision):
            for name, variable in variables_of(model).items():
                variable.assign(arrays[name].astype(variable.dtype))
        link = heads.ending(model) if task.kind == "classification" else heads.IDENTITY
        object.__setattr__(model, _LINK, link)
        compile_as(model, recipe, task, link, lambda: int(run(model, like(task)).shape[1]))
        if getattr(model, "optimizer", None) is not None:
            model.optimizer.build(model.trainable_variables)  # Keras warns of a file without
        return model

    def outputs(self, model: Any, part: Part, task: Task) -> Any:
        """Return a network's outputs for all rows of a part, as a float64 matrix of logits."""
        precision = str(model.variables[0].dtype) if model.variables else "float32"
        with wide(precision):
            found = run(model, part.inputs)
        return heads.logits(found, getattr(model, _LINK, heads.IDENTITY))

    def rows(self, data: object, most: int, seed: int) -> tuple[tuple[Array, ...], Array, int]:
        """Return at most some rows of a user's data as arrays: inputs, targets, rows in all."""
        from luthier.frameworks.keras.inspecting.inspect import rows_of

        return rows_of(data, most, seed)

    def ready(
        self, build: Build, recipe: Recipe, arrays: Arrays, seed: int
    ) -> tuple[Any, Callable[[Any, Any], Any], Any]:
        """Return a recipe's new network, its loss, and its optimizer where Keras has it.

        The network is the one that is trained: its last softmax is off, the recipe's penalties
        are on, and of what it was compiled with nothing is left.
        """
        from luthier.frameworks.keras.ready import loss_of, optimizer_of, penalise

        captured = self.capture(build, recipe, arrays, seed)
        model, recipe = captured.make(), captured.recipe
        model.optimizer = model.loss = None
        variables = variables_of(model)
        penalise(recipe, [variables[name] for name in captured.kernels])
        loss = loss_of(recipe, captured.signature.loss, captured.link)
        return model, loss, optimizer_of(recipe)

    def inspect(
        self,
        model: Any,
        data: object,
        *,
        loss_fn: Callable[[Any, Any], Any] | None = None,
        loss: Callable[[Any, Any], Any] | None = None,
        optimizer: object = None,
        scheduler: object = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        seconds: float = 10.0,
        most: int | None = None,
        seed: int = 0,
    ) -> Setup:
        """Measure a training before its first step; nothing of the user's is changed by it.

        Raises:
            LuthierError: for a `loss` of model and batch: Keras has none.
        """
        from luthier.frameworks.keras.inspecting.inspect import inspect

        if loss is not None:
            raise LuthierError(
                "loss=... takes a network and a batch, which Keras' models do not. Pass "
                "loss_fn=..., as compile takes it: a name, or a function of targets and outputs."
            )
        return inspect(
            model,
            data,
            loss_fn=loss_fn,
            optimizer=optimizer,
            scheduler=scheduler,
            epochs=epochs,
            batch_size=batch_size,
            seconds=seconds,
            most=most,
            seed=seed,
        )

    def edits(self, build: Build, recipe: Recipe, arrays: Arrays, seed: int) -> Sequence[Edit]:
        """Return the safe changes to a network's layers; a family says all by its arguments."""
        if any(build.reference == family.name for family in families.ALL):
            return ()
        model = built(build, recipe, arrays.task, seed, sample_of(arrays))
        return edits_of(model, classes=arrays.task.kind == "classification")

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
        """Return ``train.py`` for a trial: plain Keras that reaches its score."""
        captured = self.capture(build, trial.recipe, arrays, trial.seed)
        return training_script(
            title=title,
            build=build,
            captured=captured,
            ending=self._ending(build, captured.recipe, arrays),
            task=arrays.task,
            data_source=data_source,
            seed=trial.seed,
            epochs=trial.epochs,
            reported=reported,
        )

    def _ending(self, build: Build, recipe: Recipe, arrays: Arrays) -> str:
        if arrays.task.kind == "regression":
            return heads.IDENTITY
        return heads.ending(built(build, recipe, arrays.task, 0, sample_of(arrays)))

    def save(
        self, folder: Path, build: Build, recipe: Recipe, task: Task, state: State
    ) -> list[Path]:
        """Write ``model.keras``, where the network's own code can be saved."""
        path = folder / "model.keras"
        try:
            self.restore(build, recipe, task, state).save(path)
        except (NotImplementedError, TypeError, ValueError) as error:
            path.unlink(missing_ok=True)
            log.warning("model.keras is not written: Keras cannot save this network (%s)", error)
            return []
        return [path]

    def _read(
        self, model: Any, recipe: Recipe, arrays: Arrays, *, loss_known: bool = True
    ) -> Reading:
        """Read compile step and regularisers."""
        steps = recipe.epochs * recipe.updates(len(arrays.train))
        read = read_compiled(model, steps, loss_known=loss_known)
        own = penalties.penalties_of(_trainable(model))
        if own.liftable:
            read.keys |= {"l1": own.l1, "l2": own.l2}
            if own.names:
                read.notes.append(
                    f"l1, l2: of {len(own.names)} kernels, those that the network penalises itself"
                )
        elif own.names:
            read.notes.append(
                "l1, l2: the network's penalties differ between its layers; they stay as they are, "
                "and a recipe's come on top"
            )
        return read

    def _effective(self, build: Build, recipe: Recipe, model: Any, arrays: Arrays) -> Recipe:
        """Return the recipe with those keys that the builder's own arguments decide."""
        decided = self._decided_keys(build, recipe, arrays)
        if not decided:
            return recipe
        read = self._read(model, recipe, arrays).keys
        return recipe.replace({name: read[name] for name in decided if name in read})

    def _decided_keys(self, build: Build, recipe: Recipe, arrays: Arrays) -> tuple[str, ...]:
        if build.hash not in self._decided:
            readings = []
            for unit in (None, 0.0, 0.999) if build.parameters else ():
                model = {**build.defaults, **({} if unit is None else _at(build, unit))}
                tried = recipe.replace({"model": model})
                try:
                    network = built(build, tried, arrays.task, 0, sample_of(arrays))
                except BuilderError:
                    continue
                readings.append(self._read(network, recipe, arrays).keys)
            names = {name for read in readings for name in read}
            self._decided[build.hash] = tuple(
                sorted(name for name in names if len({repr(r.get(name)) for r in readings}) > 1)
            )
        return self._decided[build.hash]


def _at(build: Build, unit: float) -> dict[str, Any]:
    """Return every argument at one end of its range."""
    found: dict[str, Any] = {}
    for name, domain in build.parameters.items():
        plain: Any = domain
        if isinstance(domain, Conditional):
            plain = domain.case(found.get(domain.on, build.defaults.get(domain.on)))
        if plain is not None:
            found[name] = plain.at(unit)
    return found


def _trainable(model: Any) -> dict[str, Any]:
    trained = {id(v) for v in model.trainable_variables}
    return {name: v for name, v in variables_of(model).items() if id(v) in trained}


def _prepared(model: Any, own: penalties.Penalties, task: Task, sample: Any) -> str:
    """Take off what the recipe says in its place, and the last activation; return the link."""
    if own.liftable:
        penalties.take_off(_trainable(model))
    if task.kind == "regression":
        return heads.IDENTITY
    return heads.take_off(model, lambda: run(model, sample))


def _check_width(build: Build, task: Task, width: int, loss: str) -> None:
    single = loss == "binary_cross_entropy"
    if single and width != 1:
        raise BuilderError(
            f"{build.reference}: the network has {width} outputs, but loss '{loss}' takes one, the "
            "logit of the second class. Leave `loss` out, or end with `keras.layers.Dense(1)`."
        )
    if (single and task.n_outputs > 2) or (not single and width != task.n_outputs):
        what = f"{task.n_outputs} classes" if task.classes else f"{task.n_outputs} numbers"
        raise BuilderError(
            f"{build.reference}: the network has {width} outputs, but the target has {what}. "
            "Take `n_outputs` as an argument and end with `keras.layers.Dense(n_outputs)`."
        )
