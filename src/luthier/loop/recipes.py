"""Recipes and spaces as YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from luthier.catalog.recipe_keys import write_recipe
from luthier.core import (
    Domain,
    LuthierError,
    Recipe,
    RecipeError,
    SpaceError,
    did_you_mean,
    domain_from_json,
)


def load_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe's keys as they stand in the file, its `run:` block among them.

    Raises:
        RecipeError: when the file is missing or holds no keys.
    """
    return _load(path, "recipe", RecipeError)


def save_recipe(path: Path, recipe: Recipe, run: Mapping[str, Any] | None = None) -> None:
    """Write a recipe, with what else it takes to get the same score again."""
    text = yaml.safe_dump(write_recipe(recipe, run), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")


def load_space(path: Path) -> dict[str, Domain]:
    """Read the ranges of a space: one recipe key or ``model.<argument>`` a line.

    Raises:
        SpaceError: when the file is missing, is no YAML, or holds an impossible range.
    """
    data = _load(path, "space", SpaceError)
    return {str(name): domain_from_json(str(name), form) for name, form in data.items()}


def check_space(space: Mapping[str, Domain], baseline: Recipe) -> None:
    """Refuse ranges of what no recipe has, and of what no space may hold.

    Raises:
        SpaceError: for an unknown key, or one that every trial of a study must share.
    """
    known = [name for name in baseline.to_json() if name not in ("version", "model", "network")]
    for name in space:
        if name in ("epochs", "network", "milestones"):
            raise SpaceError(
                f"'{name}' cannot vary within a study. Compare studies instead, "
                "or set it in the start recipe: --recipe start.yaml."
            )
        if not baseline.has(name):
            raise SpaceError(
                f"no recipe key '{name}'.{did_you_mean(name, known)} A space takes keys of "
                "docs/recipe.md, and a builder's own arguments as model.<argument>."
            )


def _load(path: Path, what: str, error: type[LuthierError]) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(f"no file '{path}'. --{what} takes a YAML file.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as cause:
        raise error(f"cannot read '{path}' as YAML: {cause}") from None
    if not isinstance(data, dict):
        raise error(f"'{path}' holds {type(data).__name__}, but `key: value` lines were expected.")
    return data
