"""Prints what a pack's epoch reads and writes on a GPU: python -m benchmarks.packs.traffic.

A pack of convolutional networks lives from memory: bytes tell how long it takes, and they can be
counted where there is no GPU. See the README for how well that held.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from math import prod
from typing import NamedTuple

STILL = ("parameter", "get-tuple-element", "tuple", "bitcast", "constant", "after-all", "iota")
PARTS = ("dynamic-slice", "gather", "slice")  # they read no more than they return


class Instruction(NamedTuple):
    """A line of a program: its name, result type, operation, operands and what else it says."""

    root: bool
    name: str
    type: str
    op: str
    given: tuple[str, ...]
    rest: str

    def named(self, key: str) -> str:
        """Return the computation that an attribute names."""
        found = re.search(rf"\b{key}=%?([\w.\-]+)", self.rest)
        if found is None:
            raise ValueError(f"{self.name} has no {key}")
        return found[1]


class Moved(NamedTuple):
    """What an operation of the program moves: bytes in all, launches, its name and its result."""

    bytes: float
    launches: int
    name: str
    type: str


Program = Mapping[str, Mapping[str, Instruction]]


def size(type: str) -> int:
    """Return the bytes of a type; of a tuple all together.

    >>> size("(f32[256,10]{1,0}, pred[3]{0}, s8[])")
    10244
    """
    total = 0
    for kind, sides in re.findall(r"\b([a-z]+\d*\w*)\[([\d,]*)\]", type):
        bits = re.search(r"\d+", kind)  # the name of a type says them, but for truth values
        each = int(bits[0]) // 8 if bits else 1
        total += each * prod(int(side) for side in sides.split(",") if side)
    return total


def read(text: str) -> tuple[Program, str]:
    """Return a program's computations by name, and the name of the one that runs."""
    found: dict[str, dict[str, Instruction]] = {}
    entry = ""
    body: dict[str, Instruction] = {}
    for line in text.splitlines():
        head = re.match(r"(ENTRY )?%?([\w.\-]+) \(.*\) -> .*\{$", line)
        if head:
            body = found.setdefault(head[2], {})
            entry = head[2] if head[1] else entry
            continue
        one = re.match(r"\s+(ROOT )?%?([\w.\-]+) = (\(.*?\)|\S+) ([\w\-]+)\((.*)$", line)
        if one:
            given, rest = _split(one[5])
            names = tuple(re.findall(r"%([\w.\-]+)", given))
            body[one[2]] = Instruction(bool(one[1]), one[2], one[3], one[4], names, rest)
    return found, entry


def moved(program: Program, name: str, times: int = 1) -> Iterator[Moved]:
    """Yield what each operation of a computation moves, its loops unrolled."""
    body = program[name]
    for one in body.values():
        if one.op in STILL:
            continue
        if one.op == "while":
            trips = re.search(r'known_trip_count":\{"n":"(\d+)"', one.rest)
            yield from moved(program, one.named("body"), times * int(trips[1] if trips else 1))
        elif one.op == "call":
            yield from moved(program, one.named("to_apply"), times)
        else:
            if one.op == "fusion":
                each = _fused(program[one.named("calls")])
            elif one.op == "dynamic-update-slice":
                each = 2 * size(body[one.given[1]].type)
            elif one.op in PARTS:
                each = 2 * size(one.type)
            else:
                each = size(one.type) + sum(size(body[g].type) for g in one.given if g in body)
            yield Moved(times * each, times, one.name, one.type)


def _fused(body: Mapping[str, Instruction]) -> int:
    """Return what a fusion reads and writes; of what it takes parts of, the parts."""
    readers: dict[str, list[Instruction]] = {}
    for one in body.values():
        for name in one.given:
            readers.setdefault(name, []).append(one)
    total = 0
    for one in body.values():
        if one.op == "parameter":
            total += min(size(one.type), sum(_taken(one.name, readers, size(one.type))))
        if one.root:
            results = [body[name] for name in one.given] if one.op == "tuple" else [one]
            total += sum(_written(result, body) for result in results)
    return total


def _taken(name: str, readers: Mapping[str, list[Instruction]], whole: int) -> Iterator[int]:
    for reader in readers.get(name, []):
        if reader.op in ("bitcast", "reshape"):
            yield from _taken(reader.name, readers, whole)
        elif reader.op == "dynamic-update-slice" and reader.given[0] == name:
            yield 0  # written in place
        else:
            yield size(reader.type) if reader.op in PARTS else whole


def _written(result: Instruction, body: Mapping[str, Instruction]) -> int:
    inner = result
    while inner.op == "bitcast" and inner.given[0] in body:
        inner = body[inner.given[0]]
    update = inner.op == "dynamic-update-slice"
    return size(body[inner.given[1]].type if update else result.type)


def _split(text: str) -> tuple[str, str]:
    """Return operands, and what stands behind their bracket."""
    depth = 1
    for at, sign in enumerate(text):
        depth += (sign in "({") - (sign in ")}")
        if depth == 0:
            return text[:at], text[at:]
    return text, ""


def main() -> None:
    """Compile an epoch of a pack for an H100 and print what it moves."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--network", choices=("mlp", "cnn8", "cnn28"), default="cnn28")
    options.add_argument("--trials", type=int, default=256)
    options.add_argument("--convolutions", choices=("tiled", "sliced"), default="tiled")
    options.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    options.add_argument("--rows", type=int, default=12, help="the largest so many operations")
    given = options.parse_args()
    from benchmarks.packs.absent import programs  # it needs JAX; counting does not

    texts = programs(given.network, given.trials, given.convolutions, precision=given.precision)
    for part, text in texts.items():
        rows = sorted(moved(*read(text)), reverse=True)
        total, launches = sum(r.bytes for r in rows) / 1e9, sum(r.launches for r in rows)
        lines = [f"{part}: {total:.1f} GB an epoch, {launches} operations"]
        for row in rows[: given.rows]:
            kind = re.sub(r"\{[^}]*\}", "", row.type)
            lines.append(f"  {row.bytes / 1e9:7.2f} GB {row.launches:5} x {row.name:40} {kind}")
        sys.stdout.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    main()
