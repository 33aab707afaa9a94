"""What to take after a verdict."""

from dataclasses import replace

import pytest

from luthier.core import Cost, Proof, Verdict

REACH = (-0.01, 0.02)
VERDICT = Verdict("equivalent", 0.001, REACH, REACH, 0.6, 0.05, 0.5, 3, 300, 0.02, 4, 0.05, 0.001)
SMALL, LARGE = Cost(100, 0.1, 5.0), Cost(900, 0.2, 6.0)


@pytest.mark.parametrize(
    ("verdict", "best", "baseline", "choice"),
    [
        ("better", LARGE, SMALL, "best"),
        ("undecided", LARGE, SMALL, "best"),
        ("worse", SMALL, LARGE, "baseline"),
        ("equivalent", SMALL, LARGE, "best"),
        ("equivalent", LARGE, SMALL, "baseline"),
        ("equivalent", SMALL, SMALL, "baseline"),
        ("equivalent", Cost(), Cost(), "baseline"),
    ],
)
def test_cost_decides_between_equals_alone(verdict, best, baseline, choice):
    proof = Proof(replace(VERDICT, verdict=verdict), best_cost=best, baseline_cost=baseline)
    assert proof.choice == choice
    assert proof.to_json()["choice"] == choice


def test_the_declared_cost_is_the_one_that_decides():
    quick = Cost(900, 0.1, 5.0)
    proof = Proof(VERDICT, best_cost=quick, baseline_cost=Cost(100, 0.2))
    assert proof.choice == "baseline"
    assert replace(proof, cost="latency").choice == "best"
