"""Python source as text: what goes from a user's file into a script that trains one recipe."""

from __future__ import annotations

import ast
import sys
import textwrap

from luthier.core import Build, Recipe, Task
from luthier.frameworks.edited import hp_of
from luthier.frameworks.hyper_models import call_of

_HP = '''class Values:
    """Stands in for KerasTuner's hp: whatever is asked for has the value that was found."""

    def __init__(self, values):
        self.values, self.scopes = values, []

    def get(self, name, *args, **kwargs):
        return self.values.get("/".join([*self.scopes, name]), self.values.get(name))

    Int = Float = Choice = Boolean = Fixed = __getitem__ = get

    @contextlib.contextmanager
    def conditional_scope(self, *args, **kwargs):
        yield

    @contextlib.contextmanager
    def name_scope(self, name):
        self.scopes.append(name)
        yield
        self.scopes.pop()
'''


def own_source(build: Build, recipe: Recipe, task: Task) -> str:
    """Return a user's function, and the call that makes this network as ``make_network()``."""
    source = without_luthier(without_main(textwrap.dedent(build.source))).strip()
    hp = hp_of(build)
    if hp is not None:
        answers = f"Values({hp.answers({**build.defaults, **recipe.model})!r})"
        plain = build.function is hp
        made, call = call_of(hp.function, answers) if plain else ([], f"{_name(build)}({answers})")
        lines = "\n".join(f"    {line}" for line in (*made, f"return {call}"))
        return f"import contextlib\n\n{_HP}\n\n{source}\n\n\ndef make_network():\n{lines}\n"
    arguments = {name: getattr(task, name) for name in build.reserved}
    arguments |= {**build.defaults, **recipe.model}
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    name = _name(build)
    return f"{source}\n\n\ndef make_network():\n    return {name}({given})\n"


def _name(build: Build) -> str:
    return str(build.function.__name__)


def hoisted(source: str) -> tuple[list[str], str]:
    r"""Take the imports and the docstring off the top level of a source; return imports, rest.

    >>> hoisted("import math\nx = math.pi")
    (['import math'], 'x = math.pi')
    """
    imports = []
    for index, node in reversed(list(enumerate(ast.parse(source).body))):
        docstring = (
            index == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )
        if not docstring and not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if not docstring and not _from_future(node):
            imports.append(ast.unparse(node))
        source = _replaced(source, node, [])
    return imports, source.strip()


def without_luthier(source: str) -> str:
    r"""Return a builder's source with its imports of luthier replaced by names that do nothing.

    Ranges in annotations mean nothing to a script that trains one recipe.

    >>> print(without_luthier("from luthier import Float, Int\nx = 1"))
    Float = Int = lambda *args, **kwargs: None
    x = 1
    """
    for node in reversed(ast.parse(source).body):
        lines = []
        if isinstance(node, ast.ImportFrom) and _is_luthier(node.module or ""):
            names = [alias.asname or alias.name for alias in node.names]
            lines = [f"{' = '.join(names)} = lambda *args, **kwargs: None"]
        elif isinstance(node, ast.Import) and any(_is_luthier(n.name) for n in node.names):
            for alias in node.names:
                if not _is_luthier(alias.name):
                    lines.append(ast.unparse(ast.Import([alias])))
                    continue
                lines += [
                    f"class {alias.asname or 'luthier'}:",
                    "    Float = Int = Categorical = staticmethod(lambda *args, **kwargs: None)",
                    "    Conditional = Float",
                ]
        if lines:
            source = _replaced(source, node, lines)
    return source


def without_main(source: str) -> str:
    """Leave out what a file does only when it is run: the script is run, too."""
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            source = _replaced(source, node, [])
    return source


def _replaced(source: str, node: ast.stmt, by: list[str]) -> str:
    """Put other lines in a statement's place; what shares its lines stays, but for comments."""
    lines = source.splitlines()
    last = node.end_lineno or node.lineno
    # Columns count bytes.
    before = lines[node.lineno - 1].encode()[: node.col_offset].decode().rstrip("; ")
    after = lines[last - 1].encode()[node.end_col_offset :].decode().lstrip("; ")
    kept = [after] if after and not after.startswith("#") else []
    lines[node.lineno - 1 : last] = [*([before] if before else []), *by, *kept]
    return "\n".join(lines)


def _is_luthier(module: str) -> bool:
    return module.partition(".")[0] == "luthier"


def in_docstring(text: str) -> str:
    """Return a text that does not end a docstring."""
    return text.replace("\\", "/").replace('"', "'")


def _from_future(node: ast.AST) -> bool:
    """Tell what must come first in a file: the template has it."""
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def import_order(line: str) -> tuple[bool, str]:
    """Return what import lines are sorted by: the standard library first."""
    name = line.split()[1].partition(".")[0]
    return name not in sys.stdlib_module_names, name
