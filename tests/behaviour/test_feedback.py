"""A search that reads diagnoses of its trials closes rates that blow up."""

import luthier
from luthier.core import Float


def test_rates_that_blow_up_are_left_alone():
    ranges = {"learning_rate": Float(1e-3, 100.0, log=True)}
    rates = {}
    for feedback in (False, True):
        study = luthier.tune(
            "mlp",
            "wine",
            recipe={"optimizer": "sgd", "epochs": 5, "schedule": "constant"},
            space=ranges,
            strategy="random",
            budget="16 trials",
            storage="sqlite://",
            engine="torch_eager",
            feedback=feedback,
        )
        rates[feedback] = [t.recipe.learning_rate for t in study.history.searched.trials]
    # A decision draws the same point of a range; with feedback the range is a smaller one.
    assert max(rates[True][-6:]) < max(rates[False][-6:])
    assert rates[True][:3] == rates[False][:3]
