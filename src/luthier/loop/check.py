"""Check: what is wrong with a training before its first step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from luthier import frameworks
from luthier.core import DataError, DataFacts, Diagnosis, Framework, LuthierError
from luthier.data import describe
from luthier.diagnosis import diagnose_setup

SECONDS = 10.0
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
        loss_fn: Takes outputs and targets, such as ``torch.nn.CrossEntropyLoss()``.
        loss: Takes the network and a batch, and returns what is minimised; instead of `loss_fn`.
        optimizer: What will train; several in a list.
        scheduler: What will set its rate; it is taken to step once an epoch, unless it knows its
            number of steps.
        epochs: How many are planned.
        batch_size: Rows of a step; a loader has its own.  [default: 32]
        seconds: That the copies may take in all.
        seed: Decides which rows they see, in which order.

    Returns:
        The diagnosis: print it, or read `findings`, `worst`, `healthy`.

    Raises:
        LuthierError: when network, loss and data cannot be run together; its text says what to
            pass instead.
    """
    if (loss_fn is None) == (loss is None):
        raise LuthierError(
            f"{'no loss was' if loss is None else 'both loss_fn and loss were'} given, but one was "
            "expected. Pass loss_fn=..., which takes outputs and targets, or "
            "loss=lambda model, batch: ...."
        )
    framework = _framework(model)
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
    facts, notes = _facts(framework, train, val, seed)
    return diagnose_setup(replace(setup, data=facts), notes=notes if loss_fn is not None else ())


def _framework(model: Any) -> Framework:
    for name in frameworks.NAMES:
        framework = frameworks.load(name)
        if framework.owns(model):
            return framework
    raise LuthierError(
        f"model is a {type(model).__name__}, but a torch.nn.Module was expected. Pass the network "
        "itself, as your training loop has it."
    )


def _facts(
    framework: Framework, train: Any, val: Any, seed: int
) -> tuple[DataFacts, tuple[str, ...]]:
    """Describe rows, where there are any; a batch of another kind is for the loss alone to read."""
    try:
        inputs, target, total = framework.rows(train, _ROWS, seed)
        values = max(sum(x[:1].size for x in inputs), 1)
        kept = max(_VALUES // values, 1)
        part = None
        if val is not None:
            others, answers, _ = framework.rows(val, min(_ROWS, kept), seed)
            part = (others, answers)
        facts = describe([x[:kept] for x in inputs], target[:kept], part)
    except (LuthierError, ValueError, TypeError, AttributeError) as error:
        return DataFacts(), (f"rows were not looked at ({str(error).partition('.')[0][:100]})",)
    seen = len(target[:kept])
    return facts, (f"of {total} rows {seen} were looked at",) if seen < total else ()


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
