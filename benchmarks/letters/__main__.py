"""Prints the table: python -m benchmarks.letters LetterRecognition.rda."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from statistics import median_low

from benchmarks.letters.problem import PROCESSES, Found, incumbents

MEASURES, SIDES = ("accuracy", "loss"), ("theirs", "ours")
CORES = sorted(os.sched_getaffinity(0))[:PROCESSES]


@dataclass(frozen=True)
class Result:
    """What one seed came to.

    Args:
        seed: Of the split and both searches.
        seconds: That each had.
        theirs, ours: Each new best network of Optuna and of luthier.
    """

    seed: int
    seconds: float
    theirs: Sequence[Found]
    ours: Sequence[Found]

    def when(self, measure: str) -> float | None:
        """Return the seconds from when on luthier's network stays as good as Optuna's last one.

        Args:
            measure: ``accuracy`` or ``loss``, of the hidden rows.

        Returns:
            None where it was not there at the end.
        """
        sign = -1 if measure == "loss" else 1
        course = [(found.seconds, sign * getattr(found, measure)) for found in self.ours]
        return reached(course, sign * getattr(self.theirs[-1], measure))

    @classmethod
    def read(cls, line: str) -> Result:
        """Return what `asdict` made a line of JSON of."""
        row = json.loads(line)
        return cls(**row | {side: [Found(**one) for one in row[side]] for side in SIDES})


def run(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a module of this benchmark in a fresh process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", *arguments], env=environment)


def wait(processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait for all.

    Raises:
        SystemExit: when one of them failed.
    """
    codes = [process.wait() for process in processes]
    if any(codes):
        sys.exit("a process failed: its message stands above")


def one(data: str, seed: int, seconds: float) -> Result:
    """Run Optuna, then luthier, on the same cores; say what each came to."""
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = Path(folder, "optuna.jsonl"), Path(folder, "luthier.jsonl")
        way, journal, began = "benchmarks.letters.optuna_way", f"{folder}/journal", time.time()
        shared = [data, journal, str(theirs), str(seed), str(began), str(seconds)]
        wait([run(way, *shared, str(core)) for core in CORES])
        way = "benchmarks.letters.luthier_way"
        wait([run(way, data, folder, str(ours), str(seed), str(time.time()), str(int(seconds)))])
        return Result(seed, seconds, incumbents(theirs), incumbents(ours))


def reached(course: Sequence[tuple[float, float]], level: float) -> float | None:
    """Return the seconds from when on a course stays at a level or above; None where it does not.

    Args:
        course: (seconds, how good) of each new best network.
        level: What it is to reach.
    """
    below = [index for index, (_, right) in enumerate(course) if right < level]
    after = below[-1] + 1 if below else 0
    return course[after][0] if after < len(course) else None


def told(results: Sequence[Result], measure: str) -> str:
    """Return the last lines: the median share of the time, and how much of it is censored.

    A seed whose level was not reached counts as later than the whole time, so that a median of
    many such seeds is a bound and no number.
    """
    times = [(r.when(measure), r.seconds) for r in results]
    shares = sorted(inf if when is None else when / seconds for when, seconds in times)
    censored, middle = shares.count(inf), median_low(shares)
    said = "more than 1 (censored)" if middle == inf else f"{middle:.3f}"
    return (
        f"{measure}: median share of Optuna's time {said}; "
        f"{censored} of {len(shares)} seeds censored\n"
    )


def line(result: Result) -> str:
    """Return what one seed came to."""
    told = []
    for measure in MEASURES:
        theirs, ours = (getattr(side[-1], measure) for side in (result.theirs, result.ours))
        when = result.when(measure)
        said = "never to stay" if when is None else f"to stay from {when:.0f} s on"
        told.append(f"{measure} {theirs:.4f} (Optuna) and {ours:.4f} (luthier), {said}")
    return f"seed {result.seed}: {'; '.join(told)}\n"


def main() -> None:
    """Run both for each seed, one after the other; go on with what a file of results has."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.letters", description=__doc__)
    parser.add_argument("data", help="LetterRecognition.rda, or a CSV (see problem.py)")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON lines, one a seed: it goes on with them")
    chosen = parser.parse_args()
    out: Path | None = chosen.out
    kept = out.read_text(encoding="utf-8").splitlines() if out and out.exists() else []
    known = [Result.read(row) for row in kept]
    done = {r.seed: r for r in known if r.seconds == chosen.seconds}
    for seed in range(chosen.seeds):
        if seed not in done:
            done[seed] = one(chosen.data, seed, chosen.seconds)
            if out is not None:
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(done[seed])) + "\n")
        sys.stdout.write(line(done[seed]))
        sys.stdout.flush()
    for measure in MEASURES:
        sys.stdout.write(told([done[seed] for seed in range(chosen.seeds)], measure))


if __name__ == "__main__":
    main()
