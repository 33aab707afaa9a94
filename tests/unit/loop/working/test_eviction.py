"""Checkpoints are given up worst first, and the baseline's never."""

from luthier.core import Curves, History, Recipe, Trial
from luthier.loop.working.eviction import FINISHED, PAUSED, evictions


def trial(number: int, loss: float, state: str = "paused", stored: bool = True) -> Trial:
    curves = Curves(metrics={"val_loss": (loss,)})
    return Trial(number, Recipe(), 0, state, curves=curves, stored=stored)


def gone(*trials: Trial, direction: str = "minimize") -> list[int]:
    return evictions(History(trials, direction=direction), paused=2, finished=1)


def test_the_best_paused_and_finished_ones_stay():
    paused = [trial(n, loss) for n, loss in [(1, 0.4), (2, 0.1), (3, 0.3), (4, 0.2)]]
    finished = [trial(n, loss, "finished") for n, loss in [(5, 0.9), (6, 0.5), (7, 0.7)]]
    assert gone(*paused, *finished) == [1, 3, 5, 7]


def test_the_winner_stays_though_another_had_a_luckier_epoch():
    calm = (1.0, *([0.4] * 32))
    lucky = (*([0.9] * 16), 0.3, *([0.9] * 16))
    trials = [
        Trial(n, Recipe(), 0, "finished", curves=Curves(metrics={"val_loss": losses}), stored=True)
        for n, losses in ((1, lucky), (2, calm))
    ]
    assert gone(*trials) == [1]
    assert History(tuple(trials)).best == trials[1]


def test_best_is_what_the_direction_says():
    trials = [trial(n, score) for n, score in [(1, 0.4), (2, 0.1), (3, 0.3)]]
    assert gone(*trials, direction="maximize") == [2]


def test_the_baseline_stays_to_be_compared_with():
    assert gone(*(trial(n, 1.0 - n / 10) for n in range(4))) == [1]


def test_of_equals_the_first_stays():
    assert gone(*(trial(n, 0.5) for n in range(1, 5))) == [3, 4]


def test_what_runs_waits_or_holds_nothing_is_left_alone():
    states = [trial(n, n, state) for n, state in enumerate(["running", "waiting", "failed"], 3)]
    empty = [trial(n, n, stored=False) for n in range(6, 10)]
    assert gone(trial(1, 0.1), trial(2, 0.2), *states, *empty) == []


def test_a_study_keeps_a_bounded_number():
    trials = [trial(n, n) for n in range(1, 200)]
    trials += [trial(n, n, "finished") for n in range(200, 220)]
    assert len(trials) - len(evictions(History(tuple(trials)))) == PAUSED + FINISHED
