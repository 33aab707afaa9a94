"""Prints the table: python -m benchmarks.engines [--only NAME] [--batch SIZE] [--second]."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

CORE = min(os.sched_getaffinity(0))
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()  # so that compile times are those of a first use
os.sched_setaffinity(0, {CORE})

import torch  # noqa: E402 - after the number of threads
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from benchmarks.engines.loop import Loop  # noqa: E402
from benchmarks.engines.networks import CASES, Case, between, small  # noqa: E402
from luthier import engines, frameworks  # noqa: E402
from luthier.core import Arrays, Build, Captured, Engine, Recipe  # noqa: E402
from luthier.engines.native import Native  # noqa: E402

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


def operations(network: nn.Module, inputs: torch.Tensor) -> int:
    """Return the operations of a step's products, as PyTorch counts them; none of an LSTM's."""
    with FlopCounterMode(display=False) as counter:
        network(inputs).sum().backward()
    return counter.get_total_flops()


def measure(case: Case, top: float) -> None:
    """Print the rows of one case.

    Args:
        case: Network, data and batch size.
        top: Operations a second that this core can do.
    """
    build, arrays = Build.read(case.build, case.build.__name__), case.arrays()
    recipe = Recipe(network=build.reference, optimizer="adam", batch_size=case.batch, epochs=10**5)
    framework, native = frameworks.load("torch"), Native()
    captured = framework.capture(build, recipe, arrays, 0)
    contenders: dict[str, Callable[[int], object]] = {
        "loop": Loop(captured.make(), arrays, case.batch).train,
        "loop, fused": Loop(captured.make(), arrays, case.batch, fused=True).train,
        "torch_eager": Trial(engines.load("torch_eager"), captured, arrays).train,
    }
    begun = native.clock()  # which counts the compiler's time too
    refusal = native.refuses(captured, recipe)
    capture, begun = native.clock() - begun, native.clock()
    compile_ = 0.0
    if refusal is None:
        fast = Trial(native, captured, arrays)
        fast.train(1)
        compile_ = native.clock() - begun
        contenders["native"] = fast.train
    halved = replace(recipe, precision="bfloat16")
    half = framework.capture(build, halved, arrays, 0)
    if native.refuses(half, halved) is None:
        contenders["loop, half"] = Loop(half.make(), arrays, case.batch, half=True).train
        contenders["native, half"] = Trial(Native(), half, arrays).train
    jax = engines.load("compiled") if case.jax else None
    if jax is not None and jax.refuses(captured, recipe) is None:
        contenders["compiled"] = Trial(jax, captured, arrays).train
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for train in contenders.values():
        train(1)
    for _ in range(ROUNDS):
        for name, train in contenders.items():
            taken = seconds(partial(train, case.epochs))
            times[name].append(taken / case.epochs)
    loop = median(times["loop"])
    rows = torch.from_numpy(arrays.train.inputs[0][: case.batch])
    work = operations(captured.make(), rows) * (len(arrays.train) // case.batch)
    for name, values in times.items():
        sys.stdout.write(
            f"{case.name:22} {case.batch:4}  {name:12} {median(values) * 1e3:8.2f} ms an epoch"
            f"  {loop / median(values):6.2f} x  {work / median(values) / top:6.1%} of peak\n"
        )
    if refusal is None:
        saved = (loop - median(times["native"])) * EPOCHS
        pays = (capture + compile_) / saved if saved > 0 else float("inf")
        sys.stdout.write(
            f"{'':29}capture {capture:.2f} s, compile {compile_:.2f} s, "
            f"paid off after {pays:.1f} trials\n"
        )
    else:
        sys.stdout.write(f"{'':29}native refuses it: {refusal}\n")
    sys.stdout.flush()


def another() -> None:
    """Compile a network that is none of the cases."""
    arrays = next(case for case in CASES if case.build is small).arrays()
    build = Build.read(between, between.__name__)
    recipe = Recipe(network=build.reference, optimizer="adam", epochs=1)
    captured, native = frameworks.load("torch").capture(build, recipe, arrays, 0), Native()
    if native.refuses(captured, recipe) is None:
        native.open(captured, arrays)


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--batch", type=int, help="cases of this batch size")
    parser.add_argument(
        "--second", action="store_true", help="as on a machine that has compiled another network"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.second:
        another()
    top = peak()
    sys.stdout.write(f"this core: {top / 1e9:.0f} GFLOP/s in a product of 1,024 x 1,024 matrices\n")
    for case in CASES:
        if asked.only in case.name and asked.batch in (None, case.batch):
            measure(case, top)


if __name__ == "__main__":
    main()
