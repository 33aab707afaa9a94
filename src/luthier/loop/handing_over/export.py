"""Hand-over: recipe, weights, summary and a script, as files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from luthier.core import Arrays, LuthierError, Recipe, State, StudyRecord, Trial
from luthier.data import save_npz, script
from luthier.loop.assembly import Assembly
from luthier.loop.handing_over.mismatch import versions
from luthier.loop.handing_over.recipes import save_recipe
from luthier.report.summary import Summary

_LIBRARIES = {"torch": ("torch",), "keras": ("keras",)}


def export_recipe(folder: Path, recipe: Recipe, study: str) -> Path:
    """Write the recipe alone: all that is known of an objective's winner."""
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        save_recipe(folder / "recipe.yaml", recipe, {"study": study})
    return folder / "recipe.yaml"


def export_summary(folder: Path, summary: Summary) -> Path:
    """Write ``study.json``."""
    with _writing(folder):
        return _write_json(folder / "study.json", summary.to_json())


def export_network(
    folder: Path, parts: Assembly, record: StudyRecord, trial: Trial, state: State
) -> list[Path]:
    """Write a trained network, and all it takes to use it and to train it again.

    Args:
        folder: Made where it is missing; files of the same names are replaced.
        parts: What it was made with.
        record: The study it comes from.
        trial: What was trained.
        state: Its weights.

    Returns:
        recipe.yaml, model.safetensors, preprocessing.json, a copy of the builder's file if there
        is one, and train.py.
    """
    arrays = parts.preparation.arrays(trial.recipe)
    epoch = trial.curves.best_epoch(record.metric, record.direction) or trial.epochs
    reported = trial.curves.epoch(epoch - 1)["metrics"]
    run = run_block(parts, trial, record.about, reported)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        save_recipe(folder / "recipe.yaml", trial.recipe, run)
        return [
            folder / "recipe.yaml",
            _write_weights(folder / "model.safetensors", state),
            *parts.framework.save(folder, parts.build, trial.recipe, arrays.task, state),
            _write_preprocessing(folder / "preprocessing.json", parts, trial, arrays),
            *_write_builder(folder, parts),
            # A plain loop has no word for values that change: `luthier train` does it again.
            *(
                []
                if trial.recipe.changes
                else [_write_script(folder, record.name, parts, trial, arrays, reported)]
            ),
        ]


def export_weights(
    folder: Path, parts: Assembly, record: StudyRecord, trial: Trial, state: State
) -> list[Path]:
    """Write a network that nothing validated: enough to predict with it, and no score.

    Returns:
        recipe.yaml, model.safetensors, preprocessing.json, and a copy of the builder's file if
        there is one.
    """
    run = run_block(parts, trial, record.about, {})
    arrays = parts.preparation.arrays(trial.recipe)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        note = "trained on training and validation rows: not validated"
        save_recipe(folder / "recipe.yaml", trial.recipe, {**run, "refit": note})
        return [
            folder / "recipe.yaml",
            _write_weights(folder / "model.safetensors", state),
            *parts.framework.save(folder, parts.build, trial.recipe, arrays.task, state),
            _write_preprocessing(folder / "preprocessing.json", parts, trial, arrays),
            *_write_builder(folder, parts),
        ]


def run_block(
    parts: Assembly, trial: Trial, about: Mapping[str, Any], reported: Mapping[str, float]
) -> dict[str, Any]:
    """Return what stands beside a recipe: what it takes to get the same score again."""
    return {
        "data": about.get("data", ""),
        "target": about.get("target"),
        "task": about.get("task"),
        "metric": parts.arrays.task.metric,
        "weight": about.get("weight"),
        "group": about.get("group"),
        "time": about.get("time"),
        "split": parts.preparation.plan.to_json(),
        "seed": trial.seed,
        "epochs_trained": trial.epochs,
        "validation": {name: float(value) for name, value in reported.items()},
        "engine": trial.engine,
        "framework": parts.framework.name,
        "threads": 1,
        "fingerprint": parts.fingerprint,
        "builder": parts.build.hash,
        "versions": versions(_LIBRARIES[parts.framework.name]),
    }


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say in words why a file cannot be written."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LuthierError(
            f"cannot write to '{folder}': {reason}. What was found is stored and safe. Make room, "
            "or name another folder: --out DIR, and run the same command again."
        ) from error


def _write_weights(path: Path, state: State) -> Path:
    from safetensors.numpy import save_file

    save_file(state.group("best") or state.group("weights"), str(path))
    return path


def _write_preprocessing(path: Path, parts: Assembly, trial: Trial, arrays: Arrays) -> Path:
    prepared = parts.preparation.prepared(trial.recipe)
    return _write_json(
        path, {"task": asdict(arrays.task), "preprocessing": prepared.preprocessing.to_json()}
    )


def _write_builder(folder: Path, parts: Assembly) -> list[Path]:
    """Copy a builder's file, so that the folder is enough to make the network again."""
    name = Path(parts.build.reference.partition(":")[0]).name
    if not name.endswith(".py"):
        return []
    (folder / name).write_text(parts.build.source, encoding="utf-8")
    return [folder / name]


def _write_script(
    folder: Path,
    study: str,
    parts: Assembly,
    trial: Trial,
    arrays: Arrays,
    reported: Mapping[str, float],
) -> Path:
    dataset, path = parts.preparation.dataset, None
    if not dataset.path:
        path = str((folder / "data.npz").resolve())
        save_npz(dataset, path)
    preprocessing = parts.preparation.prepared(trial.recipe).preprocessing
    text = parts.framework.script(
        parts.build,
        trial,
        arrays,
        title=f"Retrain the best network of luthier's study '{study}'.",
        data_source=script(dataset, parts.preparation.plan, preprocessing, path=path),
        reported={name: round(value, 6) for name, value in reported.items()},
    )
    (folder / "train.py").write_text(text, encoding="utf-8")
    return folder / "train.py"


def _write_json(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False), encoding="utf-8")
    return path
