"""From when on one search's networks stay as good as the other's last one."""

import pytest
from benchmarks.letters.__main__ import Result, reached, told
from benchmarks.letters.problem import Found

COURSE = [(1.0, 0.9), (5.0, 0.95), (9.0, 0.94), (12.0, 0.96)]


@pytest.mark.parametrize(("level", "when"), [(0.8, 1.0), (0.94, 5.0), (0.95, 12.0), (0.97, None)])
def test_a_level_counts_from_when_on_it_is_never_left_again(level, when):
    assert reached(COURSE, level) == when


def test_a_lower_loss_is_better_and_a_seed_that_never_gets_there_is_censored():
    theirs = [Found(50.0, 0.3, accuracy=0.9, loss=0.3)]
    ours = [Found(5.0, 0.2, accuracy=0.8, loss=0.2)]
    result = Result(0, 100.0, theirs, ours)
    assert (result.when("loss"), result.when("accuracy")) == (5.0, None)
    assert "0.050; 0 of 1 seeds censored" in told([result], "loss")
    assert "more than 1 (censored)" in told([result], "accuracy")
