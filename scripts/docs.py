"""Write the pages of docs/ that are made from the code, or check that they are up to date.

``python scripts/docs.py`` writes docs/recipe.md, docs/cli.md, docs/problems.md and
docs/keras-optimizers.md;
with ``--check`` it fails where
a page differs from what it would write.
"""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from typer.main import get_command

from luthier.apps.cli import app
from luthier.catalog import families, losses, metrics, optimizers, schedules
from luthier.catalog.optimizers import Optimizer, keras
from luthier.catalog.recipe_keys import KEYS, Key
from luthier.core import Categorical, Conditional, Domain, Float, Int
from luthier.core.problems import RUN, SETUP, STUDY
from luthier.diagnosis import About, run, setup, study

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made by `make docs`; edit the code that it comes from. -->"
RECIPES = """\
A recipe decides how one network is trained. `recipe.yaml` is one; a key that it leaves out has its
default. `null` means not used, or as the network was built. The seed is no part of a recipe.

```yaml
version: 1
network: mlp
model: {width: 128, depth: 2}
optimizer: adamw
learning_rate: 0.003
```"""
OPTIMIZERS = """\
Learning rates of different optimizers differ by orders of magnitude. A file that names an optimizer
and leaves out its settings gets these."""
SCHEDULES = """\
A schedule is a factor on `learning_rate` over the whole run, after `warmup`; its lengths are shares
of the run. A pause changes nothing."""
PROBLEMS = """\
A finding has one of these names. `error`: the result is worthless as it is. `warning`: it is worse
than it need be, and two independent signals say so. `info`: it may be, and the text says what would
settle it. A problem that another one explains is listed there as a consequence. "Guessing" is the
loss of a network that has learnt nothing: log K for K classes, 1 for numbers scaled to variance 1.
"Noise" is a curve's own, from the median of its second differences; how many times the noise a
change must be comes from one budget of false alarms that all rules share."""
KERAS = """\
Keras networks are trained by Keras' formulas, PyTorch networks by PyTorch's: each is compared with
its framework's own optimizer over 100 steps in double precision, to ten digits. Decay, clipping and
penalties are applied before them, the same way in both."""
METRICS = "The metric decides between trials; it is chosen with `--metric`, not in a recipe."


def recipe_page() -> str:
    """Return the reference of recipe keys, and of what the catalog offers for them."""
    keys = [(_code(key.name), key.takes, _code(key.default)) for key in KEYS]
    models = [
        (_code(family.name), _code(name), _range(domain), _code(family.build.defaults[name]))
        for family in families.ALL
        for name, domain in family.build.parameters.items()
    ]
    rules = [
        (_code(o.name), _code(o.default_learning_rate), _range(o.learning_rates), _settings(o))
        for o in optimizers.ALL
    ]
    curves = [(_code(s.name), _codes(s.keys), s.reference) for s in schedules.ALL]
    aims = [(_code(loss.name), loss.kind, loss.reference) for loss in losses.ALL]
    scores = [(_code(m.name), m.kind, m.direction, m.reference) for m in metrics.ALL]
    sections = [
        ("# Recipe keys", MADE),
        (RECIPES, _table("key | takes | default", keys)),
        ("## What they mean, and why the default is what it is", *map(_meaning, KEYS)),
        ("## Arguments of the model families", "They stand below `model`."),
        (_table("family | argument | searched | default", models),),
        ("## Optimizers", OPTIMIZERS),
        (_table("optimizer | learning rate | searched | other settings", rules),),
        ("## Schedules", SCHEDULES, _table("schedule | keys | source", curves)),
        ("## Losses", _table("loss | for | reference", aims)),
        ("## Metrics", METRICS, _table("metric | for | wants | reference", scores)),
    ]
    return "\n\n".join(text for section in sections for text in section) + "\n"


def keras_optimizers_page() -> str:
    """Return where Keras' optimizers differ from PyTorch's."""
    rows = [
        (_code(one.name), _code(optimizers.by_name(one.name, "keras").reference), what)
        for one in optimizers.ALL
        for what in [keras.DIFFERENCES.get(one.name, "the same formula")]
        if one.name != "radam"
    ]
    rows.append(("`radam`", "PyTorch's", "Keras has none"))
    return f"""# Keras' optimizers and PyTorch's

{MADE}

{KERAS}

{_table("optimizer | reference | where Keras differs", rows)}
"""


def cli_page() -> str:
    """Return the reference of commands: what each prints for ``--help``."""
    commands: dict[str, Any] = getattr(get_command(app), "commands", {})
    sections = [_help()] + [_help(name) for name in commands]
    return "\n".join(["# Command line", "", MADE, "", *sections])


def problems_page() -> str:
    """Return the reference of problems: what each rule asks for before it speaks."""
    rules = (*run.ALL, *setup.ALL, *study.ALL)
    abouts: dict[str, list[About]] = {}
    for rule in rules:
        abouts.setdefault(rule.__name__, []).append(sys.modules[rule.__module__].ABOUT)
    parts = [
        ("## Of the set-up", SETUP, "Found before training, or by `luthier.watch`."),
        ("## Of a training", RUN, "Found in its curves, and by watching it."),
        ("## Of a study", STUDY, "Found in its history."),
    ]
    sections = ["# Problems", MADE, PROBLEMS]
    for title, names, where in parts:
        told = [_problem(name, *abouts[name]) for name in names if name in abouts]
        missing = [_code(name) for name in names if name not in abouts]
        later = f"Not yet: {', '.join(missing)}." if missing else ""
        sections += [title, where, *told, later]
    return "\n\n".join(section for section in sections if section) + "\n"


def _problem(name: str, about: About, before: About | None = None) -> str:
    rows = [
        ("symptom", about.symptom),
        ("evidence", about.evidence),
        *([("before training", before.evidence)] if before is not None else []),
        ("cause", about.cause),
        ("what to do", about.remedy),
        ("reference", about.reference),
    ]
    lines = [f"- {what}: {text}" for what, text in rows]
    return "\n".join([f"### `{name}`", "", *lines])


PAGES: dict[str, Callable[[], str]] = {
    "recipe.md": recipe_page,
    "cli.md": cli_page,
    "keras-optimizers.md": keras_optimizers_page,
    "problems.md": problems_page,
}


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


def _table(header: str, rows: Sequence[Sequence[str]]) -> str:
    rule = "|".join(["---"] * len(header.split(" | ")))
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in (header, *lines)).replace("\n", f"\n|{rule}|\n", 1)


def _meaning(key: Key) -> str:
    return f"**`{key.name}`**: {key.doc} {key.reason}"


def _settings(optimizer: Optimizer) -> str:
    usual = {name: optimizer.usual[name] for name in optimizer.settings}
    return ", ".join(f"{_code(name)} {value:g}" for name, value in usual.items())


def _range(domain: Domain) -> str:
    match domain:
        case Float(low, high, log) | Int(low, high, log):
            return f"{low:g} to {high:g}{', log scale' if log else ''}"
        case Categorical(choices=choices):
            return _codes(choices)
        case Conditional(on=on):
            return f"depends on {_code(on)}"


def _codes(values: Iterable[object]) -> str:
    return ", ".join(map(_code, values))


def _code(value: object) -> str:
    if value is None:
        return "`null`"
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{list(value)}`" if isinstance(value, tuple) else f"`{value}`"


def _help(command: str = "") -> str:
    program = Path(sysconfig.get_path("scripts"), "luthier")
    plain = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    names = {"HOME", "PATH", "PYTHONPATH", "SYSTEMROOT", "LANG"}
    kept = {k: v for k, v in os.environ.items() if k in names}
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
