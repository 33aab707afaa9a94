"""Rules beside what only looks like their fault: each finds the one and leaves the other alone."""

import numpy as np
import pytest
import torch
from torch import nn

import luthier
from luthier.core import DataFacts, Fit, LayerFacts, LossFacts, OutputFacts, ScheduleFacts, Setup
from luthier.diagnosis.setup import (
    bad_initialisation,
    over_regularised,
    schedule_collapses,
    unscaled_targets,
    vanishing_gradients,
    wrong_output_activation,
)
from luthier.frameworks.torch import TorchFramework
from luthier.frameworks.torch.inspecting.layer_facts import reinitialised

KNOWN = LossFacts("mse", guess=1.0, floor=0.0)


def said(rule, setup):
    found = rule(setup)
    return None if found is None else found.severity


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ((0.1,) * 10 + (0.0,) * 20, "warning"),
        ((0.1,) * 20 + (0.0,) * 10, None),
        (tuple(0.05 * (1 + np.cos(np.pi * i / 29)) for i in range(30)), None),
        ((0.0,) * 20 + (0.1,) * 10, None),
    ],
    ids=["off for most", "off at the end", "a cosine", "frozen at first"],
)
def test_a_rate_of_nothing_counts_where_it_lasts(rates, expected):
    assert said(schedule_collapses, Setup(schedule=ScheduleFacts("StepLR", rates, 30))) == expected


@pytest.mark.parametrize(
    ("kind", "reachable", "expected"),
    [("mse", 0.08, "warning"), ("mse", 0.02, None), ("cross_entropy", 0.08, None)],
    ids=["a fourteenth of the targets below zero", "noise below zero", "logits that are not"],
)
def test_a_last_relu_harms_where_targets_lie_below_zero(kind, reachable, expected):
    loss = LossFacts(kind, guess=1.0, floor=0.0, reachable=reachable)
    output = OutputFacts("relu", shape=(9, 1), target_shape=(9, 1), target_type="numbers")
    assert said(wrong_output_activation, Setup(output=output, loss=loss)) == expected


@pytest.mark.parametrize(
    ("longer", "expected"), [({}, "warning"), ({"own_longer": Fit(300, 1.0, 0.4)}, None)]
)
def test_a_sequence_that_more_steps_learn_is_fine(longer, expected):
    fits = {"adam": Fit(100, 1.0, 0.8), "backwards": Fit(100, 1.0, 0.2), **longer}
    assert said(vanishing_gradients, Setup(loss=KNOWN, fits=fits)) == expected


@pytest.mark.parametrize(
    ("share", "left", "expected"),
    [(0.5, 0.8, "warning"), (0.5, 0.31, "info"), (0.0, 0.45, None)],
    ids=["after the last layer", "harmless so far", "between layers"],
)
def test_dropout_harms_after_the_last_layer(share, left, expected):
    fits = {"with_dropout": Fit(300, 1.0, left), "without_dropout": Fit(300, 1.0, 0.3)}
    setup = Setup(output=OutputFacts(dropout=share), loss=KNOWN, fits=fits)
    assert said(over_regularised, setup) == expected


@pytest.mark.parametrize(("raw", "expected"), [(0.99, "error"), (0.6, "warning"), (0.2, None)])
def test_columns_that_a_loss_hardly_sees_are_found(raw, expected):
    fits = {
        "columns_raw": Fit(500, 1.0, raw, guess=1.0),
        "columns_scaled": Fit(500, 1.0, 0.1, guess=1.0),
    }
    data = DataFacts(target_narrowest=0.2, target_widest=12.0)
    assert said(unscaled_targets, Setup(data=data, loss=KNOWN, fits=fits)) == expected


torch.manual_seed(0)
X = torch.randn(400, 6)
SINE = torch.stack([X[:, 0].sin(), X[:, 3] * X[:, 4]], 1)


def mlp(*tail, units=2, narrow=32, dropout=0.0):
    torch.manual_seed(1)
    first = nn.Linear(6, narrow), nn.ReLU(), nn.Dropout(dropout)
    return nn.Sequential(*first, nn.Linear(narrow, units), *tail)


def inspected(model, target, **more):
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    how = {"loss_fn": nn.MSELoss(), "optimizer": optimizer, "seconds": 60.0, **more}
    return TorchFramework().inspect(model, (X, target), **how)


@pytest.mark.parametrize(
    ("scales", "tried"), [((0.05, 100.0), True), ((1.0, 5.0), False)], ids=["far apart", "alike"]
)
def test_columns_are_tried_where_they_vary_differently(scales, tried):
    setup = inspected(mlp(), SINE * torch.tensor(scales), epochs=20)
    assert ("columns_scaled" in setup.fits) == tried
    if tried:
        assert unscaled_targets(setup).problem == "unscaled_targets"


def test_a_narrow_column_of_noise_is_not_to_be_learnt():
    noise = torch.stack([torch.randn(400), 100 * X[:, 3]], 1)
    found = luthier.check(
        mlp(), (X, noise), loss_fn=nn.MSELoss(), epochs=20,
        optimizer=torch.optim.Adam(mlp().parameters(), 3e-3),
    )  # fmt: skip
    assert not [one for one in found.findings if "hardly sees" in one.summary]


@pytest.mark.parametrize(
    ("model", "tried"),
    [
        (mlp(nn.Dropout(0.5)), True),
        (mlp(narrow=12, dropout=0.5), True),
        (mlp(narrow=32, dropout=0.5), False),
        (mlp(nn.Dropout(0.0)), False),
    ],
    ids=["after the last layer", "six units left", "sixteen left", "off"],
)
def test_dropout_is_tried_where_it_leaves_little(model, tried):
    assert ("with_dropout" in inspected(model, SINE).fits) == tried


def test_the_operation_before_a_last_dropout_is_seen():
    output = inspected(mlp(nn.Softmax(1), nn.Dropout(0.5)), SINE, seconds=0.2).output
    assert output.op == "softmax"
    assert output.dropout == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("frozen", "expected"), [(False, "warning"), (True, None)], ids=["its own", "what was learnt"]
)
def test_weights_that_were_frozen_are_no_start_to_draw_anew(frozen, expected):
    """Adapters begin at zero, beside layers that may be sure of other classes at first."""
    body = LayerFacts("0.layer", "Linear", (64, 64), trained=not frozen, reached=True)
    thin = LayerFacts("0.down", "Linear", (4, 64), trained=True, reached=True)
    loss = LossFacts("cross_entropy", initial=14.2, guess=2.3, floor=0.0)
    fits = {"own": Fit(100, 14.2, 1.9), "reinitialised": Fit(100, 2.4, 1.0)}
    setup = Setup(loss=loss, layers=(body, thin), fits=fits)
    assert said(bad_initialisation, setup) == expected


@pytest.mark.parametrize("frozen", [False, True])
def test_a_copy_that_is_drawn_anew_keeps_what_is_frozen(frozen):
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    model[0].requires_grad_(not frozen)
    first, last = model[0].weight.clone(), model[2].weight.clone()
    reinitialised(model)
    assert torch.equal(model[0].weight, first) is frozen
    assert not torch.equal(model[2].weight, last)
