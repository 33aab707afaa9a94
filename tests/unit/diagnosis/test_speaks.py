"""What each fault that was put into a real training is called, and which rule sees it."""

import pytest

from luthier.core import Curves, Recipe, Run, Task, Trace
from luthier.diagnosis import diagnose_run, run

FOUND = {
    "learning rate 30, momentum": ("learning_rate_too_high", "error"),
    "learning rate 3, adam": ("learning_rate_too_high", "error"),
    "learning rate 100, sgd, regression": ("learning_rate_too_high", "error"),
    "learning rate 1e-7, adamw": ("learning_rate_too_low", "error"),
    "learning rate 1e-5, sgd": ("learning_rate_too_low", "error"),
    "learning rate 1e-5, sgd, regression": ("learning_rate_too_low", "error"),
    "rate ten times too low": ("learning_rate_too_low", "error"),
    "momentum 0.999": ("learning_rate_too_high", "error"),
    "momentum 0.999, regression": ("learning_rate_too_high", "error"),
    "l2 10": ("over_regularised", "error"),
    "l1 3": ("over_regularised", "error"),
    "dropout 0.95": ("over_regularised", "error"),
    "5 epochs": ("too_few_epochs", "warning"),
    "full batch, 20 epochs": ("batch_too_large", "error"),
    "batches of 2": ("batch_too_small", "warning"),
    "width 1": ("underfitting", "info"),
    "100 epochs, no regularisation": ("under_regularised", "info"),
    "rate of 0.2 to the end": ("oscillating", "info"),
    "rate of 1 to the end": ("oscillating", "info"),
    "shuffled labels": ("noisy_labels", "info"),
    "half of the labels shuffled": ("noisy_labels", "info"),
    "the loss negated": ("wrong_gradient_sign", "error"),
    "initial weights thirty times too large": ("bad_initialisation", "error"),
    "softmax before cross-entropy": ("double_softmax", "warning"),
    "gradients clipped to 0.001": ("learning_rate_too_low", "error"),
    "epsilon 1": ("learning_rate_too_low", "error"),
    "no zero_grad": ("gradients_not_zeroed", "error"),
    "no zero_grad, adam": ("gradients_not_zeroed", "error"),
    "no model.eval()": ("evaluation_in_train_mode", "warning"),
    "rate times 0.1 each epoch": ("schedule_collapses", "error"),
    "rate times 0.1 each epoch, five epochs": ("schedule_collapses", "error"),
    "rate times 0.1 each epoch, in a variable": ("schedule_not_applied", "warning"),
    "a schedule of epochs stepped each batch": ("schedule_collapses", "error"),
    "a schedule that is never stepped": ("schedule_not_applied", "warning"),
    "layers in a plain list": ("parameters_not_trained", "error"),
    "a head replaced after the optimizer was made": ("parameters_not_trained", "warning"),
    "features detached": ("parameters_not_trained", "warning"),
    "sorted rows, never shuffled": ("unshuffled_data", "warning"),
    "biases that begin far below zero": ("dead_units", "error"),
    "raw inputs and a high rate": ("learning_rate_too_high", "error"),
    "tanh with huge weights": ("saturated_units", "warning"),
    "ten layers of sigmoid": ("vanishing_gradients", "error"),
    "recurrence that grows": ("learning_rate_too_high", "error"),
    "a wide layer, l2 0.01": ("over_regularised", "warning"),
    "a wide layer, l2 0.01 in the loss": ("over_regularised", "warning"),
    "a wide layer, l2 0.01 in the optimizer": ("over_regularised", "warning"),
}
SPEAKS = {
    "nan_loss": "learning rate 100, sgd, regression",
    "learning_rate_too_high": "learning rate 3, adam",
    "learning_rate_too_low": "learning rate 1e-7, adamw",
    "wrong_gradient_sign": "the loss negated",
    "diverging": "momentum 0.999",
    "oscillating": "rate of 1 to the end",
    "late_variance": "rate of 0.2 to the end",
    "not_learning": "l2 10",
    "over_regularised": "dropout 0.95",
    "bad_initialisation": "initial weights thirty times too large",
    "double_softmax": "softmax before cross-entropy",
    "batch_too_large": "full batch, 20 epochs",
    "batch_too_small": "batches of 2",
    "slow_convergence": "rate ten times too low",
    "too_few_epochs": "5 epochs",
    "overfitting": "100 epochs, no regularisation",
    "under_regularised": "100 epochs, no regularisation",
    "underfitting": "width 1",
    "too_many_epochs": "100 epochs, no regularisation",
    "noisy_labels": "shuffled labels",
    "gradients_not_zeroed": "no zero_grad",
    "evaluation_in_train_mode": "no model.eval()",
    "schedule_collapses": "rate times 0.1 each epoch, five epochs",
    "schedule_not_applied": "rate times 0.1 each epoch, in a variable",
    "parameters_not_trained": "layers in a plain list",
    "unshuffled_data": "sorted rows, never shuffled",
    "dead_units": "biases that begin far below zero",
    "saturated_units": "tanh with huge weights",
    "vanishing_gradients": "ten layers of sigmoid",
    "exploding_gradients": "recurrence that grows",
    "plateau": "a rate that vanishes",
    "loss_spikes": "a rate at the edge",
    "validation_leak": "cleaner validation",
}


