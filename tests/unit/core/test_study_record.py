"""A study's record survives JSON, and says in words what another one has different."""

import json
from dataclasses import replace

import pytest

from luthier.core import Categorical, Conditional, Float, Int, Recipe, Space, StudyRecord

SPACE = Space(
    {
        "optimizer": Categorical("adamw", "sgd"),
        "learning_rate": Conditional("optimizer", {"sgd": Float(0.01, 1.0, log=True)}),
        "model.width": Int(16, 512, log=True),
    },
    Recipe(model={"width": 64}),
)
RECORD = StudyRecord(
    "digits", "log_loss", "minimize", SPACE, "data-1", "net-1", 3, {"data": "d.csv", "group": None}
)


def test_it_survives_json():
    assert StudyRecord.from_json(json.loads(json.dumps(RECORD.to_json()))) == RECORD


def test_the_order_of_the_parameters_survives_json():
    """Points are read in this order: another one would be another study."""
    again = StudyRecord.from_json(json.loads(json.dumps(RECORD.to_json(), sort_keys=True)))
    assert list(again.space.parameters) == list(SPACE.parameters)


def wider(domain) -> Space:
    return replace(SPACE, parameters={**SPACE.parameters, "model.width": domain})


@pytest.mark.parametrize(
    ("other", "phrase"),
    [
        (replace(RECORD, data="data-2"), "the data differs (fingerprint data-1 then, data-2 now)"),
        (replace(RECORD, builder="net-2"), "the builder differs (source net-1 then, net-2 now)"),
        (
            replace(RECORD, metric="accuracy", direction="maximize"),
            "the metric differs (minimize log_loss then, maximize accuracy now)",
        ),
        (replace(RECORD, seed=4), "the seed differs (3 then, 4 now)"),
        (
            replace(RECORD, space=wider(Int(16, 99, log=True))),
            "the space differs in 'model.width' (Int(low=16, high=512, log=True, step=1) then, "
            "Int(low=16, high=99, log=True, step=1) now)",
        ),
        (
            replace(RECORD, space=Space({**SPACE.parameters, "l1": Float(0, 1)}, SPACE.baseline)),
            "the space differs in 'l1' (None then, Float(low=0, high=1, log=False) now)",
        ),
        (
            replace(RECORD, space=replace(SPACE, baseline=Recipe(model={"width": 8}))),
            "the start recipe differs in 'model.width' (64 then, 8 now)",
        ),
    ],
    ids=["data", "builder", "metric", "seed", "range", "new range", "baseline"],
)
def test_each_difference_is_one_phrase_with_both_values(other: StudyRecord, phrase: str):
    assert RECORD.differences(other) == [phrase]


def test_several_differences_are_several_phrases():
    assert len(RECORD.differences(replace(RECORD, data="x", seed=0))) == 2


def test_what_it_is_about_may_differ():
    assert RECORD.differences(replace(RECORD, about={"data": "/elsewhere/d.csv"})) == []
