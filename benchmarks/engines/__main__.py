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
from torch import nn  # noqa: E402

from benchmarks.engines.loop import Loop  # noqa: E402
from benchmarks.engines.networks import small, wide  # noqa: E402
from luthier import engines, frameworks  # noqa: E402
from luthier.core import Arrays, Build, Captured, Engine, Recipe  # noqa: E402
from luthier.data import SplitPlan, read  # noqa: E402
from luthier.engines.native import Native  # noqa: E402
from luthier.loop.preparation import Preparation  # noqa: E402

CASES = [(small, 32), (small, 128), (small, 512), (wide, 128)]  # network, batch
STRIDE = 16  # epochs a call: what a study asks for once a trial has passed its first rungs
ROUNDS, EPOCHS = 7, 30


class Trial:
    """One trial on an engine."""

    def __init__(self, engine: Engine, captured: Captured, arrays: Arrays) -> None:
        self.engine, self.epochs = engine, 0
        engine.open(captured, arrays)
        engine.put(0, captured.recipe, 0, captured.initial)

    def train(self, epochs: int) -> None:
        """Train some epochs, and evaluate after each."""
        self.epochs += epochs
        self.engine.run({0: self.epochs})


def seconds(call: Callable[[], object]) -> float:
    """Return the processor time that a call takes: others' work on the core does not count."""
    start = time.process_time()
    call()
    return time.process_time() - start


def peak() -> float:
    """Return the operations a second that a large product of matrices reaches."""
    size = 1024
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / min(seconds(lambda: torch.mm(a, b)) for _ in range(15))


def operations(network: nn.Module, batch: int) -> int:
    """Return the multiplications and additions of a step's products of matrices.

    Forward, for the weights' gradients, and for those of all inputs but the first layer's.
    """
    weights = [p.numel() for p in network.parameters() if p.ndim == 2]
    return 2 * batch * (3 * sum(weights) - weights[0])


def measure(
    preparation: Preparation, network: Callable[..., object], batch: int, top: float
) -> None:
    """Print the rows of one network and batch size.

    Args:
        preparation: Of the data.
        network: Builds it.
        batch: Rows of a step.
        top: Operations a second that this core can do.
    """
    build = Build.read(network, network.__name__)
    recipe = Recipe(network=build.reference, optimizer="adam", batch_size=batch, epochs=10**5)
    arrays = preparation.arrays(recipe)
    framework, native = frameworks.load("torch"), Native()
    captured = framework.capture(build, recipe, arrays, 0)
    begun = native.clock()  # which counts the compiler's time too
    native.refuses(captured, recipe)
    capture, begun = native.clock() - begun, native.clock()
    fast = Trial(native, captured, arrays)
    fast.train(1)
    compile_ = native.clock() - begun
    jax = engines.load("compiled")
    jax.refuses(captured, recipe)
    contenders: dict[str, Callable[[int], object]] = {
        "loop": Loop(captured.make(), arrays, batch, fused=False).train,
        "loop, fused": Loop(captured.make(), arrays, batch, fused=True).train,
        "torch_eager": Trial(engines.load("torch_eager"), captured, arrays).train,
        "compiled": Trial(jax, captured, arrays).train,
        "native": fast.train,
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for train in contenders.values():
        train(2)
    for _ in range(ROUNDS):
        for name, train in contenders.items():
            times[name].append(seconds(lambda train=train: train(STRIDE)) / STRIDE)
    loop = median(times["loop"])
    work = operations(captured.make(), batch) * (len(arrays.train.target) // batch)
    for name, values in times.items():
        sys.stdout.write(
            f"{network.__name__:6} {batch:4}  {name:12} {median(values) * 1e3:8.2f} ms an epoch"
            f"  {loop / median(values):6.2f} x  {work / median(values) / top:6.1%} of peak\n"
        )
    saved = (loop - median(times["native"])) * EPOCHS
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
    top = peak()
    sys.stdout.write(f"this core: {top / 1e9:.0f} GFLOP/s in a product of 1,024 x 1,024 matrices\n")
    for network, batch in CASES:
        measure(preparation, network, batch, top)


if __name__ == "__main__":
    main()
