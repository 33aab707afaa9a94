"""The user's data as batches: pairs of inputs and targets, or whatever a loader gives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, default_collate

from luthier.core import DataError
from luthier.frameworks.torch.inspecting.stopwatch import Stopwatch

ROWS = 1024  # rows that experiments use: enough to tell a loss, few enough for seconds
_FEWEST = 32  # rows of a data set that are read, however long that takes
_BATCHES = 8  # batches of a loader whose rows cannot be told apart

Batch = tuple[tuple[Tensor, ...], Tensor]


@dataclass(frozen=True, eq=False)
class Rows:
    """Inputs and targets, row by row.

    Args:
        inputs: One tensor an input of the network.
        target: What the loss gets beside the outputs.
        batch_size: Rows of a step.
    """

    inputs: tuple[Tensor, ...]
    target: Tensor
    batch_size: int

    def __len__(self) -> int:
        return len(self.target)

    def take(self, index: Tensor) -> Batch:
        """Return some rows as a batch."""
        index = index.to(self.target.device)
        return tuple(x[index] for x in self.inputs), self.target[index]

    def batches(self, seed: int) -> Iterator[Batch]:
        """Yield batches for ever, each epoch in a new order."""
        generator = torch.Generator().manual_seed(seed)
        size = min(self.batch_size, len(self))
        while True:
            order = torch.randperm(len(self), generator=generator)
            for start in range(0, len(self) - size + 1, size):
                yield self.take(order[start : start + size])


@dataclass(frozen=True, eq=False)
class Batches:
    """Batches whose inside only the user's loss knows.

    Args:
        items: A few of them.
        batch_size: Rows of each, where a loader says it; 0 where nobody does.
    """

    items: tuple[Any, ...]
    batch_size: int = 0

    def batches(self, seed: int) -> Iterator[Any]:
        """Yield them for ever, in their order."""
        del seed  # the order is the loader's
        while True:
            yield from self.items


def read_rows(
    data: object,
    model: nn.Module | None,
    batch_size: int,
    most: int,
    seed: int,
    seconds: float = math.inf,
) -> Rows:
    """Return at most some rows of ``(X, y)``, a data set or a loader, drawn at random.

    Args:
        data: The user's.
        model: Where they go.
        batch_size: Rows of a step.
        most: Rows.
        seed: Decides which ones.
        seconds: After which no more of a data set or loader are read, for they may read files.

    Raises:
        DataError: for data that hold no pairs.
    """
    if isinstance(data, DataLoader) or (
        not isinstance(data, (tuple, list, Dataset)) and isinstance(data, Iterable)
    ):
        return _from_loader(data, model, most, seconds)
    if isinstance(data, Dataset):
        data = _stacked(data, most, seed, seconds)
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise DataError(
            f"data is a {type(data).__name__}, but inputs and targets were expected. Pass "
            "data=(X, y) or a loader of such pairs with loss_fn=..., or any batch with "
            "loss=lambda model, batch: ...."
        )
    inputs, target = data
    several = isinstance(inputs, (tuple, list)) and all(hasattr(x, "shape") for x in inputs)
    given, y = tuple(inputs if several else [inputs]), _tensor(target)
    if not len(y) or any(len(x) != len(y) for x in given):
        counts = ", ".join(str(len(x)) for x in given)
        raise DataError(
            f"inputs have {counts} rows and targets have {len(y)}. Both need the same number, and "
            "at least one. Pass data=(X, y) with a target for each row."
        )
    index = None
    if len(y) > most:  # of large arrays the rows that are asked for are copied, and no others
        index = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))[:most]
        y = y[index]
    xs = tuple(_tensor(x, index) for x in given)
    return Rows(tuple(_placed(x, model) for x in xs), _placed(y, model), batch_size)


def read_batches(data: object, most: int = _BATCHES) -> Batches:
    """Return a few batches of a loader, or the one batch that was passed."""
    plain = isinstance(data, (tuple, list, Mapping, Tensor, np.ndarray))
    if plain or not isinstance(data, Iterable):
        return Batches((data,))
    items = tuple(islice(iter(data), most))
    if not items:
        raise DataError("the loader yields no batch. Pass one that yields at least one.")
    return Batches(items, getattr(data, "batch_size", None) or 0)


def _from_loader(loader: Iterable[Any], model: nn.Module | None, most: int, seconds: float) -> Rows:
    began = Stopwatch()
    xs: list[tuple[Tensor, ...]] = []
    ys: list[Tensor] = []
    for batch in loader:
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise DataError(
                f"the loader yields a {type(batch).__name__}, but a pair of inputs and targets was "
                "expected beside loss_fn. Write loss=lambda model, batch: ... instead of loss_fn."
            )
        *inputs, target = batch
        if len(inputs) == 1 and isinstance(inputs[0], (tuple, list)):
            inputs = list(inputs[0])
        xs.append(tuple(_placed(_tensor(x), model) for x in inputs))
        ys.append(_placed(_tensor(target), model))
        if sum(map(len, ys)) >= most or began.seconds() > seconds:
            break
    if not ys:
        raise DataError("the loader yields no batch. Pass one that yields at least one.")
    size = max(map(len, ys))
    shapes = {(*(x.shape[1:] for x in row), y.shape[1:]) for row, y in zip(xs, ys, strict=True)}
    if len(shapes) > 1:  # padded to different lengths: the largest batch stands for all
        best = max(range(len(ys)), key=lambda i: len(ys[i]))
        xs, ys = [xs[best]], [ys[best]]
    return Rows(tuple(torch.cat(parts) for parts in zip(*xs, strict=True)), torch.cat(ys), size)


def _stacked(data: Any, most: int, seed: int, seconds: float) -> tuple[Any, Any]:
    count, began, items = len(data), Stopwatch(), []
    for index in torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:most]:
        items.append(data[int(index)])
        if began.seconds() > seconds and len(items) >= _FEWEST:
            break
    *inputs, target = default_collate(items)
    return (inputs[0] if len(inputs) == 1 else tuple(inputs)), target


def _tensor(value: Any, index: Tensor | None = None) -> Tensor:
    """Return a value's rows, all or some of them, as a tensor."""
    if isinstance(value, Tensor):
        return value.detach() if index is None else value.detach()[index]
    array = np.asarray(value)
    array = array if index is None else array[index.numpy()]
    if array.dtype.kind in "OUS":
        raise DataError(
            f"an array holds {array.dtype} values, but numbers were expected. Turn categories into "
            "codes, and classes into 0, 1, 2, ...."
        )
    return torch.from_numpy(np.ascontiguousarray(array).copy())


def _placed(tensor: Tensor, model: nn.Module | None) -> Tensor:
    """Return a tensor on the network's device, and of its precision where it is floating."""
    first = next(iter(model.parameters()), None) if model is not None else None
    if first is None:
        return tensor.float() if tensor.is_floating_point() else tensor
    kind = first.dtype if first.dtype.is_floating_point else torch.float32
    # Under autocast weights stay float32; half-precision weights take half-precision inputs.
    return tensor.to(first.device, kind if tensor.is_floating_point() else tensor.dtype)


def as_numpy(rows: Rows) -> tuple[Sequence[Any], Any]:
    """Return inputs and targets as NumPy arrays."""
    xs = [
        x.float().cpu().numpy() if x.is_floating_point() else x.cpu().numpy() for x in rows.inputs
    ]
    y = rows.target
    return xs, y.double().cpu().numpy() if y.is_floating_point() else y.cpu().numpy()
