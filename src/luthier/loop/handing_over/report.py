"""Reports as files: a study's story or one training's diagnosis, each a single HTML page."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from luthier.core import Curves, Diagnosis, History, LuthierError, StudyRecord, Trial, bounds_of
from luthier.loop.handing_over.recipes import recipe_text
from luthier.report.html import Story, diagnosis_page, study_page

_ROLES = ("target", "task", "weight", "group", "time")


def study_story(
    record: StudyRecord,
    history: History,
    diagnosis: Diagnosis,
    summary: Mapping[str, Any],
    storage: str,
    written: str = "",
) -> Story:
    """Return all that a study's page is made of.

    Args:
        record: What the study is about.
        history: Its trials.
        diagnosis: Of the winner.
        summary: What `Summary.to_json` gives; empty where the test part is to stay closed.
        storage: URL of where it lives.
        written: When, in words.
    """
    best = history.best
    return Story(
        record=record,
        history=history,
        diagnosis=diagnosis,
        summary=summary,
        recipe="" if best is None else recipe_text(best.recipe, _run(record, best)),
        commands=_commands(record, best, storage),
        versions=_versions(),
        written=written,
    )


def write_study(path: str | Path, story: Story) -> Path:
    """Write a study's page; a folder gets it as ``report.html``."""
    return write_text(path, study_page(story))


def write_diagnosis(
    path: str | Path, diagnosis: Diagnosis, curves: Curves | None = None, title: str = ""
) -> Path:
    """Write a training's diagnosis, with the curves that it was found in."""
    return write_text(path, diagnosis_page(diagnosis, curves, title))


def now() -> str:
    """Return the date and time in words."""
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")


def write_text(path: str | Path, text: str, *, name: str = "report.html") -> Path:
    """Write a page; a folder gets it under its name.

    Raises:
        LuthierError: where it cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        path = path / name
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LuthierError(
            f"cannot write '{path}': {error.strerror}. Name another file, in a folder that "
            f"exists: --out {name}"
        ) from error
    return path


def _run(record: StudyRecord, trial: Trial) -> dict[str, Any]:
    """Return what stands beside the recipe, so that the same training comes of it."""
    if not trial.engine:
        return {"study": record.name}
    about = record.about
    kept = trial.curves.best_epoch(record.metric, record.direction) or trial.epochs
    reported = trial.curves.epoch(kept - 1)["metrics"]
    return {
        "data": about.get("data") or "",
        **{role: about.get(role) for role in _ROLES},
        "metric": record.metric,
        "split": about.get("split"),
        "seed": trial.seed,
        "epochs_trained": trial.epochs,
        "validation": {name: float(value) for name, value in reported.items()},
        "engine": trial.engine,
        "threads": 1,
        "fingerprint": record.data,
        "builder": record.builder,
    }


def _commands(record: StudyRecord, best: Trial | None, storage: str) -> tuple[tuple[str, str], ...]:
    about = record.about
    data, model = about.get("data"), about.get("builder")
    where = ["--storage", storage]
    found: list[tuple[list[str], str]] = []
    if data and model and best is not None:
        train = ["luthier", "train", str(data), "--recipe", "recipe.yaml", "--model", str(model)]
        what = "trains the winner again from its recipe, which is in the report"
        found.append((train, what))
    if data and model:
        tune = ["luthier", "tune", str(data), "--model", str(model), *_options(record)]
        found.append(([*tune, *where], "goes on with the search, if the budget is left or raised"))
    found.append((["luthier", "report", record.name, *where], "writes the report, report.html"))
    found.append((["luthier", "show", record.name, *where], "tells its story in the terminal"))
    return tuple((shlex.join(words), what) for words, what in found)


def _options(record: StudyRecord) -> list[str]:
    about = record.about
    pairs = [(f"--{role}", about.get(role)) for role in _ROLES]
    pairs += [("--metric", record.metric), ("--seed", record.seed or None)]
    pairs += [("--budget", _budget(about.get("budget"))), ("--study", record.name)]
    pairs += [("--limit", f"{name}={most:g}") for name, most in about.get("limits", {}).items()]
    pairs += [("--limit", str(bound).replace(" ", "")) for bound in bounds_of(about)]
    pairs += [("--objective", name) for name, _ in about.get("goals", ())]
    return [word for name, value in pairs if value for word in (name, str(value))]


def _budget(budget: Any) -> str:
    if not isinstance(budget, Mapping):
        return ""
    units = {"seconds": "s", "epochs": " epochs", "trials": " trials"}
    return ", ".join(f"{budget[key]:g}{unit}" for key, unit in units.items() if budget.get(key))


def _versions() -> dict[str, str]:
    found = {"luthier": "", "torch": "", "numpy": ""}
    for name in found:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    known = {name: one for name, one in found.items() if one}
    return {**known, "python": platform.python_version()}
