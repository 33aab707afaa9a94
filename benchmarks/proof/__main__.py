"""Prints one part: python -m benchmarks.proof simulated, or nulls, digits, diabetes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial


def main() -> None:
    """Run the part that was named, and print its lines as they come.

    Raises:
        SystemExit: for a part that there is not.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof")
    parser.add_argument("part", choices=("simulated", "nulls", "digits", "diabetes"))
    parser.add_argument("--splits", type=int, help="of digits, diabetes and nulls")
    parser.add_argument("--first", type=int, default=0, help="seed of the first split")
    parser.add_argument("--engine", default="native", help="that trains; native needs a C compiler")
    given = parser.parse_args()
    run: Callable[..., Iterator[str]]
    if given.part == "simulated":
        from benchmarks.proof.simulated import run
    elif given.part == "nulls":
        from benchmarks.proof.nulls import run
    elif given.part == "digits":
        from benchmarks.proof.digits import run
    else:
        from benchmarks.proof.diabetes import run
    if given.part != "simulated":
        run = partial(run, engine=given.engine)
        if given.splits:
            run = partial(run, range(given.first, given.first + given.splits))
    for line in run():
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


main()
