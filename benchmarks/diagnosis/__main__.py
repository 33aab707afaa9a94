"""``python -m benchmarks.diagnosis build|score|advise|trim|cases``."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: one thread a training

import argparse
import sys
import time
from pathlib import Path

from benchmarks.diagnosis import advice, corpus, published_cases, score, trim


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def build(share: tuple[int, int], scale: float, names: list[str]) -> None:
    """Train what the corpus lacks."""
    began = time.perf_counter()
    mine = [pair for i, pair in enumerate(corpus.pairs(scale, names)) if i % share[1] == share[0]]
    for pair in mine:
        before = len(pair.store.rows)
        counts = corpus.summary(pair)
        say(
            f"{time.perf_counter() - began:6.0f} s  {pair.data:16} {pair.family:12}"
            f" {counts['healthy']:3} healthy of {counts['trainings']:3}; reference "
            f"{counts['reference']:.4g}, guessing {counts['guess']:.4g}, seeds "
            f"{counts['spread']:.1%} of the gap; {len(pair.store.rows) - before} new"
        )
        before, count = len(pair.store.rows), len(list(pair.faulty_part()))
        say(
            f"{time.perf_counter() - began:6.0f} s  {pair.data:16} {pair.family:12}"
            f" {count:3} with a fault; {len(pair.store.rows) - before} new"
        )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    parser.add_argument("command", choices=["build", "score", "advise", "trim", "cases"])
    parser.add_argument("--share", default="0/1", help="which part to build: 0/2 and 1/2 beside")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the whole corpus")
    parser.add_argument("--cases", type=Path, help="for cases: a file, with auto-mpg.csv beside it")
    parser.add_argument("--data", nargs="*", default=[], help="these data sets alone")
    asked = parser.parse_args()
    if asked.command == "cases":
        for line in published_cases.report(asked.cases):
            say(line)
        return
    if asked.command == "score":
        for line in score.report(score.stored(asked.data)):
            say(line)
        return
    if asked.command == "advise":
        for line in advice.report(corpus.pairs(asked.scale, asked.data)):
            say(line)
        return
    if asked.command == "trim":
        say(f"{trim.write(score.stored(asked.data))} trainings in {trim.FILE.name}")
        return
    index, count = map(int, asked.share.split("/"))
    build((index, count), asked.scale, asked.data)


if __name__ == "__main__":
    main()
