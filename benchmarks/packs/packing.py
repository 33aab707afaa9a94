"""What a pack does in a second: its program alone, and with all that the host does around it."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy as np

from benchmarks.packs.networks import BATCH, NETWORKS, arrays
from luthier import frameworks
from luthier.core import Build, Recipe
from luthier.engines.chunks.exchange import Steps
from luthier.engines.packed.engine import Packed
from luthier.engines.packed.ladder import Ladder
from luthier.engines.packed.program import Epoch

from luthier.engines.compiled import xla  # isort: skip - after the engine

jax: Any = xla.jax  # type: ignore[attr-defined] # where its flags are set


def engine(device: str, size: int, convolutions: str) -> Packed:
    """Return an engine with one size of pack."""
    return Packed(device, Ladder((size,)), convolutions=convolutions)


def filled(packed: Packed, name: str, size: int, **recipe_keys: Any) -> None:
    """Fill an engine with trials that differ in seed and learning rate."""
    function, side = NETWORKS[name]
    data = arrays(side)
    build = Build.read(function, name)
    base = Recipe(
        network=name, optimizer="adam", batch_size=BATCH, epochs=10**6, dropout=None, **recipe_keys
    )
    captured = frameworks.load("torch").capture(build, base, data, 0)
    reason = packed.refuses(captured, base)
    if reason is not None:
        raise RuntimeError(reason)
    packed.open(captured, data)
    for slot in range(size):
        recipe = base.replace({"learning_rate": 1e-3 * (1 + slot / size)})
        packed.put(slot, recipe, slot, captured.initial)


def measured(
    device: str, name: str, size: int, convolutions: str, seconds: float, **recipe_keys: Any
) -> dict[str, Any]:
    """Return rates and costs of one size of pack."""
    packed = engine(device, size, convolutions)
    filled(packed, name, size, **recipe_keys)
    begun = time.perf_counter()
    packed.run(dict.fromkeys(range(size), 1))
    first = time.perf_counter() - begun
    pack = packed._pack
    if pack is None:
        raise RuntimeError("no pack was made")
    steps = pack.trials[0].shape.steps  # type: ignore[union-attr]
    found: dict[str, Any] = {
        "size": pack.size,
        "first call, s": round(first, 2),
        "kernels a step": kernels(packed),
        "MB": round(max(max(v.values()) for v in packed._needed.values()) / 1e6, 1),
    }
    found["trial-steps/s"] = size * steps * alone(packed, seconds)
    epochs, begun = 1, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        epochs += 8
        packed.run(dict.fromkeys(range(size), epochs))
    taken = time.perf_counter() - begun
    found["trial-steps/s with the host"] = size * steps * (epochs - 1) / taken
    stats = packed.device.memory_stats() or {}
    found["peak MB"] = round(stats.get("peak_bytes_in_use", 0) / 1e6, 1)
    return found


def alone(packed: Packed, seconds: float) -> float:
    """Return the epochs a second of the program alone, its arguments on the device."""
    pack = packed._pack
    if pack is None:
        raise RuntimeError("no pack was made")
    with packed._here():
        given = [trial.steps(1) for trial in pack.trials if trial is not None]
        steps = Steps(
            *(np.stack([part[0] for part in parts]) for parts in zip(*given, strict=True))
        )
        limit = np.full(pack.size, steps.numbers.shape[1])
        epoch = packed._place(Epoch(steps, np.zeros(pack.size, np.int64), limit))
        carry = pack.carry
        count, total, taken = 1, 0, 0.0
        while True:
            begun = time.perf_counter()
            for _ in range(count):
                carry, shown = pack.program(pack.lanes(carry), epoch)
            jax.block_until_ready((carry, shown))
            taken, total = time.perf_counter() - begun, count
            if taken >= seconds:
                return total / taken
            count *= 4 if taken < seconds / 4 else 2


def kernels(packed: Packed) -> int:
    """Return how many operations the body of the loop over steps launches, about."""
    text = packed.compiled.as_text()
    bodies = set(re.findall(r"body=%?([\w.\-]+)", text))
    best = 0
    for name in bodies:
        start = re.search(rf"^%?{re.escape(name)} .*\{{$", text, re.M)
        if start is None:
            continue
        body = text[start.end() : text.find("\n}", start.end())]
        kinds = r" = .*? (?:fusion|custom-call|dot|convolution|reduce|scatter|gather|sort|copy)\("
        best = max(best, len(re.findall(kinds, body)))
    return best
