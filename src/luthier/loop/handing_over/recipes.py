"""Recipes and spaces as YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml

from luthier.catalog.recipe_keys import key, write_recipe
from luthier.catalog.recipe_keys.values import parse
from luthier.core import (
    Build,
    Categorical,
    Conditional,
    Domain,
    Float,
    LuthierError,
    Recipe,
    RecipeError,
    SpaceError,
    did_you_mean,
    domain_from_json,
)
from luthier.core.recipe import MODEL_PREFIX

_FORM = "It needs one `key: value` a line, as docs/recipe.md shows."


def load_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe's keys as they stand in the file, its `run:` block among them.

    Raises:
        RecipeError: when the file is missing or holds no keys.
    """
    return _load(path, "recipe", RecipeError)


def save_recipe(path: Path, recipe: Recipe, run: Mapping[str, Any] | None = None) -> None:
    """Write a recipe, with what else it takes to get the same score again."""
    path.write_text(recipe_text(recipe, run), encoding="utf-8")


def recipe_text(recipe: Recipe, run: Mapping[str, Any] | None = None) -> str:
    """Return what `save_recipe` writes."""
    text: str = yaml.safe_dump(write_recipe(recipe, run), sort_keys=False, allow_unicode=True)
    return text


def load_space(path: Path) -> dict[str, Domain]:
    """Read the ranges of a space: one recipe key or ``model.<argument>`` a line.

    Raises:
        SpaceError: when the file is missing, is no YAML, or holds an impossible range.
    """
    data = _load(path, "space", SpaceError)
    return {str(name): domain_from_json(str(name), form) for name, form in data.items()}


def read_values(text: str) -> list[Any]:
    """Read values with commas between: numbers, words, true, false and null.

    Raises:
        LuthierError: for what is none of them.

    >>> read_values("0, 0.2,relu")
    [0, 0.2, 'relu']
    """
    try:
        return [yaml.safe_load(one) for one in text.split(",")]
    except yaml.YAMLError:
        raise LuthierError(
            f"cannot read the values '{text}'. They are numbers or words with commas between. "
            "Write --values 0,0.2,0.5."
        ) from None


def check_space(space: Mapping[str, Domain], baseline: Recipe, build: Build) -> None:
    """Refuse ranges of what no recipe has, and of what no space may hold.

    Raises:
        SpaceError: for an unknown key or argument, one that every trial of a study must share,
            or a range with values that the key does not take.
    """
    known = [name for name in baseline.to_json() if name not in ("version", "model", "network")]
    for name, domain in space.items():
        if not isinstance(domain, get_args(Domain)):
            raise SpaceError(
                f"{name}: {domain!r} is no range. Write luthier.Categorical(...) for a choice, "
                "luthier.Float(low, high, log=True) or luthier.Int(low, high) for a range."
            )
        if name in ("epochs", "network", "milestones", "changes"):
            raise SpaceError(
                f"'{name}' cannot vary within a study. Compare studies instead, "
                "or set it in the start recipe: --recipe start.yaml."
            )
        if not baseline.has(name):
            raise SpaceError(
                f"no recipe key '{name}'.{did_you_mean(name, known)} A space takes keys of "
                "docs/recipe.md, and a builder's own arguments as model.<argument>."
            )
        argument = name.removeprefix(MODEL_PREFIX)
        if argument == name:
            _check_values(name, domain)
        elif argument not in build.defaults:
            raise SpaceError(
                f"{build.reference} has no argument '{argument}'."
                f"{did_you_mean(argument, build.defaults)} "
                f"It has: {', '.join(build.defaults) or 'none'}."
            )


def _check_values(name: str, domain: Domain) -> None:
    """Try the ends of a range, or each of its choices, as values of the key."""
    if isinstance(domain, Conditional):
        for case in domain.cases.values():
            _check_values(name, case)
        return
    if isinstance(domain, Float) and key(name).kind in ("integer", "batch_size"):
        raise SpaceError(
            f"{name}: {domain} holds numbers that are not whole. It takes {key(name).takes}. "
            f"Write {{int: [{domain.low:g}, {domain.high:g}]}}, or Int in Python."
        )
    ends = domain.choices if isinstance(domain, Categorical) else (domain.low, domain.high)
    for value in ends:
        try:
            parse(key(name), value)
        except RecipeError as error:
            raise SpaceError(f"in the space, {error}") from None


def _load(path: Path, what: str, error: type[LuthierError]) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(f"no file '{path}'. --{what} takes a YAML file.") from None
    except yaml.MarkedYAMLError as cause:
        mark, problem = cause.problem_mark, cause.problem
        place = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
        raise error(f"cannot read '{path}' as YAML{place}: {problem}. {_FORM}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as cause:
        reason = " ".join(str(cause).split())
        raise error(f"cannot read '{path}' as YAML: {reason}. {_FORM}") from None
    if data is None:
        raise error(f"'{path}' is empty. {_FORM}")
    if not isinstance(data, dict):
        raise error(f"'{path}' holds a {type(data).__name__}. {_FORM}")
    return data
