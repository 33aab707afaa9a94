"""One sentence fit for whoever decides, and the numbers behind it."""

from dataclasses import replace

import pytest

from luthier.core import Cost, Verdict
from luthier.report.comparison import Compared, Side, comparison_text
from luthier.report.html import comparison_page

REACH = (0.01, 0.03)
GAIN = Verdict("better", 0.02, REACH, REACH, 0.001, 0.05, 0.9, 3, 300, 0.01, 0, 0.05, 0.001)
FOUND = Compared(
    "trained",
    "log_loss",
    "minimize",
    Side("net.py:small", (0.10, 0.11, 0.12), (1, 2, 3), Cost(100, 0.001, 3.0)),
    Side("net.py:large", (0.12, 0.13, 0.14), (1, 2, 3), Cost(900, 0.002, 6.0)),
    GAIN,
    openings=0,
)


def but(verdict: str, **changes) -> Compared:
    return replace(FOUND, verdict=replace(GAIN, verdict=verdict), **changes)


def test_the_better_one_is_to_be_taken_with_what_it_costs_more():
    assert FOUND.sentence == (
        "Take net.py:small: it is better than net.py:large by 0.02 log_loss (0.110 against 0.130), "
        "which chance alone hardly explains."
    )
    assert but("worse").sentence.endswith("explains; it has 9 times as many parameters.")
    assert but("worse", cost="training_time").sentence.endswith("2 times as long to train.")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (but("undecided"), "Do not decide by this: the difference of 0.02 log_loss"),
        (but("equivalent"), "Take net.py:small: it has fewer parameters (100 against 900)"),
        (but("equivalent", b=replace(FOUND.b, cost=FOUND.a.cost)), "Take either"),
        (replace(FOUND, verdict=None, reason="a run is missing"), "Nothing can be said: a run is"),
    ],
)
def test_what_is_not_better_is_not_called_so(found: Compared, said: str):
    assert found.sentence.startswith(said)
    assert found.to_json()["sentence"] == found.sentence


def test_test_rows_that_were_opened_before_are_told():
    assert "opened" not in comparison_text(FOUND)
    assert "opened 3 times before" in comparison_text(replace(FOUND, openings=3))


def test_the_page_draws_the_interval_and_every_training_and_escapes_names():
    page = comparison_page(replace(FOUND, a=replace(FOUND.a, name="<b>a</b>")))
    assert 'id="difference"' in page
    assert 'id="scores"' in page
    assert "95 % interval +0.01 to +0.03" in page
    assert "<b>a</b>" not in page
    assert 'data-n="3"' in page
