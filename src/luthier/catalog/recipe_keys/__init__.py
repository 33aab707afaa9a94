"""The keys of a recipe: default, range and reason of each, and how recipe.yaml is read."""

from luthier.catalog.recipe_keys.key import Key
from luthier.catalog.recipe_keys.reading import (
    VERSION,
    check_recipe,
    key,
    read_recipe,
    write_recipe,
)
from luthier.catalog.recipe_keys.table import KEYS, limits

__all__ = ["KEYS", "VERSION", "Key", "check_recipe", "key", "limits", "read_recipe", "write_recipe"]
