"""``python -m benchmarks.repair``: published cases, injected faults and healthy recipes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

from benchmarks.repair.case import run_case


def main() -> None:
    """Run what is asked for, and print the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=Path, help="cases.json, with auto-mpg.csv beside it")
    parser.add_argument("--injected", type=int, default=60, help="faults put into sound recipes")
    parser.add_argument("--healthy", type=int, default=20, help="sound recipes")
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of what is injected")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each check")
    parser.add_argument(
        "--both", action="store_true", help="random search with the epochs of proving, too"
    )
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--limit", type=float, default=1e9, help="seconds after which none begins")
    parser.add_argument("--out", type=Path, help="results so far, one line a case; goes on with it")
    a = parser.parse_args()
    rows = (
        [json.loads(line) for line in a.out.read_text().splitlines()]
        if (a.out and a.out.exists())
        else []
    )
    known = {row["name"] for row in rows}
    wanted = [w for w in _wanted(a) if a.only in w[1] and w[1] not in known]
    deadline = time.time() + a.limit
    # A fresh process every few cases: compiled programs and weights stay in memory.
    with get_context("spawn").Pool(a.jobs, maxtasksperchild=5) as pool:
        jobs = [(*w, a.engine, a.seconds, a.both, deadline) for w in wanted]
        for row in pool.imap_unordered(run_case, jobs):
            if row is None:
                continue
            rows.append(row)
            _say(_line(row))
            if a.out:
                with a.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    _say(summary(rows))


def _wanted(a: argparse.Namespace) -> Iterator[tuple[str, str, Any]]:
    rows = json.loads(a.cases.read_text()) if a.cases else []
    slow = [row for row in rows if "Conv" in str(row["layers"])]
    for row in rows:
        if row not in slow:
            yield "published", row["id"], (row, str(a.cases.parent))
    for number in range(a.injected):
        yield "injected", f"injected {a.seed}/{number}", (number, a.seed)
    for number in range(a.healthy):
        yield "healthy", f"healthy {a.seed}/{number}", (number, a.seed)
    for row in slow:
        yield "published", row["id"], (row, str(a.cases.parent))


def _line(row: dict[str, Any]) -> str:
    if "unbuilt" in row:
        return f"--     {row['name']}: not built ({row['unbuilt']})"
    scores = "  ".join(
        f"{arm} {np.mean(row[arm]):.3g}"
        for arm in ("before", "fixed", "after", "random", "random_all")
        if arm in row
    )
    title = f"{row['title']}: {scores}  {row['seconds']:.0f} s"
    if "fixed" not in row:
        return f"{row['outcome']:12} {title}  {row['findings']} {row['changes']}"
    if not row["harmful"]:
        return f"harmless {title}"
    from benchmarks.repair.arms import mended

    marks = ["MENDED" if mended(row, arm) else "-" for arm in ("after", "random")]
    spent = (row["check"] + row["find"]) / row["full"], row["prove"] / row["full"]
    return (
        f"{marks[0]:6} (random {marks[1]}) {title}  {row['outcome']} {row['findings']} "
        f"{row['changes']} find {spent[0]:.1f} prove {spent[1]:.1f}"
    )


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """Return the shares in words."""
    from benchmarks.repair.arms import mended, severe

    lines = []
    both = ("published", "injected")
    for kinds, only_severe in ((both[:1], False), (both[1:], False), (both, False), (both, True)):
        harmed = [r for r in rows if r.get("harmful") and r["kind"] in kinds]
        harmed = [r for r in harmed if severe(r) or not only_severe]
        if not harmed:
            continue
        how = "severe" if only_severe else "harmful"
        ours = [mended(r, "after") for r in harmed]
        theirs = [mended(r, "random") for r in harmed]
        unproven = [mended(r, "found") for r in harmed]
        longer = [mended(r, "random_all") for r in harmed if "random_all" in r]
        more = f", of both {np.mean(longer):.0%}" if longer else ""
        only = sum(a and not b for a, b in zip(ours, theirs, strict=True))
        other = sum(b and not a for a, b in zip(ours, theirs, strict=True))
        p = binomtest(only, only + other).pvalue if only + other else 1.0
        least = [(a, b) for a, b in zip(unproven, theirs, strict=True) if a != b]
        q = binomtest(sum(a for a, _ in least), len(least)).pvalue if least else 1.0
        worse = sum(np.mean(r["after"]) > np.mean(r["before"]) * 1.001 + 1e-9 for r in harmed)
        find = np.median([(r["check"] + r["find"]) / r["full"] for r in harmed])
        proofs = [r["prove"] / r["full"] for r in harmed if r["prove"]]
        lines.append(
            f"{'+'.join(kinds)}: {len(harmed)} {how}, mended {np.mean(ours):.0%}, random search "
            f"with the epochs of finding {np.mean(theirs):.0%}{more} "
            f"(only ours {only}, only random {other}, McNemar p = {p:.2g}); "
            f"before proof {np.mean(unproven):.0%} (only ours {sum(a for a, _ in least)}, only "
            f"random {sum(b for _, b in least)}, p = {q:.2g}); "
            f"worse than before {worse}; median trainings to find {find:.1f}, to prove "
            f"{np.median(proofs) if proofs else 0:.1f}"
        )
    sound = [r for r in rows if "outcome" in r and "fixed" not in r]
    if sound:
        left = sum(r["outcome"] == "healthy" for r in sound)
        changed = sum(bool(r["changes"]) for r in sound)
        lines.append(f"healthy: {len(sound)}, left alone {left}, changed {changed}")
    harmless = sum(r.get("harmful") is False for r in rows)
    unbuilt = sum("unbuilt" in r for r in rows)
    lines.append(f"harmless faults {harmless}, not built {unbuilt}")
    return "\n".join(lines)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
