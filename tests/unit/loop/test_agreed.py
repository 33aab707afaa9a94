"""What is handed over must not contradict what is claimed of it."""

import pytest

from luthier.core import Verdict
from luthier.loop.proving.confirm import agreed

REACH = (0.01, 0.03)


@pytest.mark.parametrize(
    ("said", "gain", "left"),
    [
        ("better", 0.1, "better"),
        ("better", -0.1, "undecided"),
        ("better", 0.0, "undecided"),
        ("worse", -0.1, "worse"),
        ("worse", 0.1, "undecided"),
        ("equivalent", -0.1, "equivalent"),
        ("undecided", 0.1, "undecided"),
    ],
)
def test_a_claim_needs_the_searchs_own_trainings_to_agree(said: str, gain: float, left: str):
    verdict = Verdict(said, 0.02, REACH, REACH, 0.001, 0.05, 1.0, 3, 300, 0.01, 0)
    assert agreed(verdict, gain).verdict == left