@pytest.mark.parametrize("fault", FOUND)
def test_a_fault_is_called_by_its_name(faulty_runs, fault):
    found = diagnose_run(faulty_runs[fault]).findings
    assert found, "silent"
    assert (found[0].problem, found[0].severity) == FOUND[fault]


@pytest.mark.parametrize("rule", run.ALL, ids=lambda rule: rule.__name__)
def test_every_rule_speaks_on_a_real_training(faulty_runs, rule):
    if rule.__name__ not in SPEAKS:
        pytest.skip("of another suite")
    finding = rule(faulty_runs[SPEAKS[rule.__name__]])
    assert finding is not None
    assert finding.problem == rule.__name__


def test_a_learning_rate_comes_with_the_one_to_use(faulty_runs):
    first = diagnose_run(faulty_runs["learning rate 3, adam"]).findings[0].prescriptions[0]
    assert first.settings == "learning_rate: 3 → 0.001"


def test_a_log_that_stays_at_guessing_is_seen_whichever_metric_stands_first(faulty_runs):
    curves = faulty_runs["l2 10"].curves
    plain = Curves(curves.train_loss, val_loss=curves.val_loss, metrics=curves.metrics)
    assert next(iter(plain.metrics)) != "accuracy"
    (finding,) = diagnose_run(Run(plain)).findings
    assert (finding.problem, finding.severity) == ("not_learning", "error")


def test_what_shortens_steps_is_set_back(faulty_runs):
    for fault, settings in (
        ("gradients clipped to 0.001", "clip_norm: 0.001 → 1"),
        ("epsilon 1", "epsilon: 1 → 1e-08"),
    ):
        first = diagnose_run(faulty_runs[fault]).findings[0].prescriptions[0]
        assert first.settings == settings


def test_what_follows_from_a_cause_is_no_finding_of_its_own(faulty_runs):
    (finding,) = diagnose_run(faulty_runs["learning rate 100, sgd, regression"]).findings
    assert finding.consequences == ("nan_loss",)


def falling(epochs, start=1.0, share=0.7, floor=0.1):
    return tuple(floor + (start - floor) * share**i for i in range(epochs))


