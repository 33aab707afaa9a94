"""What each study rule hears in a history, and where it keeps still."""

import dataclasses
import html
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
    Diagnosis,
    Float,
    History,
    Int,
    Proof,
    Recipe,
    Space,
    Trial,
    Verdict,
)
from luthier.diagnosis import diagnose_study, study
from luthier.report.html.findings import findings_list

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


def verdict(name, more_seeds=40.0):
    gain, low, high = {
        "better": (0.2, 0.1, 0.3),
        "worse": (-0.2, -0.3, -0.1),
        "equivalent": (0.001, -0.01, 0.01),
    }.get(name, (0.05, -0.1, 0.2))
    return Verdict(name, gain, (low, high), (low, high), 0.04, 0.05, 0.6, 3, 200, 0.1, more_seeds)


def confirmed(winner, baseline, *, said="better", openings=0):
    """A search of which winner and baseline were trained again, each with these scores."""
    found = history(12, inside)
    trials = list(found.trials)
    for recipe, scores in ((found.best.recipe, winner), (trials[0].recipe, baseline)):
        for seed, score in enumerate(scores):
            values = falling(score)
            curves = Curves(values, val_loss=values, metrics={"val_loss": values})
            trial = Trial(len(trials), recipe, 100 + seed, "finished", "torch_eager", curves)
            trials.append(dataclasses.replace(trial, purpose="confirm"))
    proof = Proof(verdict(said), openings=openings)
    return dataclasses.replace(found, trials=tuple(trials), proof=proof)


def best_and(**changes):
    """A search whose winner was trained twice, and the second one with these changes."""
    found = history(12, inside)
    won = dataclasses.replace(found.best, engine="torch_eager")
    trials = [won if t.number == won.number else t for t in found.trials]
    trials.append(dataclasses.replace(won, number=12, purpose="confirm", **changes))
    return dataclasses.replace(found, trials=tuple(trials))


HIGHER = Curves(falling(0.5), val_loss=falling(0.5), metrics={"val_loss": falling(0.5)})
WON = history(12, inside).loss(history(12, inside).best)
STEADY = [WON, WON + 0.001, WON - 0.001]
LUCKY = [WON + 0.100, WON + 0.101, WON + 0.102]
THREE = [SPACE.decode([unit] * 4) for unit in (0.3, 0.5, 0.7)]
SPEAKS = {
    "optimum_at_boundary": history(40, at_the_end),
    "too_many_failed_trials": fail(history(20, inside), 0.4, lambda r: rate(r) > 0.6),
    "too_few_trials": history(5, luck),
    "irrelevant_parameter": history(80, inside),
    "epochs_too_many": history(12, inside, curve=early),
    "epochs_too_few": history(12, inside, curve=endless),
    "seed_sensitive": history(12, luck, seeds=THREE),
    "not_significant": confirmed(STEADY, LUCKY, said="undecided"),
    "retrain_mismatch": confirmed(LUCKY, [0.9, 0.901, 0.902]),
    "test_set_reused": confirmed(STEADY, LUCKY, openings=2),
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


@pytest.mark.parametrize("name", SPEAKS)
def test_what_a_rule_found_is_shown_wherever_people_look(name):
    finding = BY_NAME[name](SPEAKS[name], SPACE)
    found = Diagnosis("study", (finding,))
    pages = str(found), found._repr_html_(), str(findings_list(found))
    assert [html.unescape(page).count(name) > 0 for page in pages] == [True, True, True]


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


def test_a_confirmed_winner_gets_no_finding_of_its_proof():
    found = confirmed(STEADY, LUCKY)
    names = ("not_significant", "retrain_mismatch", "test_set_reused")
    assert [BY_NAME[name](found, SPACE) for name in names] == [None, None, None]


@pytest.mark.parametrize(
    ("said", "severity", "advice"),
    [
        ("worse", "warning", "Use the baseline's recipe"),
        ("undecided", "info", "Take whichever is cheaper"),
        ("equivalent", "info", "Take whichever is cheaper"),
    ],
)
def test_what_was_not_shown_to_be_better_is_said_with_its_interval(said, severity, advice):
    finding = study.not_significant(confirmed(STEADY, LUCKY, said=said), SPACE)
    low, high = verdict(said).interval
    assert finding.severity == severity
    assert f"between {low:.2g} and {high:.2g}" in finding.summary
    assert finding.prescriptions[0].advice.startswith(advice)


def test_more_seeds_are_advised_only_where_they_would_decide():
    told = {}
    for more in (40.0, math.inf):
        proof = Proof(verdict("undecided", more))
        found = dataclasses.replace(confirmed(STEADY, LUCKY), proof=proof)
        told[more] = study.not_significant(found, SPACE).prescriptions[-1].advice
    assert told[40.0] == "About 40 more seeds of each would decide a gain like this."
    assert told[math.inf] == "No number of seeds decides it: more test rows would."


def test_a_score_that_fresh_seeds_do_not_reach_warns_where_nothing_is_left_of_the_gain():
    some = study.retrain_mismatch(confirmed(LUCKY, [0.9, 0.901, 0.902]), SPACE)
    none = study.retrain_mismatch(confirmed(LUCKY, LUCKY), SPACE)
    assert (some.severity, none.severity) == ("info", "warning")
    assert "nothing is left of the gain" in none.summary


def test_a_score_within_what_seeds_make_is_no_mismatch():
    noisy = [WON + 0.1, WON - 0.05, WON + 0.2]
    assert study.retrain_mismatch(confirmed(noisy, LUCKY), SPACE) is None


def test_one_training_with_two_results_is_an_error():
    finding = study.retrain_mismatch(best_and(curves=HIGHER), SPACE)
    assert finding.severity == "error"
    assert "torch_eager" in finding.summary


@pytest.mark.parametrize(
    "changes",
    [{}, {"seed": 999, "curves": HIGHER}, {"engine": "compiled", "curves": HIGHER}],
    ids=["the same again", "another seed", "another engine"],
)
def test_trainings_that_may_differ_are_no_mismatch(changes):
    assert study.retrain_mismatch(best_and(**changes), SPACE) is None


def test_seeds_that_confirm_tell_what_seeds_do():
    apart = [0.1, 0.9, 1.7]
    assert study.seed_sensitive(confirmed(apart, apart), SPACE) is not None
    assert study.seed_sensitive(confirmed(STEADY, STEADY), SPACE) is None


def test_trainings_that_confirm_are_no_trials_of_the_search():
    plain, proven = history(12, inside), confirmed(STEADY, LUCKY)
    rules = ("too_few_trials", "optimum_at_boundary", "epochs_too_few", "epochs_too_many")
    for name in rules:
        assert BY_NAME[name](proven, SPACE) == BY_NAME[name](plain, SPACE)
