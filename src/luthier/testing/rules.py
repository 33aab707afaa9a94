"""The laws of a rule of a run. Subclass `RunRuleLaws`, override its fixtures, and run pytest."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any

import pytest

from luthier.core import Curves, Diagnosis, Finding, Recipe, Run, Task, Trace
from luthier.testing.expect import same

Rule = Callable[[Run], Finding | None]
NAN = math.nan
TASK = Task("classification", "log_loss", "minimize", (4,), 3, ("a", "b", "c"))


def evidence_of_nothing() -> dict[str, Run]:
    """Return runs that show too little to say anything, by name."""
    gap = (NAN,) * 12
    return {
        "no curve": Run(),
        "no curve, but a recipe": Run(recipe=Recipe(), task=TASK),
        "one epoch": Run(Curves(train_loss=(1.0,), train_loss_eval=(0.9,), val_loss=(1.0,))),
        "two epochs": Run(Curves(train_loss=(1.0, 0.9), val_loss=(1.0, 0.95)), Recipe(epochs=2)),
        "fine-tuning for three epochs": Run(
            Curves(train_loss=(0.31, 0.3, 0.3), train_loss_eval=(0.3, 0.29, 0.29))
        ),
        "validation that was never measured": Run(
            Curves(val_loss=gap, metrics={"accuracy": gap}, signals={"gradient_norm": gap})
        ),
        "constants": Run(Curves(train_loss=(0.0,) * 3, val_loss=(0.0,) * 3)),
        "signals alone": Run(Curves(signals={"update_ratio/w": (1e-3,) * 3})),
        "series of different lengths": Run(
            Curves(train_loss=(1.0, 0.8, 0.7), val_loss=(1.0,), metrics={"f1": (0.2, 0.3)})
        ),
        "a trace without steps": Run(trace=Trace(series={"loss": ()})),
    }


def odd_losses() -> dict[str, Run]:
    """Return healthy runs whose loss is none of those that fall towards zero, by name."""
    wave = [math.sin(0.9 * i) + 0.3 * math.sin(2.3 * i) for i in range(60)]
    return {
        "a loss that falls below zero": Run(
            Curves(train_loss=tuple(1 - 0.3 * i**0.5 + 0.01 * w for i, w in enumerate(wave)))
        ),
        "an adversary's loss that goes up and down": Run(
            Curves(train_loss=tuple(0.7 + 0.2 * w for w in wave))
        ),
        "a contrastive loss that creeps": Run(
            Curves(train_loss=tuple(5.5 - 0.02 * i + 0.02 * w for i, w in enumerate(wave)))
        ),
    }


class RunRuleLaws:
    """What every rule of a run keeps.

    A subclass overrides the fixtures `rule` and `healthy`, and may add `other`: more evidence.
    """

    @pytest.fixture
    def rule(self) -> Rule:
        """Return the rule."""
        raise NotImplementedError("override the fixture `rule`")

    @pytest.fixture
    def healthy(self) -> Sequence[Run]:
        """Return real trainings with which nothing is wrong."""
        raise NotImplementedError("override the fixture `healthy`")

    @pytest.fixture
    def other(self) -> Sequence[Run]:
        """Return trainings of all kinds, faulty ones among them."""
        return ()

    def test_it_is_silent_where_there_is_nothing_to_see(self, rule: Rule) -> None:
        for name, run in evidence_of_nothing().items():
            same((name, rule(run)), (name, None))

    def test_it_raises_no_alarm_for_a_loss_of_another_kind(self, rule: Rule) -> None:
        for name, run in odd_losses().items():
            same((name, _severity(rule(run))), (name, "silent"))

    def test_it_raises_no_alarm_on_healthy_trainings(
        self, rule: Rule, healthy: Sequence[Run]
    ) -> None:
        loud = [i for i, run in enumerate(healthy) if _severity(rule(run)) != "silent"]
        same(loud, [])

    def test_it_stands_evidence_with_holes(self, rule: Rule, healthy: Sequence[Run]) -> None:
        for run in healthy[:5]:
            for part in _with_holes(run):
                rule(part)

    def test_it_changes_nothing_and_says_the_same_again(
        self, rule: Rule, healthy: Sequence[Run], other: Sequence[Run]
    ) -> None:
        for run in [*healthy[:5], *other]:
            before = copy.deepcopy(run)
            same(rule(run), rule(run))
            same(repr(run), repr(before))

    def test_what_it_finds_is_plain_data(
        self, rule: Rule, healthy: Sequence[Run], other: Sequence[Run]
    ) -> None:
        for finding in _findings(rule, [*healthy, *other]):
            text = json.dumps(finding.to_json(), allow_nan=False)
            same(json.loads(text)["problem"], finding.problem)
            same(all(map(_plain, finding.evidence.values())), True)
            same(finding.problem in str(Diagnosis("run", (finding,))), True)
            same(finding.problem in Diagnosis("run", (finding,))._repr_html_(), True)

    def test_what_it_finds_has_its_name_and_is_complete(
        self, rule: Rule, healthy: Sequence[Run], other: Sequence[Run]
    ) -> None:
        for run in [*healthy, *other]:
            finding = rule(run)
            if finding is None:
                continue
            same(finding.problem, getattr(rule, "__name__", ""))
            same(bool(finding.summary and finding.evidence and finding.prescriptions), True)
            same(1 <= (finding.since or 1) <= len(run.curves), True)
            # They are printed as "do:" and "or:".
            same([one.advice for one in finding.prescriptions if one.advice[:3] == "Or "], [])

    def test_its_settings_are_of_the_recipe_at_hand(
        self, rule: Rule, healthy: Sequence[Run], other: Sequence[Run]
    ) -> None:
        for run in [*healthy, *other]:
            finding = rule(run)
            for one in finding.prescriptions if finding is not None else ():
                same(run.recipe is not None or not one.change, True)
                for key, (old, new) in one.change.items():
                    same((key, old), (key, run.recipe.get(key) if run.recipe else None))
                    same(old != new, True)

    def test_it_is_documented(self, rule: Rule) -> None:
        about = getattr(sys.modules[rule.__module__], "ABOUT", None)
        same(about is not None, True)
        same([f.name for f in fields(about) if not getattr(about, f.name)], [])  # type: ignore[arg-type]


def _severity(finding: Finding | None) -> str:
    return "silent" if finding is None or finding.severity == "info" else finding.severity


def _findings(rule: Rule, runs: Sequence[Run]) -> list[Finding]:
    return [finding for run in runs if (finding := rule(run)) is not None]


def _plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_plain, value))
    return not isinstance(value, float) or math.isfinite(value)


def _with_holes(run: Run) -> Iterator[Run]:
    """Yield the run with one series after the other missing, full of NaN, or cut short."""
    for name in ("train_loss", "train_loss_eval", "val_loss", "learning_rate"):
        series = getattr(run.curves, name)
        for instead in ((), (NAN,) * len(series), series[:2], (*series[:-3], NAN, NAN, NAN)):
            values = {f.name: getattr(run.curves, f.name) for f in fields(Curves)}
            yield Run(Curves(**{**values, name: instead}), run.recipe, run.task, run.trace)
    yield Run(run.curves)
    yield Run(run.curves.upto(1), run.recipe, run.task)
