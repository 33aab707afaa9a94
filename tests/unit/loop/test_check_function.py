"""`luthier.check` with a loss of network and batch: what it sees of what such code does."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import luthier

torch.manual_seed(0)
X = torch.randn(400, 6)
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()


def pairs(x, y):
    return DataLoader(TensorDataset(x, y), 50)


def mlp(outputs=3, *tail):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, outputs), *tail)


def checked(model, data, loss, rate=1e-3, **more):
    optimizer = torch.optim.Adam(model.parameters(), rate)
    return luthier.check(model, data, loss=loss, optimizer=optimizer, **more)


NOISE = torch.randn(64, 2, generator=torch.Generator().manual_seed(5))
SHARES = torch.rand(64, 3, generator=torch.Generator().manual_seed(6)).softmax(1)
STROKES = torch.randn(8, 9, 4, generator=torch.Generator().manual_seed(7))


def teaches(log):
    def loss(model, batch):
        outputs = model(batch[0])
        given = outputs.log_softmax(1) if log else outputs.softmax(1)
        return nn.functional.kl_div(given, batch[1], reduction="batchmean")

    return loss


def aligns(normalised):
    def loss(model, batch):
        given = model(batch).transpose(0, 1)
        given = given.log_softmax(2) if normalised else given
        signs, sizes = torch.ones(8, 2, dtype=torch.long), torch.full((8,), 9)
        return nn.functional.ctc_loss(given, signs, sizes, torch.full((8,), 2))

    return loss


@pytest.mark.parametrize(
    ("loss", "data", "name"),
    [
        (teaches(log=False), (X[:64], SHARES), "kl_div"),
        (aligns(normalised=False), STROKES, "ctc_loss"),
    ],
    ids=["shares", "logits"],
)
def test_a_loss_of_logarithms_that_gets_none_is_found_within_a_function(loss, data, name):
    model = nn.Linear(4, 5) if name == "ctc_loss" else mlp()
    found = checked(model, data, loss).findings[0]
    assert (found.problem, found.severity) == ("wrong_output_activation", "error")
    assert found.summary.startswith(f"{name} takes logarithms of shares, and gets numbers")


def test_a_loss_of_logarithms_that_gets_some_is_fine():
    assert checked(mlp(), (X[:64], SHARES), teaches(log=True)).healthy
    assert checked(nn.Linear(4, 5), STROKES, aligns(normalised=True)).healthy


def denoises(model, batch):
    noise = NOISE + 0.1 * torch.randn(64, 2)
    return nn.functional.mse_loss(model(batch + noise), noise)


@pytest.mark.parametrize(
    ("tail", "problems"),
    [((), ()), ((nn.Sigmoid(),), ("wrong_output_activation",))],
    ids=["as it should be", "through a sigmoid"],
)
def test_what_a_function_compares_is_seen_though_no_data_hold_it(tail, problems):
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 2), *tail)
    found = checked(model, 3 * NOISE.flip(0), denoises, epochs=20)
    assert tuple(one.problem for one in found.findings if one.severity != "info") == problems
    if problems:
        assert "targets reach from -" in found.findings[0].summary


def test_a_softmax_before_a_loss_that_has_its_own_is_found_within_a_function():
    def loss(model, batch):
        inputs, labels = batch
        return nn.functional.cross_entropy(model(inputs), labels)

    problems = checked(mlp(3, nn.Softmax(1)), (X[:64], Y[:64]), loss).problems
    assert problems[0] == "double_softmax"
    assert checked(mlp(), (X[:64], Y[:64]), loss).healthy


def l1_of_a_batch(model, batch):
    inputs, target = batch
    return nn.functional.l1_loss(model(inputs), target)


def squares_of_a_batch(model, batch):
    return nn.functional.mse_loss(model(batch[0]), batch[1])


@pytest.mark.parametrize("loss", [l1_of_a_batch, squares_of_a_batch])
def test_a_function_of_pairs_is_asked_all_that_a_loss_of_outputs_and_targets_is(loss):
    far = 5000 + 300 * X[:, :1] + 3 * X[:, 1:2]
    model = mlp(1)
    same = nn.L1Loss() if loss is l1_of_a_batch else nn.MSELoss()
    apart, together = (
        luthier.check(copy.deepcopy(model), data, epochs=5, seconds=60.0, **how).problems
        for data, how in (((X, far), {"loss_fn": same}), (pairs(X, far), {"loss": loss}))
    )
    assert together[0] == apart[0] == "unscaled_targets"


def test_a_function_that_changes_a_batch_is_no_function_of_pairs():
    def scales(model, batch):
        return nn.functional.mse_loss(model(batch[0]), (batch[1] - 5000) / 300)

    data = pairs(X, 5000 + 300 * X[:, :1])
    assert checked(mlp(1), data, scales, epochs=20).healthy


class WithLoss(nn.Module):
    """As transformers return what they compute: by name, with the loss beside it."""

    def __init__(self, *tail):
        super().__init__()
        self.inner = mlp(3, *tail)

    def forward(self, inputs, labels):
        logits = self.inner(inputs)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


@pytest.mark.parametrize(
    ("tail", "rate", "problem"),
    [
        ((), 1e-3, None),
        ((), 50.0, "learning_rate_out_of_range"),
        ((nn.Softmax(1),), 1e-3, "double_softmax"),
    ],
    ids=["as it should be", "a rate far too high", "a softmax too many"],
)
def test_a_loss_within_the_network_is_seen(tail, rate, problem):
    batch = {"inputs": X[:64], "labels": Y[:64]}
    found = checked(WithLoss(*tail), batch, lambda m, b: m(**b)["loss"], rate, epochs=5)
    loud = [one.problem for one in found.findings if one.severity != "info"]
    assert loud[:1] == ([problem] if problem else [])


def test_a_network_that_a_loss_maps_over_rows_is_checked():
    def loss(model, batch):
        each = torch.func.vmap(lambda row: nn.functional.mse_loss(model(row), row[:1]))
        return each(batch).mean()

    assert checked(mlp(1), X[:64], loss).healthy


def test_weights_of_rows_go_with_their_rows():
    def loss(model, batch):
        inputs, labels = batch
        outputs, target = model(inputs)[:, 0], (labels > 0).float()
        return nn.functional.binary_cross_entropy_with_logits(outputs, target, weight=1 + target)

    def weighs(model, batch):
        inputs, target = batch
        outputs = model(inputs)[:, :1]
        return nn.functional.binary_cross_entropy_with_logits(outputs, target, weight=1 + target)

    assert checked(mlp(), pairs(X, Y), loss).healthy
    assert checked(mlp(), pairs(X, (Y > 0).float()[:, None]), weighs).healthy


def test_a_loss_of_a_single_number_is_asked_nothing_that_takes_rows():
    def loss(model, batch):
        return nn.functional.mse_loss(model(batch).mean(), torch.tensor(1.0))

    assert checked(mlp(), X[:64], loss).healthy