TEN = Task("classification", "val_loss", "minimize", (4,), 10)
UP = tuple(0.5 + 0.05 * max(0, 6 - i) + 0.04 * max(0, i - 6) for i in range(20))
SILENT = {
    "one bad epoch at the end": Curves(
        train_loss=falling(20), train_loss_eval=falling(20), val_loss=(*falling(19), 0.5)
    ),
    "flat within noise": Curves(
        train_loss=falling(20),
        train_loss_eval=falling(20),
        val_loss=(*falling(10, floor=0.3), *[0.31 + 0.01 * (-1) ** i for i in range(10)]),
    ),
    "a drop of a step schedule": Curves(
        train_loss=(*falling(10, floor=0.5), *falling(10, start=0.3, floor=0.2)),
        val_loss=(*falling(10, floor=0.6), *falling(10, start=0.4, floor=0.3)),
        learning_rate=(0.1,) * 10 + (0.01,) * 10,
    ),
    "a cosine that ends at zero": Curves(
        train_loss=falling(20, share=0.8), val_loss=falling(20, share=0.8, floor=0.2)
    ),
    "fine-tuning for three epochs": Curves(train_loss=(0.4, 0.3, 0.25), val_loss=(0.35, 0.3, 0.3)),
    "fine-tuning with a small rate": Curves(
        train_loss=(0.31, 0.30, 0.29, 0.29, 0.285), val_loss=(0.33, 0.32, 0.32, 0.32, 0.32)
    ),
    "a resumed training that had converged": Curves(
        train_loss=tuple(0.2 + 0.002 * (-1) ** i for i in range(12)),
        val_loss=tuple(0.25 + 0.002 * (-1) ** (i // 2) for i in range(12)),
    ),
    "one spike": Curves(
        train_loss=(*falling(9), 0.9, *falling(20)[10:]),
        val_loss=(*falling(9), 0.9, *falling(20)[10:]),
    ),
    "spikes that validation does not show": Curves(
        train_loss=tuple(one + 0.5 * (i in (6, 10, 14)) for i, one in enumerate(falling(20))),
        train_loss_eval=falling(20),
        val_loss=falling(20, floor=0.2),
    ),
    "a step schedule whose last third is calm": Curves(
        train_loss=(*falling(14), *(0.1,) * 7),
        val_loss=(*falling(14, floor=0.2), *(0.2,) * 7),
        learning_rate=(0.1,) * 7 + (0.01,) * 7 + (0.001,) * 7,
    ),
    "an easy validation part": Curves(
        train_loss_eval=falling(15, floor=0.4), val_loss=falling(15, floor=0.3)
    ),
    "validation below training, for dropout": Curves(
        train_loss=falling(15, floor=0.4), val_loss=falling(15, floor=0.3)
    ),
}


@pytest.mark.parametrize("name", SILENT)
@pytest.mark.parametrize("recipe", [None, Recipe()], ids=["log", "recipe"])
def test_what_looks_odd_and_is_fine_gets_no_alarm(name, recipe):
    diagnosis = diagnose_run(Run(SILENT[name], recipe))
    assert diagnosis.healthy, str(diagnosis)


def test_overfitting_is_an_alarm_only_where_the_best_weights_are_lost():
    train = falling(20)
    fair = Curves(train_loss=train, train_loss_eval=train, val_loss=UP)
    running = Curves(train_loss=train, val_loss=UP)
    kept = Trace(facts={"keeps_best": True})
    assert diagnose_run(Run(fair, task=TEN)).worst == "warning"
    assert diagnose_run(Run(fair, task=TEN, trace=kept)).worst == "info"
    assert diagnose_run(Run(running, task=TEN)).worst == "info"


def test_oscillation_is_an_alarm_only_where_the_best_weights_are_lost(faulty_runs):
    for name in ("rate of 0.2 to the end", "rate of 1 to the end"):
        kept = faulty_runs[name]
        lost = Run(kept.curves, kept.recipe, kept.task)
        assert run.oscillating(kept).severity == "info"
        assert run.oscillating(lost).severity == "warning"
        assert run.oscillating(lost).prescriptions[0].settings == "schedule: constant → cosine"


@pytest.mark.parametrize(
    ("keys", "settings"),
    [
        ({"learning_rate": 3e-3, "preprocessing": "none"}, "preprocessing: none → standard"),
        ({"learning_rate": 0.5}, "learning_rate: 0.5 → 0.001"),
        ({"learning_rate": 1e-3}, ""),
    ],
    ids=["inputs as they came", "a high rate", "neither"],
)
def test_a_loss_that_never_was_a_number_gets_the_advice_that_fits(keys, settings):
    recipe = Recipe(optimizer="adam").replace(keys)
    never = Run(Curves((float("nan"),) * 3), recipe, TEN)
    assert run.nan_loss(never).prescriptions[0].settings == settings


def test_overfitting_is_none_of_the_deciding_metric_goes_on_rising():
    metrics = {"accuracy": tuple(0.5 + 0.01 * i for i in range(20))}
    curves = Curves(train_loss_eval=falling(20), val_loss=UP, metrics=metrics)
    assert diagnose_run(Run(curves)).worst == "info"


def test_adversaries_may_do_what_they_like():
    climbs = (1.0, 1.1, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 9.0)
    run = Run(Curves(train_loss=climbs, val_loss=climbs), trace=Trace(facts={"adversarial": True}))
    assert diagnose_run(run).findings == ()
