"""The benchmark of searches: what a session counts, and what its scores mean."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.search import ours
from benchmarks.search.score import Results, Run, worse_than_random
from benchmarks.search.tables import Session, Table

from luthier.search.random import Random


@pytest.fixture
def table() -> Table:
    rng = np.random.default_rng(0)
    points = rng.random((60, 2))
    ends = ((points - 0.3) ** 2).sum(1)
    curves = ends[:, None] + 1 / np.arange(1, 11)[None, :]
    curves[7, 3:] = np.nan
    return Table("toy_1", points, curves, noise=0.0)


def test_a_proposal_gets_the_nearest_configuration_that_is_left(table: Table):
    session = Session(table, 0, 100)
    first, second = (session.start(table.points[3]) for _ in range(2))
    assert first.row == 3
    assert second.row != 3


def test_a_choice_gets_what_it_asked_for_while_there_is_any(table: Table):
    points = np.array([[0.25, 0.0], [0.25, 1.0], [0.75, 0.0], [0.75, 1.0]])
    session = Session(replace(table, points=points, choices=2), 0, 100)
    rows = [session.start([0.4, 0.9]).row for _ in range(3)]
    assert rows == [1, 0, 3]


def test_a_session_knows_its_winner_and_what_was_trained_to_its_end(table: Table):
    session = Session(table, 0, 100)
    for row in (3, 4):
        session.start(table.points[row]).advance(10 if row == 4 else 2)
    assert session.finished == [4]
    assert session.winner == 4


def test_a_diverged_training_costs_the_epochs_that_it_ran(table: Table):
    session = Session(table, 0, 100)
    training = session.start(table.points[7])
    training.advance(10)
    assert (training.epochs, session.spent, training.diverged) == (4, 4, True)


def test_regret_is_nought_for_the_best_and_one_for_the_median(table: Table):
    assert table.regret(np.nanmin(table.curves)) == 0
    assert table.regret(np.median(np.nan_to_num(table.curves[:, -1], nan=9.0))) == 1


def test_a_strategy_spends_the_budget_and_no_more(table: Table):
    session = Session(table, 0, 95)
    ours.run(session, Random(), 0)
    assert session.spent == 95
    observed = [value for _, value in session.trace]
    assert observed == sorted(observed, reverse=True)


def test_scores_compare_the_same_tasks_and_seeds():
    def runs(method: str, worse: float) -> list[Run]:
        return [
            Run(task, method, seed, tuple(worse + 1 / (i + 1 + seed) for i in range(51)))
            for task in ("a", "b")
            for seed in range(10)
        ]

    both = [*runs("ours", 0.1), *runs("random", 0.0), Run("c", "ours", 0, (0.0,) * 51)]
    results = Results.of(both, ("ours", "random"), grain=10)
    assert len(results.tasks) == 20
    assert results.ranks(5).mean(axis=1).tolist() == [2, 1]
    assert results.until(1, np.arange(20), 0.1) < results.until(0, np.arange(20), 0.15)
    assert all(p < 0.05 for p in worse_than_random(results, "ours", 5).values())
    low, high = results.interval(lambda rows: results.at(5)[:, rows].mean(axis=1))
    assert (low < results.at(5).mean(axis=1)).all()
    assert (results.at(5).mean(axis=1) < high).all()
