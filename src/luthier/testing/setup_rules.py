"""The laws of a rule of a set-up. Subclass `SetupRuleLaws`, override its fixtures, run pytest."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest

from luthier.core import DataFacts, Diagnosis, Finding, Fit, LossFacts, OutputFacts, Setup
from luthier.testing.expect import same

Rule = Callable[[Setup], Finding | None]
NAN = math.nan


def setups_of_nothing() -> dict[str, Setup]:
    """Return set-ups that show too little to say anything, by name."""
    return {
        "nothing": Setup(),
        "rows alone": Setup(data=DataFacts(rows=100, features=4, low=-2.0, high=2.0)),
        "a loss that cannot be taken apart": Setup(loss=LossFacts(initial=3.1)),
        "a loss below zero": Setup(loss=LossFacts(initial=-5.0)),
        "fits without a loss of guessing": Setup(
            fits={"own": Fit(100, 3.0, 2.0), "adam": Fit(100, 3.0, 1.0)}
        ),
        "fits that took no step": Setup(
            loss=LossFacts(guess=1.0, floor=0.0), fits={"own": Fit(0, 1.0, 1.0)}
        ),
        "outputs alone": Setup(output=OutputFacts("none", (9, 3), (9,), "classes")),
    }


class SetupRuleLaws:
    """What every rule of a set-up keeps.

    A subclass overrides the fixtures `rule` and `healthy`, and may add `other`: more evidence.
    """

    @pytest.fixture
    def rule(self) -> Rule:
        """Return the rule."""
        raise NotImplementedError("override the fixture `rule`")

    @pytest.fixture
    def healthy(self) -> Sequence[Setup]:
        """Return real set-ups with which nothing is wrong."""
        raise NotImplementedError("override the fixture `healthy`")

    @pytest.fixture
    def other(self) -> Sequence[Setup]:
        """Return set-ups of all kinds, faulty ones among them."""
        return ()

    def test_it_is_silent_where_there_is_nothing_to_see(self, rule: Rule) -> None:
        for name, setup in setups_of_nothing().items():
            same((name, rule(setup)), (name, None))

    def test_it_raises_no_alarm_on_healthy_set_ups(
        self, rule: Rule, healthy: Sequence[Setup]
    ) -> None:
        found = [(i, rule(setup)) for i, setup in enumerate(healthy)]
        same([(i, one.summary) for i, one in found if one and one.severity != "info"], [])

    def test_it_stands_evidence_with_holes(
        self, rule: Rule, healthy: Sequence[Setup], other: Sequence[Setup]
    ) -> None:
        for setup in [*healthy, *other]:
            for part in _with_holes(setup):
                rule(part)

    def test_it_changes_nothing_and_says_the_same_again(
        self, rule: Rule, healthy: Sequence[Setup], other: Sequence[Setup]
    ) -> None:
        for setup in [*healthy, *other]:
            before = copy.deepcopy(setup)
            same(rule(setup), rule(setup))
            same(repr(setup), repr(before))

    def test_what_it_finds_is_plain_and_complete(
        self, rule: Rule, healthy: Sequence[Setup], other: Sequence[Setup]
    ) -> None:
        for setup in [*healthy, *other]:
            finding = rule(setup)
            if finding is None:
                continue
            text = json.dumps(finding.to_json(), allow_nan=False)
            same(json.loads(text)["problem"], getattr(rule, "__name__", ""))
            same(bool(finding.summary and finding.evidence and finding.prescriptions), True)
            same(all(map(_plain, finding.evidence.values())), True)
            same(finding.problem in str(Diagnosis("setup", (finding,))), True)
            same(finding.problem in Diagnosis("setup", (finding,))._repr_html_(), True)

    def test_its_settings_are_those_at_hand(
        self, rule: Rule, healthy: Sequence[Setup], other: Sequence[Setup]
    ) -> None:
        for setup in [*healthy, *other]:
            finding = rule(setup)
            for one in finding.prescriptions if finding is not None else ():
                for key, (old, new) in one.change.items():
                    same((key, old), ("learning_rate", setup.optimizer.learning_rates[0]))
                    same(old != new, True)

    def test_it_is_documented(self, rule: Rule) -> None:
        about = getattr(sys.modules[rule.__module__], "ABOUT", None)
        same(about is not None, True)
        same([f.name for f in fields(about) if not getattr(about, f.name)], [])  # type: ignore[arg-type]


def _plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(map(_plain, value))
    return not isinstance(value, float) or math.isfinite(value)


def _with_holes(setup: Setup) -> Iterator[Setup]:
    """Yield the set-up with one part after the other missing, and with losses that are NaN."""
    empty = Setup()
    for field in fields(Setup):
        yield replace(setup, **{field.name: getattr(empty, field.name)})
    for name, fit in setup.fits.items():
        yield replace(setup, fits={k: v for k, v in setup.fits.items() if k != name})
        yield replace(setup, fits={**setup.fits, name: replace(fit, last=NAN)})
        yield replace(setup, fits={**setup.fits, name: replace(fit, last=math.inf)})
    for name in ("initial", "guess", "floor", "reachable"):
        for value in (None, NAN):
            other: dict[str, Any] = {name: value}
            yield replace(setup, loss=replace(setup.loss, **other))
