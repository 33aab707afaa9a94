"""Write the pages of docs/ that are made from the code, or check that they are up to date.

``python scripts/docs.py`` writes docs/recipe.md and docs/cli.md; with ``--check`` it fails where
a page differs from what it would write.
"""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.main import get_command

from luthier.apps.cli import app
from luthier.catalog.recipe_keys import ALL, Key

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made by `make docs`; edit the code that it comes from. -->"


def recipe_page() -> str:
    """Return the reference of recipe keys."""
    rows = [_row(key) for key in ALL]
    reasons = [f"**`{key.name}`** {key.doc} {key.reason}".rstrip() for key in ALL]
    return "\n".join(
        [
            "# Recipe keys",
            "",
            MADE,
            "",
            "A recipe decides how one network is trained. `recipe.yaml` is one; a key that it",
            "leaves out has its default. `null` means not used, or as the network was built. The",
            "seed is no part of a recipe.",
            "",
            "```yaml",
            "version: 1",
            "network: mlp",
            "model: {width: 128, depth: 2}",
            "optimizer: adamw",
            "learning_rate: 0.003",
            "```",
            "",
            "| key | type | default | range |",
            "|---|---|---|---|",
            *rows,
            "",
            "## What they mean, and why the default is what it is",
            "",
            "\n\n".join(reasons),
            "",
        ]
    )


def cli_page() -> str:
    """Return the reference of commands: what each prints for ``--help``."""
    commands: dict[str, Any] = getattr(get_command(app), "commands", {})
    sections = [_help()] + [_help(name) for name in commands]
    return "\n".join(["# Command line", "", MADE, "", *sections])


PAGES: dict[str, Callable[[], str]] = {"recipe.md": recipe_page, "cli.md": cli_page}


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them; return the exit code."""
    stale = False
    for name, make in PAGES.items():
        path, text = DOCS / name, make()
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if before == text:
            continue
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
            continue
        stale = True
        lines = difflib.unified_diff(
            before.splitlines(), text.splitlines(), f"docs/{name}", "the code", lineterm="", n=1
        )
        print("\n".join(lines))
    if stale:
        print("\nThe docs differ from the code that they are made from. Run: make docs")
    return int(stale)


def _row(key: Key) -> str:
    cells = [f"`{key.name}`", key.kind, _value(key.default), _range(key)]
    return f"| {' | '.join(cells)} |"


def _range(key: Key) -> str:
    if key.choices:
        return ", ".join(_value(choice) for choice in key.choices)
    if key.low is not None and key.high is not None:
        return f"{_value(key.low)} to {_value(key.high)}"
    if key.low is not None:
        return f"{_value(key.low)} or more"
    return "" if key.high is None else f"up to {_value(key.high)}"


def _value(value: object) -> str:
    if value is None:
        return "`null`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{list(value)}`" if isinstance(value, tuple) else f"`{value}`"


def _help(command: str = "") -> str:
    program = Path(sysconfig.get_path("scripts"), "luthier")
    plain = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    kept = {k: v for k, v in os.environ.items() if k in {"HOME", "PATH", "SYSTEMROOT", "LANG"}}
    run = subprocess.run(
        [program, *command.split(), "--help"],
        check=True,
        capture_output=True,
        encoding="utf-8",
        env={**kept, **plain, "PYTHONIOENCODING": "utf-8"},
    )
    lines = [line.rstrip() for line in run.stdout.strip().splitlines()]
    title = f"luthier {command}".strip()
    return "\n".join([f"## {title}", "", "```text", *lines, "```", ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
