"""A rate of exactly 0: found where it lasts, and where something was left to learn."""

import pytest

from luthier.core import Curves, Run, Trace
from luthier.diagnosis.run import schedule_collapses

STANDS = (2.0, 1.5, 1.2, 1.1, 1.05) + (1.0,) * 25
LEARNT = tuple(2.0 * 0.5**i for i in range(30))


@pytest.mark.parametrize(
    ("rates", "losses", "expected"),
    [
        ((1e-3,) * 5 + (0.0,) * 25, STANDS, "warning"),
        ((1e-3,) * 5 + (0.0,) * 25, LEARNT, "info"),
        ((1e-3,) * 20 + (0.0,) * 10, STANDS, None),
        ((1e-3,) * 3 + (0.0,) * 4, STANDS[:7], None),
        ((0.0,) * 30, STANDS, None),
        ((0.0,) * 20 + (1e-3,) * 10, STANDS, None),
    ],
    ids=["for most epochs", "all was learnt", "at the end", "a few epochs", "always", "at first"],
)
def test_a_rate_of_nothing_counts_where_it_lasts(rates, losses, expected):
    facts = {"loss_of_guessing": 2.3}
    run = Run(Curves(losses, val_loss=losses, learning_rate=rates), trace=Trace(facts=facts))
    found = schedule_collapses(run)
    assert (None if found is None else found.severity) == expected
    assert found is None or "0 in the 25 epochs after" in found.summary
