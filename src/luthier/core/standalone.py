"""The source of a function with all that it needs of its module: it runs in a file of its own.

A builder is handed over as a script, and takes its imports, constants, helpers and classes with it.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import re
import symtable
import sys
import textwrap
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


def standalone(function: Callable[..., Any]) -> str:
    r"""Return the source of a function, a class or a method's class, and what its module lends it.

    Statements of the module come as they stand there, in their order. Where a module has no file,
    as in a notebook, and for the variables around an inner function, values are written down:
    imports, functions, classes, and what Python can print and read again.

    Args:
        function: Anything that can be called; of an instance its class is meant.

    >>> source = standalone(_is_main).splitlines()
    >>> "import ast" in source, "import types" in source
    (True, False)
    """
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.ismethod(function):
        function = type(function.__self__)
    if not (inspect.isclass(function) or inspect.isroutine(function)):
        function = type(function)
    try:
        return _Sources().of(function)
    except (OSError, TypeError, SyntaxError):
        # Typed in at a prompt. Where it lies in memory says nothing, and differs each time.
        return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(function))


@dataclass
class _Sources:
    """Collects what one function needs: slices of modules, and values."""

    parts: dict[str, None] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)

    def of(self, function: Any) -> str:
        self._add(function)
        return "\n\n".join(self.parts).strip() + "\n"

    def _add(self, function: Any) -> None:
        self.known.add(id(function))
        module: Any = sys.modules.get(function.__module__)
        top = _Module.read(module)
        own: str = function.__name__
        if top is not None and own in top.bound and getattr(module, own, None) is function:
            self.parts |= dict.fromkeys(top.slice([own]))
            return
        source = textwrap.dedent(inspect.getsource(function))
        around = _around(function)
        # The source of a lambda is all of the statement that it stands in.
        for name in () if own == "<lambda>" else _used(source):
            if name in around:
                self._value(name, around[name], function)
            elif top is not None and name in top.bound:
                self.parts |= dict.fromkeys(top.slice([name]))
            elif name in vars(module or builtins) and not hasattr(builtins, name):
                self._value(name, vars(module)[name], function)
        self.parts[source.strip()] = None

    def _value(self, name: str, value: Any, function: Any) -> None:
        """Write a value down under its name; what no text can make is left out."""
        made = getattr(value, "__name__", None)
        if isinstance(value, types.ModuleType):
            self.parts[_import(value.__name__, name)] = None
        elif made is None:
            text = repr(value)
            try:
                same = ast.literal_eval(text) == value
            except (ValueError, SyntaxError, TypeError):
                same = False
            if same:
                self.parts[f"{name} = {text}"] = None
        elif value.__module__ != function.__module__:
            as_name = "" if made == name else f" as {name}"
            self.parts[f"from {value.__module__} import {made}{as_name}"] = None
        elif id(value) not in self.known:
            self._add(value)
            if made != name:
                self.parts[f"{name} = {made}"] = None


@dataclass
class _Module:
    """A module's top level, as statements with the names that they bind and use."""

    texts: list[str]
    binds: list[set[str]]

    @classmethod
    def read(cls, module: Any) -> _Module | None:
        """Return it; None where the module has no file."""
        try:
            source = inspect.getsource(module)
            body = [one for one in ast.parse(source).body if not _is_main(one)]
        except (OSError, TypeError, SyntaxError):
            return None
        texts = _texts(source, body)
        return cls(texts, [_bound(text) for text in texts])

    @property
    def bound(self) -> set[str]:
        """All names of the top level."""
        return set().union(*self.binds)

    def slice(self, names: Iterable[str]) -> list[str]:
        """Return the statements that bind these names, and those that they need, in order."""
        queue, done, chosen = list(names), set[str](), set[int]()
        chosen |= {i for i, text in enumerate(self.texts) if text.startswith("from __future__")}
        while queue:
            name = queue.pop()
            if name in done:
                continue
            done.add(name)
            for index, bound in enumerate(self.binds):
                if index not in chosen and (name in bound or "*" in bound):
                    chosen.add(index)
                    queue += _used(self.texts[index])
        return [self.texts[index] for index in sorted(chosen)]


def _texts(source: str, body: list[ast.stmt]) -> list[str]:
    """Return each statement's lines; one that shares a line is written anew."""
    lines, found = source.splitlines(), []
    ends = [0, *(one.end_lineno or one.lineno for one in body)]
    for index, one in enumerate(body):
        first = min([one.lineno, *(d.lineno for d in getattr(one, "decorator_list", ()))])
        shares = first == ends[index] or (
            index + 1 < len(body) and body[index + 1].lineno == ends[index + 1]
        )
        text = "\n".join(lines[first - 1 : ends[index + 1]])
        found.append(ast.unparse(one) if shares else text)
    return found


def _bound(text: str) -> set[str]:
    """Return the names that a statement binds; ``*`` for all of a module's."""
    if re.match(r"from\s+\S+\s+import\s+\*", text):
        return {"*"}
    table = symtable.symtable(text, "<builder>", "exec")
    return {one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported()}


def _used(text: str) -> list[str]:
    r"""Return the names of its module that a text reads, those in annotations among them.

    >>> _used("def f(a: Int) -> 'Net':\n    b = a\n    return [g(b, K) for K in C]")
    ['C', 'Int', 'Net', 'g']
    """
    found = set[str]()
    todo = [symtable.symtable(text, "<builder>", "exec")]
    while todo:
        table = todo.pop()
        top = table.get_type() == "module"
        found |= {
            one.get_name()
            for one in table.get_symbols()
            if one.is_referenced() and (top or one.is_global())
        }
        todo += table.get_children()
    for node in ast.walk(ast.parse(text)):
        for hint in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(hint, ast.AST):
                found |= _named(hint)
    return sorted(found)


def _named(hint: ast.AST) -> set[str]:
    names = set[str]()
    for node in ast.walk(hint):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                names |= _named(ast.parse(node.value, mode="eval"))
            except SyntaxError:
                continue
    return names


def _around(function: Any) -> dict[str, Any]:
    """Return the variables around an inner function, and around the methods of an inner class."""
    inner = list(vars(function).values()) if inspect.isclass(function) else [function]
    found: dict[str, Any] = {}
    for one in inner:
        code, cells = getattr(one, "__code__", None), getattr(one, "__closure__", None)
        for name, cell in zip(getattr(code, "co_freevars", ()), cells or (), strict=False):
            try:
                found[name] = cell.cell_contents
            except ValueError:  # not bound yet
                continue
    return found


def _import(module: str, name: str) -> str:
    return f"import {module}" if module == name else f"import {module} as {name}"


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
