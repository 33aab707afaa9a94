"""Other libraries' objects as NumPy arrays and Polars frames, none of them imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import DataError

if TYPE_CHECKING:
    import polars as pl


def comes_from(value: object, *modules: str) -> bool:
    """Tell whether a value's class, or one that it derives from, is defined in a module."""
    return any(c.__module__.startswith(modules) for c in type(value).__mro__)


def is_torch_data(value: object) -> bool:
    """Tell a torch ``Dataset`` or ``DataLoader``."""
    return comes_from(value, "torch.utils.data")


def torch_pair(data: Any) -> tuple[Any, Any]:
    """Return all rows of a torch ``Dataset``, or of a loader's, in the data set's own order.

    A loader's batches are not used: it may shuffle them, and drop the last.
    """
    source = data.dataset if comes_from(data, "torch.utils.data.dataloader") else data
    if comes_from(source, "torch.utils.data.dataset") and type(source).__name__ == "TensorDataset":
        columns = tuple(source.tensors)
    else:
        try:
            items = [source[index] for index in range(len(source))]
        except (TypeError, NotImplementedError):
            items = list(source)
        if not items or not isinstance(items[0], (tuple, list)):
            raise DataError(
                f"a torch data set of {len(items)} items does not give pairs. Each item is an "
                "(input, target) pair. Return both from __getitem__."
            )
        columns = tuple(zip(*items, strict=True))
    if len(columns) != 2:
        raise DataError(
            f"a torch data set gives {len(columns)} values a row. Each item is an (input, target) "
            "pair. Stack several inputs into one."
        )
    x, y = columns
    return (_stacked(x), _stacked(y))


def as_array(value: Any) -> Any:
    """Return an array, a tensor, a series or a list as a NumPy array.

    >>> as_array([1, 2]).dtype.kind
    'i'
    """
    if comes_from(value, "torch"):
        value = value.detach().cpu().numpy()
    elif comes_from(value, "scipy.sparse"):
        value = value.toarray()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"cannot make an array of a {type(value).__name__}: {error}. Every row needs the same "
            "shape. Pad or crop the rows to one."
        ) from None
    return _plain(array) if array.dtype.kind == "O" else array


def as_frame(value: object) -> pl.DataFrame | None:
    """Return a data frame of any library as a Polars one; None for what is no data frame."""
    import narwhals as nw
    import polars as pl

    if isinstance(value, np.ndarray):
        if value.ndim != 2 or value.dtype.kind not in "OUS":
            return None
        columns = {f"x{i}": value[:, i].tolist() for i in range(value.shape[1])}
        return pl.DataFrame([pl.Series(k, v, strict=False) for k, v in columns.items()])
    try:
        frame: Any = nw.from_native(value, eager_only=True, pass_through=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            f"the data frame has several columns of one name ({error}). Each column needs a name "
            "of its own. Rename them."
        ) from None
    if not isinstance(frame, nw.DataFrame):
        return None
    try:
        found = frame.to_polars()
    except ImportError:
        # pandas hands over through pyarrow; without it, values go one by one.
        found = pl.DataFrame(
            [pl.Series(c, frame[c].to_list(), strict=False) for c in frame.columns]
        )
    return found.rename({name: str(name) for name in found.columns})


def _stacked(values: Any) -> Any:
    """Return one array of a column of torch items."""
    if comes_from(values, "torch"):
        return as_array(values)
    return np.stack([as_array(value) for value in values])


def _plain(array: Any) -> Any:
    """Return an array of Python objects as numbers where all are, with None where missing."""
    missing = [type(v).__name__ in ("NoneType", "NAType", "NaTType") for v in array.ravel()]
    values = [None if gone else v for gone, v in zip(missing, array.ravel(), strict=True)]
    present = [v for v in values if v is not None]
    if present and all(isinstance(v, (bool, np.bool_)) for v in present) and not any(missing):
        return array.astype(bool)
    if present and all(
        isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in present
    ):
        return np.array([np.nan if v is None else float(v) for v in values]).reshape(array.shape)
    clean = np.empty(len(values), object)
    clean[:] = values
    return clean.reshape(array.shape)
