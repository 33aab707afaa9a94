"""Which fresh trainings prove a repair, and what a failed one counts as."""

import numpy as np

from luthier.catalog import metrics
from luthier.core import Curves, History, Part, Recipe, Trial
from luthier.loop.repair.proving import Proving, guess

ONE, OTHER = Recipe(epochs=4), Recipe(epochs=4, l2=1.0)


def test_seeds_are_fresh_and_by_turns():
    steps = Proving((ONE, OTHER), 2)(None, History(seed=7), None)
    assert [(s.recipe, s.seed, s.purpose) for s in steps] == [
        (ONE, 8, "confirm"),
        (OTHER, 8, "confirm"),
        (ONE, 9, "confirm"),
        (OTHER, 9, "confirm"),
    ]


def test_what_is_there_is_not_trained_again():
    done = Trial(0, ONE, 1, "finished", curves=Curves(val_loss=(1.0,) * 4), purpose="confirm")
    steps = Proving((ONE, OTHER), 1)(None, History((done,)), None)
    assert [s.recipe for s in steps] == [OTHER]


def test_a_failed_training_counts_as_guessing():
    target = np.array([0, 0, 0, 1])
    part = Part((np.zeros((4, 2)),), target, None, np.arange(4))
    outputs = guess(part, part, 2, True)
    loss = metrics.by_name("log_loss").compute(outputs, target)
    best = -(3 * np.log(2 / 3) + np.log(1 / 3)) / 4  # with one more of each class seen
    assert abs(loss - best) < 1e-6
    assert guess(part, part, 1, False).tolist() == [[0.0]] * 4
