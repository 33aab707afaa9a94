"""Prints what packs bring: python -m benchmarks.packs --json FILE."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SIZES = (1, 4, 16, 64, 128, 256, 512)
Row = dict[str, Any]


def plan(device: str, quick: bool, part: str = "first") -> list[tuple[str, float]]:
    """Return the cases, what matters most first, each with the seconds that it may take."""
    if quick:
        names = ["peak", "pack mlp sliced 1,4", "pack cnn8 sliced 1,2", "pack cnn8 native 1"]
        return [(n, 240.0) for n in (*names, "torch mlp", "core mlp", "processes mlp 2")]
    if part == "second":  # what the first run did not come to
        return [
            ("pack cnn28 native 64,1,256,16", 65.0),
            ("pack cnn8 native 64,256,1,16", 55.0),
            ("pack mlp sliced 64,256,512", 40.0),
            ("processes mlp 4", 30.0),
            ("processes mlp 8", 40.0),
        ]
    if part == "half":  # in bfloat16, each beside single precision
        return [
            ("peak", 40.0),
            ("pack cnn28 tiled 64,256,512 bfloat16", 90.0),
            ("pack cnn28 sliced 1", 40.0),
            ("pack cnn28 tiled 256", 40.0),
            ("pack cnn28 sliced 64 bfloat16", 40.0),
            ("pack cnn8 tiled 256,512 bfloat16", 80.0),
            ("pack cnn8 sliced 1", 40.0),
            ("pack cnn8 tiled 256", 40.0),
            ("pack mlp sliced 512,1 bfloat16", 50.0),
            ("pack mlp sliced 512", 40.0),
            ("pack cnn28 native 64 bfloat16", 40.0),
        ]
    sizes = ",".join(map(str, SIZES))
    cases = [
        ("peak", 40.0),
        (f"pack mlp sliced {sizes}", 90.0),
        ("torch mlp", 40.0),
        ("pack cnn8 tiled 64,256,16,512", 80.0),
        ("pack cnn8 sliced 1,64", 40.0),
        ("torch cnn8", 40.0),
        ("pack cnn28 tiled 64,256,16,512", 80.0),
        ("pack cnn28 sliced 1,64", 40.0),
        ("torch cnn28", 40.0),
        ("processes mlp 4", 60.0),
        ("pack cnn28 native 64,1", 60.0),
        ("pack mlp sliced 1,64 graphs", 60.0),
        ("core mlp", 40.0),
        ("pack cnn8 native 64,1", 60.0),
        ("processes mlp 8", 60.0),
        ("core cnn8", 60.0),
        ("processes cnn8 8", 60.0),
    ]
    return cases if device == "cuda" else [case for case in cases if "native" not in case[0]]


def run(case: str, device: str, seconds: float, say: Any) -> None:
    """Measure one case in this process; what it finds is said as it is found."""
    kind, *rest = case.split()
    if kind == "peak":
        say(peaks(device))
    elif kind == "torch":
        torch_loops(rest[0], device, seconds, say)
    elif kind == "core":
        one_core(rest[0], seconds, say)
    elif kind == "pack":
        from benchmarks.packs.packing import measured

        name, convolutions, sizes, *precision = rest
        keys = {"precision": precision[0]} if precision else {}
        for size in sizes.split(","):
            try:
                say(measured(device, name, int(size), convolutions, seconds, **keys))
            except Exception as error:
                say({"size": int(size), "failed": f"{type(error).__name__}: {error}"[:300]})
    elif kind == "processes":
        processes(rest[0], int(rest[1]), device, seconds, say)
    elif kind == "member":
        member(rest[0], Path(rest[1]), device, seconds, say)


def peaks(device: str) -> Row:
    """Return what large products reach."""
    import torch

    from benchmarks.packs.torch_loop import peak

    size = 8192 if device == "cuda" else 1024
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else "CPU",
        "float32, TFLOP/s": round(peak(device, torch.float32, size) / 1e12, 3),
        "bfloat16, TFLOP/s": round(peak(device, torch.bfloat16, size) / 1e12, 3),
        "torch": torch.__version__,
    }


def torch_loops(name: str, device: str, seconds: float, say: Any) -> None:
    """Measure the serial loop in PyTorch: plain, a graph a step, a graph an epoch."""
    from benchmarks.packs.networks import BATCH, NETWORKS, ROWS, arrays, operations
    from benchmarks.packs.torch_loop import Loop

    function, side = NETWORKS[name]
    data = arrays(side)

    def made() -> Any:
        return function(data.task.input_shape if side else 64, 10)

    import torch

    x = torch.from_numpy(data.train.inputs[0][:BATCH])
    say({"operations a step": operations(made(), x)})
    steps = ROWS // BATCH
    for words, graphed in (("plain", 0), ("a graph a step", 1), ("a graph an epoch", steps)):
        if graphed and device != "cuda":
            continue
        try:
            rate = Loop(made(), data, BATCH, device, graphed).rate(seconds)
            say({"loop": words, "trial-steps/s": rate})
        except Exception as error:
            say({"loop": words, "failed": f"{type(error).__name__}: {error}"[:300]})


def one_core(name: str, seconds: float, say: Any) -> None:
    """Measure luthier's engines on one core of the CPU, one trial."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import torch

    torch.set_num_threads(1)
    from benchmarks.packs.networks import BATCH, NETWORKS, ROWS, arrays
    from luthier import engines, frameworks
    from luthier.core import Build, Recipe

    function, side = NETWORKS[name]
    data, build = arrays(side), Build.read(function, name)
    recipe = Recipe(network=name, optimizer="adam", batch_size=BATCH, epochs=10**6, dropout=None)
    captured = frameworks.load("torch").capture(build, recipe, data, 0)
    for kind in ("native", "compiled", "torch_eager"):
        try:
            engine = engines.load(kind)
            reason = engine.refuses(captured, recipe)
            if reason is not None:
                raise RuntimeError(reason)
            engine.open(captured, data)
            engine.put(0, recipe, 0, captured.initial)
            engine.run({0: 1})
            epochs, begun = 1, time.perf_counter()
            while time.perf_counter() - begun < seconds:
                epochs += 16
                engine.run({0: epochs})
            rate = (epochs - 1) * (ROWS // BATCH) / (time.perf_counter() - begun)
            say({"engine": kind, "trial-steps/s": rate})
        except Exception as error:
            say({"engine": kind, "failed": f"{type(error).__name__}: {error}"[:300]})


def processes(name: str, count: int, device: str, seconds: float, say: Any) -> None:
    """Measure several processes at once, each with the compiled loop of one trial."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        mine = [
            subprocess.Popen(
                command(f"member {name} {folder}", device, seconds),
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        waited = time.monotonic()
        while len(list(Path(folder).glob("ready-*"))) < count:
            if time.monotonic() - waited > 60 or any(p.poll() for p in mine):
                break
            time.sleep(0.05)
        (Path(folder) / "go").touch()
        rates = []
        for process in mine:
            out, _ = process.communicate(timeout=60)
            rates += [json.loads(line)["trial-steps/s"] for line in out.splitlines() if line]
    say({"processes": len(rates), "of": count, "trial-steps/s": sum(rates)})


def member(name: str, folder: Path, device: str, seconds: float, say: Any) -> None:
    """Measure one of several processes, once all are ready."""
    from benchmarks.packs.packing import alone, engine, filled

    packed = engine(device, 1, "sliced")
    filled(packed, name, 1)
    packed.run({0: 2})
    (folder / f"ready-{os.getpid()}").touch()
    while not (folder / "go").exists():
        time.sleep(0.001)
    from benchmarks.packs.networks import BATCH, ROWS

    say({"trial-steps/s": ROWS // BATCH * alone(packed, seconds)})


def command(case: str, device: str, seconds: float) -> list[str]:
    """Return the command that measures a case in a process of its own."""
    here = [sys.executable, "-m", "benchmarks.packs", "--device", device]
    return [*here, "--case", case, "--seconds", str(seconds)]


def table(found: list[Row]) -> str:
    """Return what was found as a table in Markdown."""
    lines = ["| case | | trial-steps/s | other |", "|---|---|---:|---|"]
    for row in found:
        shown = {k: v for k, v in row.items() if k != "case"}
        rate = shown.pop("trial-steps/s", None)
        first = [f"{k} {shown.pop(k)}" for k in ("size", "loop", "engine", "processes") if k in row]
        rest = ", ".join(
            f"{k}: {v:,.0f}" if isinstance(v, float) and v > 100 else f"{k}: {v}"
            for k, v in shown.items()
        )
        number = f"{rate:,.0f}" if rate is not None else ""
        lines.append(f"| {row['case']} | {' '.join(first)} | {number} | {rest} |")
    return "\n".join(lines)


def main() -> None:
    """Measure every case in a process of its own, until the time is up."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options.add_argument("--json", type=Path, help="where to write what was found, as it is found")
    options.add_argument("--quick", action="store_true", help="a few small cases, to try it out")
    options.add_argument("--limit", type=float, default=340.0, help="seconds in all")
    options.add_argument("--seconds", type=float, help="of each measurement")
    options.add_argument("--case", help="one case, in this process")
    options.add_argument("--part", choices=("first", "second", "half"), default="first")
    options.add_argument("--only", default="", help="cases that begin so")
    given = options.parse_args()
    device = given.device
    if device == "auto":
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
    seconds = given.seconds or (0.1 if given.quick else 0.6)
    if given.case:

        def say(row: Row) -> None:
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()

        run(given.case, device, seconds, say)
        return
    found: list[Row] = []
    begun = time.monotonic()
    for case, longest in plan(device, given.quick, given.part):
        left = given.limit - (time.monotonic() - begun)
        if left < 10 or not case.startswith(given.only):
            continue
        rows = measured_apart(case, device, seconds, min(longest, left))
        found += rows
        sys.stdout.write(table(rows).partition("|\n")[2].partition("|\n")[2] + "\n")
        sys.stdout.flush()
        if given.json:
            given.json.write_text(json.dumps(found, indent=1))
    sys.stdout.write(f"\n{table(found)}\n\n{time.monotonic() - begun:.0f} s in all\n")


def measured_apart(case: str, device: str, seconds: float, limit: float) -> list[Row]:
    """Return what a process of its own finds, and how it ended if not well."""
    environment = dict(os.environ)
    if case.endswith(" graphs"):  # whole loops as CUDA graphs
        case = case.removesuffix(" graphs")
        kinds = "FUSION,CUBLAS,CUBLASLT,CUSTOM_CALL,CUDNN,CONDITIONAL,WHILE,DYNAMIC_SLICE_FUSION"
        flags = f"--xla_gpu_enable_command_buffer={kinds} --xla_gpu_graph_min_graph_size=1"
        environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {flags}"
    begun = time.monotonic()
    process = subprocess.Popen(
        command(case, device, seconds),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        err = f"stopped after {limit:.0f} s"
    rows: list[Row] = []
    for line in out.splitlines():
        if line.startswith("{"):
            rows.append({"case": case, **json.loads(line)})
    if process.returncode:
        rows.append({"case": case, "failed": (err.strip().splitlines() or ["?"])[-1][:300]})
    if rows:
        rows[-1]["case seconds"] = round(time.monotonic() - begun, 1)
    return rows


if __name__ == "__main__":
    main()
