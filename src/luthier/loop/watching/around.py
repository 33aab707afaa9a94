"""The user's loop around a training: the learning rate that it keeps, and what it scores.

A loop may change a number that no optimizer reads, change it before the first epoch, or look at
the test set after each one. All that stands in its source, and the number in its frame. Both are
read, never changed; where there is no source nothing is said.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType

_RATE = re.compile(r"^(current_|new_|base_)?(learning_rate|lr)$", re.IGNORECASE)
_TEST = re.compile(r"(^|_)test(ing)?(_|$|set|data|loader)", re.IGNORECASE)
_SCORES = ("evaluate", "score", "predict", "test")
DEEP = 12  # frames that are looked through


@dataclass(frozen=True)
class Around:
    """What the innermost loop around a call says.

    Args:
        rate_name, rate: The learning rate that the loop changes, as its frame has it now.
        first_rate: What it was before the loop changed it for the first time; None where the
            source does not tell.
        changed_before: The loop changes it before it trains.
        factor: By which the loop multiplies it each time; None where it does something else.
        tested: The call that scores a test set within the loop, as text.
        place: The loop's file and line.
    """

    rate_name: str = ""
    rate: float | None = None
    first_rate: float | None = None
    changed_before: bool = False
    factor: float | None = None
    tested: str = ""
    place: str = ""


def around(frames: Iterable[FrameType]) -> Around | None:
    """Return what the innermost loop around a call says; None where no frame has one.

    Args:
        frames: Of the user's code, the innermost first.
    """
    for frame, _ in zip(frames, range(DEEP), strict=False):
        source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
        if not source and (kept := _kept(frame)) is not None:
            return kept
        loop = _loop(source, frame.f_lineno)
        if loop is not None:
            return _facts(loop, frame)
        if frame.f_code.co_name == "<module>":  # what runs a script is none of its loops
            return None
    return None


def _kept(frame: FrameType) -> Around | None:
    """Return the rate in a frame whose source is not known, as of what is piped to Python."""
    names = [one for one in frame.f_locals if _RATE.match(one)]
    found = [(one, frame.f_locals[one]) for one in names if _is_number(frame.f_locals[one])]
    return Around(rate_name=found[0][0], rate=float(found[0][1])) if len(found) == 1 else None


def _facts(loop: ast.For | ast.While, frame: FrameType) -> Around:
    line = frame.f_lineno
    place = f"{frame.f_code.co_filename.rpartition('/')[2]}, line {loop.lineno}"
    changes = [one for one in _changes(loop) if _is_number(_value(frame, one[0]))]
    tested = _tested(loop)
    if not changes:
        return Around(tested=tested, place=place)
    name, node, factor = changes[0]
    rate = float(_value(frame, name))  # type: ignore[arg-type]
    before = (node.end_lineno or node.lineno) < line
    return Around(
        rate_name=name,
        rate=rate,
        first_rate=rate / factor if before and factor else None,
        changed_before=before,
        factor=factor,
        tested=tested,
        place=place,
    )


_parsed: dict[str, ast.Module | None] = {}


def _loop(source: str, line: int) -> ast.For | ast.While | None:
    """Return the innermost loop around a line."""
    if source not in _parsed:
        if len(_parsed) > 8:
            _parsed.clear()
        try:
            _parsed[source] = ast.parse(source) if source else None
        except (SyntaxError, ValueError):
            _parsed[source] = None
    tree = _parsed[source]
    loops = [
        node
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, (ast.For, ast.While))
        and node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0)
    ]
    return max(loops, key=lambda node: node.lineno, default=None)


def _changes(loop: ast.For | ast.While) -> Iterator[tuple[str, ast.stmt, float | None]]:
    """Yield the statements of a loop that change a learning rate, with the factor if it is one."""
    for node in loop.body:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            if _RATE.match(node.target.id):
                yield node.target.id, node, _factor(node.op, node.value)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            if not isinstance(target, ast.Name) or not _RATE.match(target.id):
                continue
            if isinstance(value, ast.BinOp) and target.id in _names(value.left):
                yield target.id, node, _factor(value.op, value.right)
            elif isinstance(value, ast.BinOp) and target.id in _names(value.right):
                yield target.id, node, _factor(value.op, value.left)


def _factor(operator: ast.operator, value: ast.expr) -> float | None:
    if not isinstance(value, ast.Constant) or not _is_number(value.value) or not value.value:
        return None
    number = float(value.value)  # type: ignore[arg-type]
    if isinstance(operator, ast.Mult):
        return number
    return 1.0 / number if isinstance(operator, ast.Div) else None


def _tested(loop: ast.For | ast.While) -> str:
    """Return the text of a call within a loop that scores what is named a test set."""
    for node in (inner for one in loop.body for inner in ast.walk(one)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        given = [*node.args, *(one.value for one in node.keywords)]
        named = any(_TEST.search(name) for one in given for name in _names(one))
        if node.func.attr in _SCORES and named:
            return ast.unparse(node)
    return ""


def _names(node: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _value(frame: FrameType, name: str) -> object:
    return frame.f_locals.get(name, frame.f_globals.get(name))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
