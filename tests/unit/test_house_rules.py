"""Rules that no linter holds: small files, plain names, no output from the library."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "luthier"
FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.fixture(params=FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def module(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_a_module_is_small(module: Path):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400


def test_a_module_says_what_it_is(module: Path):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body


def test_a_module_has_a_telling_name(module: Path):
    assert module.stem not in {"common", "helpers", "misc", "util", "utils"}


def test_a_module_neither_prints_nor_asserts(module: Path):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    prints = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "print"
    ]
    assert not prints or module.is_relative_to(PACKAGE / "apps")


def test_the_oldest_versions_are_the_lower_bounds_of_the_package():
    root = PACKAGE.parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["test"], *extras["fast"]]
    bounds = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", line).groups() for line in wanted)
    pins = (root / "constraints-oldest.txt").read_text(encoding="utf-8")
    oldest = dict(re.findall(r"^([\w-]+)==([\d.]+)$", pins, re.MULTILINE))
    assert oldest.pop("torch")
    assert oldest.pop("jaxlib") == oldest["jax"]
    assert oldest.keys() == bounds.keys()
    assert [n for n in bounds if not (oldest[n] + ".").startswith(bounds[n] + ".")] == []
