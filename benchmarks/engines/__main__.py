"""Prints the table: python -m benchmarks.engines."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

CORE = min(os.sched_getaffinity(0))
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()  # so that compile times are those of a first use
os.sched_setaffinity(0, {CORE})

import torch  # noqa: E402 - after the number of threads

from benchmarks.engines.loop import Loop  # noqa: E402
from benchmarks.engines.networks import small, wide  # noqa: E402
from luthier import engines, frameworks  # noqa: E402
from luthier.core import Arrays, Build, Captured, Engine, Recipe  # noqa: E402
from luthier.data import SplitPlan, read  # noqa: E402
from luthier.loop.preparation import Preparation  # noqa: E402

CASES = [
    (small, 32, 4),
    (small, 128, 10),
    (small, 512, 20),
    (wide, 128, 1),
]  # network, batch, epochs
ROUNDS, EPOCHS = 7, 30


class Trial:
    """One trial on an engine."""

    def __init__(self, engine: Engine, captured: Captured, arrays: Arrays) -> None:
        self.engine, self.epochs = engine, 0
        engine.open(captured, arrays)
        engine.put(0, captured.recipe, 0, captured.initial)

    def epoch(self) -> None:
        """Train an epoch, and evaluate."""
        self.epochs += 1
        self.engine.run({0: self.epochs})


def seconds(call: Callable[[], object], times: int = 1) -> float:
    """Return what one call takes."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def measure(
    preparation: Preparation, network: Callable[..., object], batch: int, epochs: int
) -> None:
    """Print the rows of one network and batch size."""
    build = Build.read(network, network.__name__)
    recipe = Recipe(network=build.reference, optimizer="adam", batch_size=batch, epochs=10**5)
    arrays = preparation.arrays(recipe)
    framework, compiled = frameworks.load("torch"), engines.load("compiled")
    captured = framework.capture(build, recipe, arrays, 0)
    capture = seconds(lambda: compiled.refuses(captured, recipe))
    fast = Trial(compiled, captured, arrays)
    compile_ = seconds(fast.epoch)
    contenders: dict[str, Callable[[], object]] = {
        "loop": Loop(captured.make(), arrays, batch, fused=False).epoch,
        "loop, fused": Loop(captured.make(), arrays, batch, fused=True).epoch,
        "torch_eager": Trial(engines.load("torch_eager"), captured, arrays).epoch,
        "compiled": fast.epoch,
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for epoch in contenders.values():
        seconds(epoch, 2)
    for _ in range(ROUNDS):
        for name, epoch in contenders.items():
            times[name].append(seconds(epoch, epochs))
    loop = median(times["loop"])
    for name, values in times.items():
        row = f"{network.__name__:6} {batch:4}  {name:12} {median(values) * 1e3:8.2f} ms an epoch"
        sys.stdout.write(f"{row}  {loop / median(values):6.2f} x\n")
    saved = (loop - median(times["compiled"])) * EPOCHS
    pays = (capture + compile_) / saved if saved > 0 else float("inf")
    sys.stdout.write(
        f"{'':26}capture {capture:.2f} s, compile {compile_:.2f} s, "
        f"paid off after {pays:.1f} trials\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Print everything."""
    torch.set_num_threads(1)
    preparation = Preparation(read("digits"), SplitPlan(seed=0))
    for case in CASES:
        measure(preparation, *case)


if __name__ == "__main__":
    main()
