"""What each study rule hears in a history, and where it keeps still."""

import dataclasses
import json
import math
import random
import sys
from pathlib import Path

import pytest

from luthier.core import (
    PROBLEMS,
    Categorical,
    Curves,
    Float,
    History,
    Int,
    Recipe,
    Space,
    Trial,
)
from luthier.diagnosis import diagnose_study, study

SPACE = Space(
    {
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "dropout": Float(0.0, 0.5),
        "optimizer": Categorical("sgd", "adamw"),
        "model.width": Int(16, 256, log=True),
    },
    Recipe(epochs=20, model={"width": 64}),
)


def falling(score, epochs=20, share=0.7, bump=0.0):
    return tuple(score + share**i - share**epochs + bump * i for i in range(1, epochs + 1))


def history(count, score, *, seeds=None, curve=falling, draw=0):
    """Trials all over the space; `score` is of a recipe, and of a generator for noise."""
    rng, trials = random.Random(draw), []
    for number in range(count):
        recipe = SPACE.decode([rng.random() for _ in range(SPACE.dimensions)])
        if seeds is not None:
            recipe = seeds[number % len(seeds)]
        values = curve(score(recipe, rng))
        curves = Curves(values, val_loss=values, metrics={"val_loss": values})
        trials.append(Trial(number, recipe, number, "finished", curves=curves))
    return History(tuple(trials))


def rate(recipe):
    return SPACE.encode(recipe)[0]


def inside(recipe, rng):
    return (rate(recipe) - 0.5) ** 2 + 0.001 * rng.random()


def at_the_end(recipe, rng):
    return 1.0 - rate(recipe) + 0.001 * rng.random()


def luck(recipe, rng):
    return rng.random()


def fail(found, share, where=lambda recipe: True):
    """Let the share of trials fail that lie somewhere."""
    bad = [t for t in found.trials if where(t.recipe)][: round(share * len(found.trials))]
    lost = {t.number for t in bad}
    trials = tuple(
        dataclasses.replace(t, state="failed", cause="nan_loss: no number", curves=Curves())
        if t.number in lost
        else t
        for t in found.trials
    )
    return dataclasses.replace(found, trials=trials)


def early(score, epochs=20):
    return tuple(score + (0.0 if i == 1 else 0.01 * (i + 1)) for i in range(epochs))


def endless(score, epochs=20):
    return tuple(score + 2.0 * 0.93**i for i in range(epochs))


THREE = [SPACE.decode([unit] * 4) for unit in (0.3, 0.5, 0.7)]
SPEAKS = {
    "optimum_at_boundary": history(40, at_the_end),
    "too_many_failed_trials": fail(history(20, inside), 0.4, lambda r: rate(r) > 0.6),
    "too_few_trials": history(5, luck),
    "irrelevant_parameter": history(80, inside),
    "epochs_too_many": history(12, inside, curve=early),
    "epochs_too_few": history(12, inside, curve=endless),
    "seed_sensitive": history(12, luck, seeds=THREE),
}
SOUND = [history(40, inside, draw=draw) for draw in range(20)]
BY_NAME = {rule.__name__: rule for rule in study.ALL}


@pytest.mark.parametrize("name", SPEAKS)
def test_a_rule_hears_what_it_is_for(name):
    finding = BY_NAME[name](SPEAKS[name], SPACE)
    assert finding is not None
    assert finding.problem == name
    assert finding.evidence
    assert finding.prescriptions
    json.dumps(finding.to_json(), allow_nan=False)


def test_a_search_around_its_optimum_gets_no_alarm():
    loud = [diagnose_study(one, SPACE).problems for one in SOUND]
    assert [one for one in SOUND if not diagnose_study(one, SPACE).healthy] == [], loud


def test_a_search_by_luck_finds_no_end_of_a_range():
    alarms = [study.optimum_at_boundary(history(40, luck, draw=i), SPACE) for i in range(60)]
    assert sum(one is not None for one in alarms) <= 2


@pytest.mark.parametrize("rule", study.ALL, ids=lambda rule: rule.__name__)
def test_nothing_to_see_is_nothing_said(rule):
    one = history(1, inside)
    gone = fail(history(2, inside), 1.0)
    nan = history(12, lambda recipe, rng: math.nan)
    assert [rule(seen, SPACE) for seen in (History(), one, gone)] == [None, None, None]
    assert rule(nan, SPACE) is None
    assert rule(one, Space({})) is None


@pytest.mark.parametrize("rule", study.ALL, ids=lambda rule: rule.__name__)
def test_a_rule_is_documented_and_entered(rule):
    about = sys.modules[rule.__module__].ABOUT
    assert all(getattr(about, field.name) for field in dataclasses.fields(about))
    files = {path.stem for path in Path(study.__file__).parent.glob("*.py")} & set(PROBLEMS)
    assert set(BY_NAME) == files


def test_the_range_that_ended_too_early_is_named():
    (first, *_) = study.optimum_at_boundary(SPEAKS["optimum_at_boundary"], SPACE).prescriptions
    assert dict(first.widen) == {"learning_rate": "high"}


def test_a_bound_that_nothing_lies_below_is_no_boundary():
    found = history(40, lambda recipe, rng: recipe.dropout + 0.001 * rng.random())
    assert study.optimum_at_boundary(found, SPACE) is None


def test_failures_name_the_end_of_the_range_that_they_share():
    finding = study.too_many_failed_trials(SPEAKS["too_many_failed_trials"], SPACE)
    assert "high learning_rate" in finding.summary
    assert "upper end of learning_rate" in finding.prescriptions[0].advice


def test_a_search_in_which_all_failed_is_worthless():
    found = fail(history(4, inside), 1.0)
    assert study.too_many_failed_trials(found, SPACE).severity == "error"


def test_a_parameter_that_decides_is_not_called_idle():
    finding = study.irrelevant_parameter(SPEAKS["irrelevant_parameter"], SPACE)
    assert "learning_rate" not in finding.evidence["parameters"]
    assert finding.evidence["strongest"] == "learning_rate"
