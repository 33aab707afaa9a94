"""What is put into healthy trainings: kinds of fault, each at several strengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.catalog import optimizers
from luthier.core import Recipe

ALL_FAMILIES = ("mlp", "cnn", "rnn", "transformer")
ACTIVATED = ("mlp", "cnn")


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Args:
        name: What it is called.
        true: The problems that it is, and those that it brings about: naming one of them is right.
        strengths: By name, what is changed in a healthy recipe; ``spoilt`` stands for the data.
        families: Which networks can have it.
        tasks: Which tasks can have it; empty means all.
        always: Whether it harms whatever the validation score says, as a leak does.
        hinted: Whether curves alone cannot tell, and luthier's contract is to say info at most:
            the cause lies in the data, or is a network that may be too small.
    """

    name: str
    true: tuple[str, ...]
    strengths: Mapping[str, Callable[[Recipe], Mapping[str, Any]]]
    families: tuple[str, ...] = ALL_FAMILIES
    tasks: tuple[str, ...] = ()
    always: bool = field(default=False)
    hinted: bool = field(default=False)


def _rate(factor: float) -> Callable[[Recipe], Mapping[str, Any]]:
    return lambda recipe: {"learning_rate": factor * recipe.learning_rate}


def _usual(name: str, **keys: Any) -> Callable[[Recipe], Mapping[str, Any]]:
    """Return a recipe of another optimizer at its usual rate, with these keys."""
    one = optimizers.by_name(name)
    start = {"optimizer": name, **one.usual, "learning_rate": one.default_learning_rate}
    return lambda recipe: {**start, **keys}


def _set(**keys: Any) -> Callable[[Recipe], Mapping[str, Any]]:
    dotted = {name.replace("__", "."): value for name, value in keys.items()}
    return lambda recipe: dotted


def _faster(times: float) -> Callable[[Recipe], Mapping[str, Any]]:
    """Return a constant rate of so many times the recipe's, for many short epochs."""
    set_up = {"schedule": "constant", "ema": None, "batch_size": 8, "epochs": 30}
    return lambda recipe: {"learning_rate": times * recipe.learning_rate, **set_up}


def _hurt(*kinds: str) -> dict[str, Callable[[Recipe], Mapping[str, Any]]]:
    return {kind.rpartition(":")[2]: _set(model__hurt=kind) for kind in kinds}


def _spoilt(kind: str, *strengths: float, **keys: Any) -> dict[str, Any]:
    return {f"{one:g}": _set(spoilt=f"{kind}:{one:g}", **keys) for one in strengths}


HIGH = (
    "learning_rate_too_high",
    "diverging",
    "nan_loss",
    "oscillating",
    "loss_spikes",
    "not_learning",
    "late_variance",
    "exploding_gradients",
    "dead_units",
    "saturated_units",
)
LOW = (
    "learning_rate_too_low",
    "slow_convergence",
    "too_few_epochs",
    "not_learning",
    "underfitting",
    "plateau",
)
STUCK = ("not_learning", "underfitting", "plateau", "slow_convergence")
HELD = ("over_regularised", *STUCK)

