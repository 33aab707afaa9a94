"""Diagnosis: worst, healthy, and how it reads."""

import json
import math

from luthier.core import Diagnosis, Finding, Prescription

HIGH = Finding(
    "learning_rate_too_high",
    "error",
    "The loss <rose>.",
    since=2,
    evidence={"first": 2.3, "rate": math.inf, "train_loss": (2.3, None, 9.0)},
    consequences=("nan_loss",),
    prescriptions=(Prescription("Lower it.", change={"learning_rate": (0.1, 0.003)}),),
)
MAYBE = Finding("plateau", "info", "Flat.", confidence=0.4)


def test_only_what_calls_for_action_is_unhealthy():
    assert Diagnosis("run").worst is None
    assert Diagnosis("run", (MAYBE,)).healthy
    assert Diagnosis("run", (MAYBE, HIGH)).worst == "error"
    assert not Diagnosis("run", (MAYBE, HIGH)).healthy


def test_a_healthy_run_is_one_calm_line():
    assert str(Diagnosis("run", (), "3 epochs: train_loss")) == (
        "Nothing wrong found. Looked at 3 epochs: train_loss."
    )


def test_a_finding_says_what_since_when_the_evidence_and_the_exact_setting():
    lines = str(Diagnosis("run", (HIGH,), "3 epochs: train_loss")).splitlines()
    assert lines[0] == "error: learning_rate_too_high since epoch 2 (confidence 100 %)"
    assert "  train_loss ▁ █" in lines
    assert "  first 2.3, rate inf" in lines
    assert "  do: Lower it. [learning_rate: 0.1 → 0.003]" in lines
    assert "  explains: nan_loss" in lines
    assert lines[-1] == "Looked at 3 epochs: train_loss."


def test_html_is_escaped():
    html = Diagnosis("run", (HIGH,))._repr_html_()
    assert "&lt;rose&gt;" in html
    assert "<rose>" not in html


def test_json_holds_no_number_that_is_none():
    data = json.loads(json.dumps(Diagnosis("run", (HIGH,)).to_json(), allow_nan=False))
    assert data["worst"] == "error"
    assert data["findings"][0]["evidence"] == {
        "first": 2.3,
        "rate": None,
        "train_loss": [2.3, None, 9.0],
    }
