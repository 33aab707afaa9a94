"""What each side found and when, and how much of Optuna's time luthier took to stay as good."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf
from operator import attrgetter
from pathlib import Path
from statistics import median_low

MEASURES, SIDES = ("accuracy", "loss", "val"), ("optuna", "luthier")


@dataclass(frozen=True)
class Found:
    """A network that was the best so far.

    Args:
        seconds: Since the start.
        val: Its loss on the rows for choosing.
        accuracy, loss: Its accuracy and its log-loss on the hidden rows.
    """

    seconds: float
    val: float
    accuracy: float
    loss: float

    def good(self, measure: str) -> float:
        """Return how good it is: the higher, the better."""
        value: float = getattr(self, measure)
        return value if measure == "accuracy" else -value


@dataclass(frozen=True)
class Course:
    """One side's search with one seed.

    Args:
        side: ``optuna`` or ``luthier``.
        seed: Of the split and the search.
        seconds: That it had.
        found: Each new best network.
        space: That it looked in, by its name in `spaces.SPACES`.
    """

    side: str
    seed: int
    seconds: float
    found: Sequence[Found]
    space: str = "network"

    @property
    def line(self) -> str:
        """The course as a line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def read(cls, line: str) -> Course:
        """Return the course of a line of JSON."""
        row = json.loads(line)
        return cls(**row | {"found": [Found(**one) for one in row["found"]]})


def incumbents(log: Path) -> Sequence[Found]:
    """Return the best network so far, each time that it changed.

    Args:
        log: JSON lines as `problem.note` writes them, of all processes of a side.
    """
    rows = [Found(**json.loads(line)) for line in log.read_text().splitlines()]
    best, found = inf, []
    for row in sorted(rows, key=attrgetter("seconds")):
        if row.val < best:
            best = row.val
            found.append(row)
    return found


def when(ours: Course, theirs: Course, measure: str) -> float | None:
    """Return the seconds from when on one side's network stays as good as the other's last one.

    Returns:
        None where it was not there at the end.
    """
    level = theirs.found[-1].good(measure)
    below = [i for i, found in enumerate(ours.found) if found.good(measure) < level]
    stayed = ours.found[below[-1] + 1 if below else 0 :]
    return stayed[0].seconds if stayed else None


def told(pairs: Sequence[tuple[Course, Course]]) -> str:
    """Return what luthier and Optuna came to over all seeds, a line for each measure.

    A seed whose level was not reached counts as later than the whole time, so that a median of
    many such seeds is a bound and no number.

    Args:
        pairs: luthier's course and Optuna's, of each seed.
    """
    lines = []
    for measure in MEASURES:
        times = [(when(ours, theirs, measure), theirs.seconds) for ours, theirs in pairs]
        shares = sorted(inf if then is None else then / seconds for then, seconds in times)
        censored, middle = shares.count(inf), median_low(shares)
        said = "more than 1 (censored)" if middle == inf else f"{middle:.3f}"
        lines.append(
            f"{measure}: median share of Optuna's time {said}; "
            f"{censored} of {len(shares)} seeds censored"
        )
    return "\n".join(lines) + "\n"


def one_seed(ours: Course, theirs: Course) -> str:
    """Return what both came to with one seed, as a line."""
    said = []
    for measure in MEASURES:
        last = [getattr(course.found[-1], measure) for course in (theirs, ours)]
        then = when(ours, theirs, measure)
        reached = "never to stay" if then is None else f"to stay from {then:.0f} s on"
        said.append(f"{measure} {last[0]:.4f} (Optuna) and {last[1]:.4f} (luthier), {reached}")
    return f"seed {ours.seed}: {'; '.join(said)}\n"
