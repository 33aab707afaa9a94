"""Nested states as arrays by name and plain data, so that nothing has to be pickled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from luthier.core import WatchError

_PLAIN = (bool, int, float, str, type(None))


def pack(tree: Any, array: Callable[[Any], tuple[Any, str] | None]) -> tuple[dict[str, Any], Any]:
    """Return the arrays of a nested state by name, and the rest as data that JSON can hold.

    Args:
        tree: Dicts with any plain keys, lists and tuples of numbers, texts and arrays.
        array: Returns a leaf as an array and a word for its kind; None for what is none.

    Raises:
        WatchError: for anything else.

    >>> import numpy
    >>> state = {0: {"step": 3, "mean": numpy.ones(2)}, "betas": (0.9, 0.999)}
    >>> arrays, rest = pack(state, lambda a: (a, "numpy") if hasattr(a, "shape") else None)
    >>> again = unpack(arrays, rest, lambda a, kind: a)
    >>> again[0]["step"], again["betas"], again[0]["mean"].tolist()
    (3, (0.9, 0.999), [1.0, 1.0])
    """
    arrays: dict[str, Any] = {}

    def walk(node: Any) -> Any:
        found = array(node)
        if found is not None:
            name = f"a{len(arrays)}"
            arrays[name], kind = found
            return {"array": name, "kind": kind}
        if isinstance(node, _PLAIN):
            return node
        if isinstance(node, Mapping):
            return {"pairs": [[walk(key), walk(value)] for key, value in node.items()]}
        if isinstance(node, tuple):
            return {"tuple": [walk(one) for one in node]}
        if isinstance(node, (list, set)):
            return [walk(one) for one in node]
        if hasattr(node, "item"):  # a NumPy number
            return node.item()
        raise WatchError(
            f"a state holds a {type(node).__name__}, which cannot be kept: numbers, texts, arrays "
            "and containers of them can. Save this trial below trial.checkpoint_dir yourself."
        )

    return arrays, walk(tree)


def unpack(arrays: Mapping[str, Any], rest: Any, array: Callable[[Any, str], Any]) -> Any:
    """Return what `pack` was given.

    Args:
        arrays: By name.
        rest: The plain data.
        array: Returns a leaf from an array and its kind.
    """

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "pairs" in node:
            return {walk(key): walk(value) for key, value in node["pairs"]}
        if "tuple" in node:
            return tuple(walk(one) for one in node["tuple"])
        return array(arrays[node["array"]], node["kind"])

    return walk(rest)
