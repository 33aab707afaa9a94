"""Names of a network's variables that are the same however often it was built."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"_\d+$")


def stable_names(paths: Iterable[str], model: str) -> tuple[str, ...]:
    """Return names for variables from their paths, such as ``dense/kernel``.

    Keras counts layers over a whole process: the second network of a kind has ``dense_1``. Here
    the count begins anew with each network, in the order of its variables.

    Args:
        paths: What `keras.Variable.path` says, of every variable in order.
        model: The network's own name, which is left out where paths begin with it.

    >>> stable_names(["net_3/dense_7/kernel", "net_3/dense_7/bias", "dense_8/kernel"], "net_3")
    ('dense.kernel', 'dense.bias', 'dense_1.kernel')
    """
    known: dict[str, str] = {}
    counts: dict[str, int] = {}
    names: dict[str, None] = {}
    for path in paths:
        parts = path.split("/")
        if len(parts) > 1 and parts[0] == model:
            parts = parts[1:]
        *layers, variable = parts
        for layer in layers:
            if layer not in known:
                base = _NUMBER.sub("", layer)
                number = counts.get(base, 0)
                counts[base] = number + 1
                known[layer] = f"{base}_{number}" if number else base
        name = ".".join([*(known[layer] for layer in layers), variable])
        number = 1
        while name in names:  # layers that were given the same name
            number += 1
            name = f"{name.partition('#')[0]}#{number}"
        names[name] = None
    return tuple(names)
