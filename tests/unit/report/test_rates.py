"""Trainings of a sweep are told as they end; those that are quick, by their rate."""

from luthier.core import RateRun
from luthier.report.rates import RunLines


def told(*runs: RateRun) -> list[str]:
    found: list[str] = []
    lines = RunLines(found.append)
    for run in runs:
        lines("sgd", run)
    lines.close()
    return [line.split("epochs  ")[1].rstrip("\n") for line in found]


def run(rate: float, seed: int, seconds: float, epochs: int = 10) -> RateRun:
    score = 0.1 * seed
    return RateRun(rate, seed, epochs, score, stable=True, seconds=seconds, score=score)


def test_slow_trainings_have_a_line_each():
    assert told(run(0.1, 1, 2.0), run(0.1, 2, 2.0)) == ["seed 1  0.1", "seed 2  0.2"]


def test_quick_ones_of_a_rate_have_one_line_with_their_mean():
    runs = [run(0.1, seed, 0.1) for seed in (1, 2, 3)]
    assert told(*runs, run(0.2, 1, 0.1)) == ["seeds 1 to 3  0.2", "seed 1  0.1"]


def test_a_second_of_training_is_told_at_once():
    assert told(*(run(0.1, seed, 0.5) for seed in (1, 2, 3))) == [
        "seeds 1 to 2  0.15",
        "seed 3  0.3",
    ]


def test_another_length_begins_another_line():
    assert told(run(0.1, 1, 0.1), run(0.1, 2, 0.1, epochs=20)) == ["seed 1  0.1", "seed 2  0.2"]


def test_what_failed_and_what_was_unstable_is_said():
    bad = RateRun(0.1, 2, 10, cause="nan_loss")
    assert told(run(0.1, 1, 0.1), bad) == ["seeds 1 to 2  0.1  1 failed: nan_loss"]
    assert told(bad) == ["seed 2  failed: nan_loss"]
    assert told(RateRun(0.1, 1, 10, 0.3, score=0.3)) == ["seed 1  0.3  unstable"]


def test_a_score_is_told_as_its_metric_has_it_though_losses_decide():
    accurate = RateRun(0.1, 1, 10, loss=-0.9, score=0.9, stable=True)
    assert told(accurate) == ["seed 1  0.9"]


def test_without_trainings_there_is_nothing_to_tell():
    assert told() == []
