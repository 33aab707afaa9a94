"""Findings say only what exists, and turn into plain data."""

import json

import pytest

from luthier.core import PROBLEMS, Finding, Prescription


def test_a_name_stands_once():
    assert len(set(PROBLEMS)) == len(PROBLEMS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"problem": "too_hot"},
        {"severity": "fatal"},
        {"confidence": 1.5},
        {"consequences": ("too_hot",)},
    ],
)
def test_what_does_not_exist_is_refused(wrong: dict):
    with pytest.raises(ValueError, match=r"too_hot|fatal|1\.5"):
        Finding(**{"problem": "plateau", "severity": "info", "summary": "Flat.", **wrong})


def test_it_is_plain_data():
    slower = Prescription("Train slower.", change={"learning_rate": (0.1, 0.003)})
    found = Finding("diverging", "error", "Up.", since=3, prescriptions=(slower,))
    data = json.loads(json.dumps(found.to_json()))
    assert data["since"] == 3
    assert data["prescriptions"][0]["change"] == {"learning_rate": [0.1, 0.003]}
