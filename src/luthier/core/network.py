"""What frameworks and engines hand each other: builders, captured networks, their state."""

from __future__ import annotations

import functools
import hashlib
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from luthier.core.errors import BuilderError, CaptureError
from luthier.core.exploring import explore
from luthier.core.graph import Graph
from luthier.core.hyperparameters import FromHp, takes_hp
from luthier.core.positions import Positions
from luthier.core.recipe import Recipe, Value
from luthier.core.space import Categorical, Conditional, Domain, Float, Int
from luthier.core.standalone import standalone
from luthier.core.task import Task

if TYPE_CHECKING:
    from luthier.core.task import Array

RESERVED = ("n_features", "n_outputs", "input_shape", "cardinalities")


@dataclass(frozen=True)
class Build:
    """A function that makes a network, and what its signature says may vary.

    Args:
        reference: How a recipe names it: a family, or ``FILE.py:function``.
        function: Takes reserved names that it declares, and its own arguments.
        source: The text that it was read from; part of the study's identity.
        parameters: Range of each argument that has one.
        defaults: Default of each argument: the baseline.
        reserved: Which of `RESERVED` it wants filled in.

    >>> def build(n_features: int, n_outputs: int, width: int = 8): ...
    >>> Build.read(build, "net.py:build").defaults
    {'width': 8}
    """

    reference: str
    function: Callable[..., Any]
    source: str
    parameters: Mapping[str, Domain]
    defaults: Mapping[str, Value]
    reserved: tuple[str, ...]

    @classmethod
    def read(cls, function: Callable[..., Any], reference: str, source: str | None = None) -> Build:
        """Read the signature of a function, a class, or whatever else can be called.

        Raises:
            BuilderError: for an argument that has neither a default nor a reserved name, and for
                annotations that cannot be read.
        """
        if source is None:
            source = standalone(function)
        try:
            hints = typing.get_type_hints(_annotated(function), include_extras=True)
        except Exception as error:
            raise BuilderError(
                f"{reference}: cannot read its annotations ({error}). Import what they name at "
                "the top of the file."
            ) from None
        if takes_hp(function):
            return cls(reference, FromHp(function), source, *explore(function, reference), ())
        parameters: dict[str, Domain] = {}
        defaults: dict[str, Value] = {}
        reserved: list[str] = []
        for name, argument in inspect.signature(function).parameters.items():
            if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
                continue
            if name in RESERVED:
                reserved.append(name)
                continue
            domain = _domain(hints.get(name))
            if argument.default is argument.empty:
                raise BuilderError(
                    f"{reference}: argument '{name}' has no default. Give it one, the baseline "
                    f"(`{name} = 128`), or use a name that luthier fills in: {', '.join(RESERVED)}."
                )
            defaults[name] = argument.default
            if domain is not None:
                parameters[name] = domain
        return cls(reference, function, source, parameters, defaults, tuple(reserved))

    def without_function(self, load: Callable[[], Callable[..., Any]]) -> Build:
        """Return the same without its function, which is loaded when it is first asked for.

        Args:
            load: Returns the function.

        >>> def build(n_features: int, width: int = 8): ...
        >>> light = Build.read(build, "net.py:build").without_function(lambda: print)
        >>> light.defaults, "function" in vars(light), light.function
        ({'width': 8}, False, <built-in function print>)
        """
        light = object.__new__(Build)
        for one in fields(self):
            if one.name != "function":
                object.__setattr__(light, one.name, getattr(self, one.name))
        object.__setattr__(light, "load", load)
        return light

    def __getattr__(self, name: str) -> Any:
        load = self.__dict__.get("load")
        if name != "function" or load is None:
            raise AttributeError(f"a builder has no '{name}'")
        object.__setattr__(self, name, load())
        return self.__dict__[name]

    @property
    def hash(self) -> str:
        """A short hash of the source."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:12]

    def __call__(self, task: Task, model: Mapping[str, Value]) -> Any:
        """Build the network for a task.

        Raises:
            BuilderError: when the function raises, or does not know an argument.
        """
        unknown = sorted(set(model) - set(self.defaults))
        if unknown:
            known = ", ".join(self.defaults) or "none"
            raise BuilderError(f"{self.reference} has no argument '{unknown[0]}'. It has: {known}.")
        filled = {name: getattr(task, name) for name in self.reserved}
        try:
            return self.function(**filled, **{**self.defaults, **model})
        except (Exception, SystemExit) as error:
            arguments = {**filled, **self.defaults, **model}
            raise BuilderError(
                f"{self.reference} raised {type(error).__name__}: {error}. "
                f"It was called with {arguments}."
            ) from error


@dataclass(frozen=True)
class Signature:
    """What trials must share to share a compiled program."""

    network: str
    optimizer: str
    schedule: str
    loss: str
    batch_size: int
    precision: str
    arrays: str


@dataclass(frozen=True, eq=False)
class State:
    """A training at one moment: arrays by flat name, and the rest as plain data.

    Args:
        arrays: ``weights/…``, ``best/…``, ``ema/…`` and the optimizer's ``slot0/…``.
        extra: Counters and what else is no array; JSON can hold it.
    """

    arrays: Mapping[str, Array]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def group(self, name: str) -> dict[str, Array]:
        """Return the arrays below a name, without it."""
        prefix = f"{name}/"
        return {k.removeprefix(prefix): v for k, v in self.arrays.items() if k.startswith(prefix)}


def _no_graph() -> Graph:
    raise CaptureError("its framework captures no graph")


@dataclass(frozen=True, eq=False)
class Captured:
    """A network as a framework hands it to an engine.

    Args:
        framework: Name of the framework that captured it.
        recipe: What it was captured for.
        signature: What other trials must share to share its program.
        make: Returns a fresh network of the framework, with the recipe's dropout applied.
        initial: Weights and buffers that a trial with the captured seed starts from.
        kernels: Names of the tensors with two dimensions or more, which penalties apply to.
        n_parameters: Number of trainable values.
        trainable: Names of the tensors that train.
        penalised: Which of the kernels L1 and L2 apply to, where the network itself penalises some
            and not others; None means all of them. Decay always applies to all.
        link: What turns outputs into logits where a network ends in probabilities that cannot be
            taken off: ``log`` of a softmax, ``logit`` of a sigmoid; else ``identity``.
        positions: How its outputs are read where a row has a class at each position.
        sample: Inputs of a few rows, where an engine may want to try the network.
        graph: Returns the network as neutral operations. It is asked by engines that need it
            alone, since exporting takes a while; raises `CaptureError` where there is none.
    """

    framework: str
    recipe: Recipe
    signature: Signature
    make: Callable[[], Any]
    initial: State
    kernels: tuple[str, ...]
    n_parameters: int
    trainable: tuple[str, ...] = ()
    penalised: tuple[str, ...] | None = None
    link: str = "identity"
    positions: Positions = field(default_factory=Positions)
    sample: tuple[Array, ...] = ()
    graph: Callable[[], Graph] = _no_graph


@dataclass(frozen=True)
class Baseline:
    """What a network itself says about how it is trained.

    Args:
        recipe: The recipe that says the same.
        notes: Where the recipe's meaning differs from the network's, or what it cannot say.
        decided: Recipe keys that the builder's own arguments decide, and no search should vary.
        penalised: Whether its layers have L1 or L2, which then are worth a search.
        dropout: Whether it has dropout layers; None where the framework does not tell.
    """

    recipe: Recipe
    notes: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    penalised: bool = False
    dropout: bool | None = None


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What a few steps of a trial do, to compare engines by.

    Args:
        losses: Data loss of each step.
        norms: Norm of each step's gradient, penalties included, before clipping.
        sample_loss: Loss on the fixed training sample, in evaluation mode, after the steps.
        val_loss: Loss on the validation part after the steps.
        state: The state after the steps.
    """

    losses: tuple[float, ...]
    norms: tuple[float, ...]
    sample_loss: float
    val_loss: float
    state: State


def _domain(hint: Any) -> Domain | None:
    """Return the range in an annotation, ``Annotated[...] | None`` and a bare one included."""
    for part in (hint, *typing.get_args(hint)):
        if isinstance(part, (Float, Int, Categorical, Conditional)):
            return part
        for extra in getattr(part, "__metadata__", ()):
            if isinstance(extra, (Float, Int, Categorical, Conditional)):
                return extra
    return None


def _annotated(function: Callable[..., Any]) -> Any:
    """Return what carries the annotations of something that can be called."""
    if isinstance(function, functools.partial):
        return _annotated(function.func)
    if inspect.isclass(function):
        return function.__init__
    return function if inspect.isroutine(function) else type(function).__call__
