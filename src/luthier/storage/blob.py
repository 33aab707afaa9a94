"""A training's state as one blob: safetensors, with what is no array as JSON in its header.

Nothing is pickled: a blob of unknown origin can be wrong, but it cannot run code.
"""

from __future__ import annotations

import json
from typing import Any

import numpy
from safetensors import SafetensorError
from safetensors.numpy import load, save

from luthier.core import State, StorageError


def to_blob(state: State) -> bytes:
    """Return a state as bytes.

    >>> state = State({"weights/w": numpy.ones(2)}, {"epoch": 3})
    >>> from_blob(to_blob(state)).extra
    {'epoch': 3}
    """
    # ascontiguousarray would give an array without dimensions one.
    arrays = {name: numpy.asarray(array, order="C") for name, array in state.arrays.items()}
    # safetensors sorts by size. An engine that sums over its arrays must find its own order
    # again, or a resumed trial would differ in the last bit.
    about = {"extra": json.dumps(dict(state.extra)), "order": json.dumps(list(arrays))}
    return save(arrays, metadata=about)


def from_blob(blob: bytes) -> State:
    """Return the state that `to_blob` was given.

    Raises:
        StorageError: for bytes that are no state.
    """
    try:
        arrays: dict[str, Any] = load(blob)
        length = int.from_bytes(blob[:8], "little")
        about = json.loads(blob[8 : 8 + length])["__metadata__"]
        order, extra = json.loads(about["order"]), json.loads(about["extra"])
        return State({name: arrays[name] for name in order}, extra)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise StorageError(
            f"a stored state of {len(blob)} bytes cannot be read ({error}). "
            "A state is what luthier itself wrote, in the safetensors format. "
            "The database is damaged or was edited: go on from a copy, or with a new `--study`."
        ) from error