FAULTS: tuple[Fault, ...] = (
    Fault("rate too high", HIGH, {f"x{n}": _rate(n) for n in (10, 30, 100, 300)}),
    Fault("rate too low", LOW, {f"/{n}": _rate(1 / n) for n in (10, 30, 100, 1000)}),
    Fault(
        "momentum",
        HIGH,
        {
            "0.99": _usual("momentum", momentum=0.99),
            "0.999": _usual("nesterov", momentum=0.999),
            "0.999, constant": _usual("momentum", momentum=0.999, schedule="constant"),
        },
    ),
    Fault(
        "beta1",
        (*HIGH, *LOW),
        {"0.99": _usual("adamw", beta1=0.99), "0.999": _usual("adam", beta1=0.999)},
    ),
    Fault(
        "epsilon",
        ("optimizer_settings", *LOW),
        {"0.1": _usual("adam", epsilon=0.1), "1": _usual("adamw", epsilon=1.0)},
    ),
    Fault(
        "clipped away",
        LOW,
        {
            f"{norm:g}": _usual("nesterov", learning_rate=0.02, clip_norm=norm)
            for norm in (1e-2, 1e-3, 1e-4)
        },
    ),
    Fault(
        "sgd at adam's rate",
        LOW,
        {
            "0.001": _usual("sgd", learning_rate=1e-3),
            "0.0001": _usual("sgd", learning_rate=1e-4),
        },
    ),
    Fault(
        "adam at sgd's rate",
        HIGH,
        {"0.1": _usual("adam", learning_rate=0.1), "1": _usual("adamw", learning_rate=1.0)},
    ),
    Fault(
        "rate up to the end",
        HIGH,
        {f"x{n}": _faster(n) for n in (3, 10)},
    ),
    Fault(
        "schedule collapses",
        ("schedule_collapses", *LOW),
        {
            "every 10th": _set(schedule="step", step_size=0.1, gamma=0.1, warmup=0.0),
            "every 30th": _set(schedule="step", step_size=1 / 30, gamma=0.1, warmup=0.0),
            "exponential": _set(schedule="exponential", gamma=1e-20, warmup=0.0),
        },
    ),
    Fault(
        "batch of few",
        ("batch_too_small", *HIGH),
        {
            "2": _usual("sgd", batch_size=2, schedule="constant", epochs=15),
            "1": _usual("momentum", batch_size=1, schedule="constant", epochs=12),
        },
        ("mlp",),
    ),
    Fault(
        "batch of all",
        ("batch_too_large", *LOW),
        {
            "20 epochs": _set(batch_size="full", epochs=20),
            "40 epochs": _set(batch_size="full", epochs=40),
        },
    ),
    Fault("few epochs", LOW, {f"{n}": _set(epochs=n) for n in (3, 5, 8)}),
    Fault("l2", HELD, {f"{n:g}": _set(l2=n) for n in (0.1, 1.0, 10.0)}),
    Fault("l1", HELD, {f"{n:g}": _set(l1=n) for n in (0.03, 0.3, 3.0)}),
    Fault(
        "weight decay",
        HELD,
        {
            "3": _usual("adamw", weight_decay=3.0),
            "10": _usual("adam", weight_decay=10.0, learning_rate=3e-3),
        },
    ),
    # What is kept is multiplied by 1 / (1 - p): thirtyfold where 97 % is dropped.
    Fault(
        "dropout",
        (*HELD, "nan_loss", "diverging"),
        {f"{n:g}": _set(dropout=n) for n in (0.7, 0.9, 0.97)},
    ),
    Fault(
        "label smoothing",
        HELD,
        {f"{n:g}": _set(label_smoothing=n) for n in (0.6, 0.9, 0.98)},
        tasks=("binary", "multiclass"),
    ),
    Fault(
        "average too long",
        (*LOW, "over_regularised"),
        {"0.9999": _set(ema=0.9999, epochs=20)},
    ),
    Fault(
        "network too small",
        ("underfitting", "not_learning", "plateau", "slow_convergence"),
        {f"{n}": _set(model__width=n) for n in (1, 2)},
        ("mlp", "rnn"),
        hinted=True,
    ),
    Fault(
        "no non-linearity",
        ("missing_nonlinearity", "underfitting", "plateau", "not_learning"),
        {"all": _set(model__activation="identity")},
        ACTIVATED,
        hinted=True,
    ),
    Fault(
        "deep sigmoids",
        ("vanishing_gradients", "saturated_units", *LOW),
        {
            f"{n}": _set(model__activation="sigmoid", model__normalisation="none", model__depth=n)
            for n in (4, 6, 10)
        },
        ("mlp",),
    ),
    Fault(
        "initial weights too large",
        ("bad_initialisation", "exploding_gradients", "saturated_units", *HIGH, *STUCK),
        _hurt("init:5", "init:30", "init:100"),
    ),
    Fault(
        "initial weights too small",
        ("bad_initialisation", "vanishing_gradients", *LOW),
        _hurt("init:0.01", "init:0"),
    ),
    Fault(
        "equal initial weights",
        ("bad_initialisation", *HIGH, *STUCK),
        _hurt("equal:0.1", "equal:1"),
        ("mlp", "rnn"),
    ),
    Fault(
        "dead units",
        ("dead_units", "bad_initialisation", "vanishing_gradients", *STUCK),
        {
            f"-{n}": _set(
                model__hurt=f"dead:{n}", model__activation="relu", model__normalisation="none"
            )
            for n in (2, 5, 20)
        },
        ACTIVATED,
    ),
    Fault(
        "output activation",
        ("double_softmax", "wrong_output_activation", *LOW),
        _hurt("output:softmax", "output:relu", "output:sigmoid"),
    ),
    Fault(
        "frozen parameters",
        ("parameters_not_trained", *STUCK, "over_regularised"),
        _hurt("frozen:body", "frozen:all"),
    ),
    Fault(
        "the loss is climbed",
        ("wrong_gradient_sign", *HIGH),
        {"x-1": _rate(-1.0), "x-0.1": _rate(-0.1)},
    ),
    Fault(
        "labels shuffled",
        ("noisy_labels", "overfitting", "under_regularised", *STUCK),
        _spoilt("labels", 0.3, 0.6, 1.0),
        hinted=True,
    ),
    Fault(
        "inputs too large",
        ("unscaled_inputs", *HIGH, *STUCK),
        _spoilt("inputs", 30, 1000, preprocessing="none"),
    ),
    Fault(
        "inputs too small",
        ("unscaled_inputs", "vanishing_gradients", *LOW),
        _spoilt("inputs", 0.01, 0.0001, preprocessing="none"),
    ),
    Fault(
        "rows in another unit",
        ("unscaled_inputs", *HIGH, *STUCK, "overfitting", "noisy_labels"),
        _spoilt("broken_rows", 1, 10, preprocessing="none"),
    ),
    Fault(
        "few rows",
        ("overfitting", "under_regularised", "too_many_epochs", "noisy_labels"),
        _spoilt(
            "few_rows", 10, 30, dropout=0.0, weight_decay=0.0, l2=0.0, schedule="constant", ema=None
        ),
        hinted=True,
    ),
    Fault(
        "validation of another kind",
        ("split_mismatch", "overfitting", "noisy_labels", "under_regularised", "too_many_epochs"),
        _spoilt("shift", 0.5, 2.0),
        hinted=True,
    ),
    Fault(
        "validation among training rows",
        ("validation_leak", "leaked_rows"),
        _spoilt("leak", 0.5, 1.0),
        always=True,
        hinted=True,
    ),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
