"""What a check says of the short trainings that it had no time for."""

from __future__ import annotations

from collections.abc import Sequence


def out_of_time(
    left_out: Sequence[str], tried: int, seconds: float, most: int | None = None
) -> str:
    """Return which short trainings were left out, of how many, and what to pass for them.

    Args:
        left_out: Their names.
        tried: How many others there were.
        seconds: That there were.
        most: Steps that there were; None where nothing limited them.

    >>> out_of_time(["slower_10", "one_batch", "slower_10"], 3, 10.0)
    '2 of 5 short trainings were left out for time: slower_10, one_batch; seconds=20 may do'
    """
    names = tuple(dict.fromkeys(left_out))
    count = len(names) + tried
    if most is not None:
        what = f"{len(names)} of {count} short trainings were left out: {', '.join(names)}"
        return f"{what}; all of them may take {most} steps and {seconds:g} s"
    # As much again for as many trainings again, in steps that are easy to type.
    enough = seconds * max(count / max(tried, 1), 2.0)
    return (
        f"{len(names)} of {count} short trainings were left out for time: {', '.join(names)}; "
        f"seconds={enough:.0f} may do"
    )
