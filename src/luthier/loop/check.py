"""Check: what is wrong with a training before its first step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from luthier import frameworks
from luthier.catalog.schedules import Progress, learning_rate
from luthier.core import (
    DataError,
    DataFacts,
    Diagnosis,
    Framework,
    LuthierError,
    Recipe,
    ScheduleFacts,
    Setup,
)
from luthier.data import describe
from luthier.diagnosis import diagnose_setup
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.handing_over.recipes import load_recipe

SECONDS = 10.0
_FIRST = 64  # rows that tell how long reading takes
_ROWS = 20_000  # rows that are looked at for leaks and scales
_VALUES = 20_000_000  # and values, so that large images take no longer than wide tables


def check(
    model: Any,
    data: Any,
    *,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    loss: Callable[[Any, Any], Any] | None = None,
    optimizer: Any = None,
    scheduler: Any = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seconds: float = SECONDS,
    seed: int = 0,
) -> Diagnosis:
    """Say what is wrong with a training before it begins; nothing of yours is changed by it.

    Your network sees a batch forward and backward. All training is done on copies, for a few steps
    each: as the set-up is, and with one thing changed where there is a sign that it harms.

    Args:
        model: The network, as it is before training.
        data: ``(X, y)`` as arrays or tensors, a data set or a loader of such pairs; training and
            validation part as a pair of these. With `loss`, a batch or a loader of any kind.
        loss_fn: Takes outputs and targets, such as ``torch.nn.CrossEntropyLoss()``. Of a Keras
            model, what `compile` takes; by default what it was compiled with.
        loss: Takes the network and a batch, and returns what is minimised; instead of `loss_fn`.
            Where that is one of PyTorch's losses and nothing else, what it compares is looked at.
        optimizer: What will train; several in a list. Of a Keras model, by default what it was
            compiled with.
        scheduler: What will set its rate; it is taken to step once an epoch, unless it knows its
            number of steps. Of a Keras model also a `LearningRateScheduler`, or a function of the
            epoch.
        epochs: How many are planned.
        batch_size: Rows of a step; a loader has its own.  [default: 32]
        seconds: That it may take. What does not fit is not begun: the notes of the diagnosis name
            it. On a busy machine only its own work counts, up to three times as long on the wall.
        seed: Decides which rows they see, in which order.

    Returns:
        The diagnosis: print it, or read `findings`, `worst`, `healthy`.

    Raises:
        LuthierError: when network, loss and data cannot be run together; its text says what to
            pass instead.
    """
    framework = _framework(model)
    # What a Keras model was compiled with is known to it.
    known = framework.name == "keras" and loss is None
    if (loss_fn is None) == (loss is None) and not known:
        raise LuthierError(
            f"{'no loss was' if loss is None else 'both loss_fn and loss were'} given, but one was "
            "expected. Pass loss_fn=..., which takes outputs and targets, or "
            "loss=lambda model, batch: ...."
        )
    train, val = _parts(data)
    setup = framework.inspect(
        model,
        train,
        loss_fn=loss_fn,
        loss=loss,
        optimizer=optimizer,
        scheduler=scheduler,
        epochs=epochs,
        batch_size=batch_size,
        seconds=seconds,
        seed=seed,
    )
    facts, notes = _facts(framework, train, val, seconds / 4, seed)
    facts = _aimed(facts, setup.data) if setup.data.rows else facts
    return diagnose_setup(replace(setup, data=facts), notes=notes if loss is None else ())


def check_recipe(
    data: Any,
    *,
    model: str | None = None,
    recipe: str | Path | None = None,
    epochs: int | None = None,
    target: str | None = None,
    task: str | None = None,
    seconds: float = SECONDS,
    seed: int = 0,
) -> Diagnosis:
    """Say what is wrong with a recipe's training before it begins.

    Args:
        data: As for `luthier.train`.
        model: A family, or ``FILE.py:function``.  [default: the recipe's]
        recipe: A recipe's file.  [default: a sound recipe for these data]
        epochs: Instead of the recipe's.
        target: Column to predict, for tables.
        task: classification or regression.
        seconds: That short trainings of copies may take in all.
        seed: Of the network, and of the order of rows.

    Raises:
        LuthierError: for whatever does not fit.
    """
    keys: Mapping[str, Any] = load_recipe(Path(recipe)) if recipe is not None else {}
    parts = assemble(
        model or keys.get("network"),
        data,
        recipe={k: v for k, v in keys.items() if k != "run"} or None,
        target=target,
        task=task,
        seed=seed,
    )
    if epochs is not None:
        parts = replace(parts, recipe=parts.recipe.replace({"epochs": epochs}))
    return diagnose_setup(setup_of(parts, seconds=seconds, seed=seed))


def setup_of(
    parts: Assembly,
    *,
    seconds: float = SECONDS,
    most: int | None = None,
    whole: bool = True,
    seed: int = 0,
) -> Setup:
    """Measure a recipe's training before its first step.

    Args:
        parts: What is trained.
        seconds: That short trainings of copies may take in all.
        most: Steps that they may take in all; no limit where it is None.
        whole: Whether one of them goes as far as the recipe does: who trains that anyway need not.
        seed: Of the network, and of the order of rows.
    """
    done, arrays = parts.recipe, parts.arrays
    network, loss_fn, optimizer = parts.framework.ready(parts.build, done, arrays, seed)
    rows = len(arrays.train)
    size = rows if isinstance(done.batch_size, str) else min(done.batch_size, rows)
    train, val = ((part.inputs, part.target) for part in (arrays.train, arrays.val))
    setup = parts.framework.inspect(
        network,
        (_one(train[0]), train[1]),
        loss_fn=loss_fn,
        loss=None,
        optimizer=optimizer,
        scheduler=None,
        epochs=done.epochs if whole else None,
        batch_size=size,
        seconds=seconds,
        most=most,
        seed=seed,
    )
    schedule = ScheduleFacts(done.schedule, _rates(done, max(rows // size, 1)), done.epochs)
    return replace(
        setup,
        data=describe(train[0], train[1], val),
        schedule=schedule,
        epochs=done.epochs,
        recipe=done,
        task=arrays.task,
    )


def _one(inputs: tuple[Any, ...]) -> Any:
    return inputs[0] if len(inputs) == 1 else inputs


def _rates(recipe: Recipe, steps: int) -> tuple[float, ...]:
    """Return the rate of each epoch's first step; one that waits for losses stays as it is."""
    total = steps * recipe.epochs
    starts = (Progress(i * steps, total, steps) for i in range(recipe.epochs))
    return tuple(learning_rate(recipe, at) for at in starts)


def _framework(model: Any) -> Framework:
    framework = frameworks.owner(model)
    if framework is not None:
        return framework
    raise LuthierError(
        f"model is a {type(model).__name__}, but a torch.nn.Module was expected, or a keras.Model. "
        "Pass the network itself, as your training loop has it."
    )


def _facts(
    framework: Framework, train: Any, val: Any, seconds: float, seed: int
) -> tuple[DataFacts, tuple[str, ...]]:
    """Describe rows, where there are any; a batch of another kind is for the loss alone to read."""
    try:
        began = time.process_time(), time.monotonic()
        inputs, target, total = framework.rows(train, _FIRST, seed)
        took = max(time.process_time() - began[0], (time.monotonic() - began[1]) / 3)
        values = max(sum(x[:1].size for x in inputs), 1)
        kept = max(_VALUES // values, 1)
        # Rows may be files that are read one by one: as many as there is time for.
        affordable = int(len(target) * seconds / took) if took > 0 else _ROWS
        most = min(_ROWS, kept, max(affordable, _FIRST))
        if most > len(target) >= _FIRST:
            inputs, target, total = framework.rows(train, most, seed)
        part = None
        if val is not None:
            others, answers, _ = framework.rows(val, most, seed)
            part = (others, answers)
        facts = describe([x[:kept] for x in inputs], target[:kept], part)
    except (LuthierError, ValueError, TypeError, AttributeError) as error:
        return DataFacts(), (f"rows were not looked at ({str(error).partition('.')[0][:100]})",)
    seen = len(target[:kept])
    return facts, (f"of {total} rows {seen} were looked at",) if seen < total else ()


def _aimed(facts: DataFacts, seen: DataFacts) -> DataFacts:
    """Return facts with the targets that the loss was seen to get, if the data have others."""
    if (facts.target_low, facts.target_high) == (seen.target_low, seen.target_high):
        return facts
    return replace(
        facts,
        rows=facts.rows or seen.rows,
        classes=seen.classes,
        target_low=seen.target_low,
        target_high=seen.target_high,
        target_mean=seen.target_mean,
        target_std=seen.target_std,
        target_narrowest=0.0,
        target_widest=0.0,
        target_is_input=False,
        telling_feature=None,
        missing_classes=(),
    )


def _parts(data: Any) -> tuple[Any, Any]:
    """Return the training part, and the validation part where there is one."""
    if isinstance(data, (tuple, list)) and len(data) in (2, 3) and all(map(_is_part, data)):
        return data[0], data[1]
    if data is None:
        raise DataError(
            "data is None, but inputs and targets were expected. Pass data=(X, y) or a loader."
        )
    return data, None


def _is_part(one: Any) -> bool:
    if isinstance(one, (tuple, list)):
        return len(one) == 2 and all(hasattr(x, "__len__") for x in one)
    return hasattr(one, "dataset") and hasattr(one, "__iter__")
