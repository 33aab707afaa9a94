"""`luthier.check`: what it says, what it takes, and that it leaves everything as it was."""

import copy
import random
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset

import luthier

torch.manual_seed(0)
X = torch.randn(400, 6)
Y = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()


def loader(x, y):
    return DataLoader(TensorDataset(x, y), 50)


def network(*tail):
    torch.manual_seed(1)
    layers = nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3)
    return nn.Sequential(*layers, *tail)


def checked(model=None, data=(X, Y), optimizer=None, **more):
    model = model or network()
    optimizer = optimizer or torch.optim.Adam(model.parameters(), 1e-3)
    if "loss" not in more:
        more.setdefault("loss_fn", nn.CrossEntropyLoss())
    return luthier.check(model, data, optimizer=optimizer, **more)


def everything(model, optimizer, loader):
    modules = [(type(m).__name__, m.training, len(m._forward_hooks)) for m in model.modules()]
    values = [t.clone() for t in (*model.parameters(), *model.buffers())]
    grads = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    numbers = np.random.get_state()[1].tolist()
    states = [torch.get_rng_state(), loader.generator.get_state()]
    plain = (modules, copy.deepcopy(optimizer.state_dict()), random.getstate(), numbers)
    return plain, [*values, *states], grads


def same(a, b):
    assert a[0][0] == b[0][0]
    assert a[0][2:] == b[0][2:]
    assert str(a[0][1]) == str(b[0][1])
    assert all(torch.equal(x, y) for x, y in zip(a[1], b[1], strict=True))
    for x, y in zip(a[2], b[2], strict=True):
        assert (x is None) == (y is None)
        assert x is None or torch.equal(x, y)


def boom(outputs, targets):
    raise ArithmeticError("out of luck")


@pytest.mark.parametrize("fails", [False, True], ids=["it runs", "it fails"])
def test_nothing_of_the_users_is_changed(fails):
    model = network()
    model[4].eval()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    nn.functional.cross_entropy(model(X), Y).backward()
    optimizer.step()
    generator = torch.Generator().manual_seed(3)
    loader = DataLoader(TensorDataset(X, Y), 32, shuffle=True, generator=generator)
    before = everything(model, optimizer, loader)
    how = {"loss": lambda model, batch: boom(0, 0)} if fails else {}
    expected = pytest.raises(luthier.LuthierError, match="out of luck")
    with expected if fails else nullcontext():
        checked(model, loader, optimizer, **how)
    same(before, everything(model, optimizer, loader))


def test_a_healthy_set_up_is_one_calm_line():
    found = checked(epochs=20)
    assert found.healthy
    assert str(found).startswith("Nothing wrong found. Looked at 400 rows, 2 layers")


@pytest.mark.parametrize(
    "data",
    [
        (X.numpy(), Y.numpy()),
        (X.numpy().astype("float64"), Y.numpy().astype("int32")),
        DataLoader(TensorDataset(X, Y), 50),
        TensorDataset(X, Y),
        ((X[:300], Y[:300]), (X[300:], Y[300:])),
        (loader(X[:300], Y[:300]), loader(X[300:], Y[300:])),
    ],
    ids=["arrays", "other types", "loader", "data set", "two parts", "two loaders"],
)
def test_data_come_in_many_forms(data):
    loss = nn.CrossEntropyLoss()
    found = checked(data=data, loss_fn=lambda outputs, targets: loss(outputs, targets.long()))
    assert found.healthy, str(found)


def test_any_batch_goes_with_a_loss_of_network_and_batch():
    batch = {"rows": X[:64], "labels": Y[:64]}
    found = checked(
        data=batch,
        loss=lambda model, b: nn.functional.cross_entropy(model(b["rows"]), b["labels"]),
    )
    assert found.healthy, str(found)


def test_validation_rows_that_were_trained_on_are_found():
    found = checked(data=((X, Y), (X[:100], Y[:100])))
    assert found.problems[0] == "leaked_rows"


def test_duplicates_that_are_as_common_in_training_are_none_of_its_business():
    twice, labels = torch.cat([X, X]), torch.cat([Y, Y])
    order = torch.randperm(800)
    a, b = order[:600], order[600:]
    found = checked(data=((twice[a], labels[a]), (twice[b], labels[b])))
    assert "leaked_rows" not in found.problems or found.healthy


def test_validation_rows_that_were_not_scaled_are_found():
    found = checked(data=((X, Y), (X * 50 + 300, Y)))
    assert found.problems[0] == "split_mismatch"


def test_a_series_that_grows_beyond_what_was_trained_on_is_found():
    later = X.clone()
    later[:, :] += 2.5 * X.max()
    assert checked(data=((X, Y), (later * 0.5, Y))).problems[0] == "split_mismatch"
    assert "split_mismatch" not in checked(data=((X[:200], Y[:200]), (X[200:], Y[200:]))).problems


def test_an_exponential_before_a_loss_of_logarithms_is_found():
    class Rate(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))

        def forward(self, x):
            return self.body(x).exp()

    torch.manual_seed(0)
    counts = torch.poisson((X[:, :1] - 0.5).exp())
    found = checked(Rate(), (X, counts), loss_fn=nn.PoissonNLLLoss())
    assert found.problems[0] == "wrong_output_activation"
    assert checked(Rate(), (X, counts), loss_fn=nn.PoissonNLLLoss(log_input=False)).healthy
    assert checked(Rate().body, (X, counts), loss_fn=nn.PoissonNLLLoss()).healthy


def test_a_feature_that_is_the_target_is_found():
    labels = (X[:, 0] + 2 * torch.randn(400) > 0).long()
    leaking = torch.cat([X[:, :5], labels[:, None].float()], 1)
    assert "leaked_target" in checked(data=(leaking, labels)).problems


def test_a_rate_that_is_cut_to_a_tenth_each_epoch_is_told_before_training():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    found = checked(model, optimizer=optimizer, scheduler=ExponentialLR(optimizer, 0.1), epochs=100)
    assert found.problems[0] == "schedule_collapses"
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(
    "schedule",
    [
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 100),
        lambda o: torch.optim.lr_scheduler.StepLR(o, 30),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, 100),
        lambda o: torch.optim.lr_scheduler.ReduceLROnPlateau(o),
        lambda o: ExponentialLR(o, 0.95),
    ],
    ids=["cosine", "steps", "one cycle", "plateau", "exponential"],
)
def test_schedules_that_people_use_are_fine(schedule):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    found = checked(model, optimizer=optimizer, scheduler=schedule(optimizer), epochs=100)
    assert found.healthy, str(found)


def test_a_rate_of_nothing_for_most_of_the_epochs_is_told_before_training():
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    off = torch.optim.lr_scheduler.StepLR(optimizer, 5, gamma=0)  # meant as no schedule at all
    found = checked(model, optimizer=optimizer, scheduler=off, epochs=30, seconds=0.2).findings
    assert [(one.problem, one.severity) for one in found] == [("schedule_collapses", "warning")]
    assert "0 in 5 of 30" in found[0].summary


def test_a_schedule_of_another_optimizer_is_found():
    model = network()
    other = torch.optim.SGD(model.parameters(), 0.1)
    assert checked(model, scheduler=ExponentialLR(other, 0.9)).problems[0] == "schedule_not_applied"


def test_a_penalty_that_outweighs_the_loss_is_found():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 4096), nn.ReLU(), nn.Linear(4096, 3))
    cross_entropy = nn.CrossEntropyLoss()

    def loss(outputs, targets):
        penalty = sum((p**2).sum() for p in model.parameters() if p.ndim > 1)
        return cross_entropy(outputs, targets) + 0.01 * penalty

    assert checked(model, loss_fn=loss, epochs=10).problems[0] == "over_regularised"

    def whole(m, batch):
        penalty = sum((p**2).sum() for p in m.parameters() if p.ndim > 1)
        return cross_entropy(m(batch[0]), batch[1]) + 0.01 * penalty

    found = checked(model, data=DataLoader(TensorDataset(X, Y), 50), loss=whole, epochs=10)
    assert found.problems[0] == "over_regularised"


def test_a_loss_that_is_negated_is_found():
    entropy = nn.CrossEntropyLoss()
    found = checked(loss_fn=lambda outputs, targets: -entropy(outputs, targets))
    assert found.problems[0] == "wrong_gradient_sign"


class Sequences(nn.Module):
    def __init__(self, layer, permute=False):
        super().__init__()
        self.layer, self.head, self.permute = layer, nn.Linear(16, 2), permute

    def forward(self, x):
        out, _ = self.layer(x.transpose(0, 1) if self.permute else x)
        return self.head(out[-1] if self.permute else out[:, -1])


S = torch.randn(200, 7, 3)
MIXING = {
    "an LSTM that takes time first": (Sequences(nn.LSTM(3, 16)), S, True),
    "one that takes rows first": (Sequences(nn.LSTM(3, 16, batch_first=True)), S, False),
    "one that gets time first": (Sequences(nn.LSTM(3, 16), permute=True), S, False),
    "one sequence, step by step": (nn.Sequential(nn.Linear(3, 16), nn.LSTM(16, 2)), S[:, 0], False),
    "normalisation by the batch alone": (
        nn.Sequential(nn.Flatten(), nn.BatchNorm1d(21, momentum=None, track_running_stats=False),
                      nn.Linear(21, 2)), S, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXING)
def test_rows_that_mix_are_found(name):
    model, x, mixes = MIXING[name]
    labels = (S[:, 0].sum(1) > 0).long()
    loss = nn.CrossEntropyLoss()
    found = checked(
        model, (x, labels), loss_fn=lambda o, t: loss(o[0] if isinstance(o, tuple) else o, t)
    )
    assert (
        "output_shape" in [one.problem for one in found.findings if one.severity != "info"]
    ) == mixes


def column_of(model, scale):
    nn.init.normal_(model[-1].weight, std=scale)
    return model


def squares(outputs, targets):
    return ((outputs - targets) ** 2).mean()


def entropy(outputs, targets):
    shares = outputs.sigmoid()
    return -(targets * shares.log() + (1 - targets) * (1 - shares).log()).mean()


@pytest.mark.parametrize(
    ("loss_fn", "scale"), [(squares, 1.0), (squares, 1e-5), (nn.L1Loss(), 1e-5), (entropy, 1e-5)]
)
def test_targets_that_are_held_against_all_rows_are_found(loss_fn, scale):
    torch.manual_seed(0)
    model = column_of(nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1)), scale)
    found = checked(model, (X, (X[:, 0] > 0).float()), loss_fn=loss_fn, seconds=0.2)
    first = found.findings[0]
    assert (first.problem, first.severity) == ("output_shape", "error")


def by_itself(outputs, targets):
    return squares(outputs.squeeze(1), targets)


def turned(outputs, targets):
    return squares(outputs.transpose(1, 2), targets)


@pytest.mark.parametrize(
    ("loss_fn", "tail", "target"),
    [
        (by_itself, nn.Identity(), X[:, 0].sin()),
        (turned, nn.Sequential(nn.Linear(1, 20), nn.Unflatten(1, (4, 5))), torch.rand(400, 5, 4)),
    ],
    ids=["it squeezes outputs", "it permutes outputs"],
)
def test_a_loss_that_brings_shapes_together_by_itself_is_fine(loss_fn, tail, target):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1), tail)
    found = checked(model, (X, target), loss_fn=loss_fn, seconds=0.2)
    assert "output_shape" not in [one.problem for one in found.findings]


def test_inputs_and_targets_that_harm_together_are_found_together():
    torch.manual_seed(0)
    x, y = X * 500 + 2000, X[:, :1] * 100 + 300
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    found = checked(model, (x, y), optimizer, loss_fn=nn.MSELoss(), epochs=20)
    assert found.problems[0] == "unscaled_inputs"
    assert "unscaled_targets" in found.findings[0].consequences


def test_inputs_that_were_divided_twice_are_found_although_the_rate_is_low():
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    assert checked(model, (X / 1000, Y), optimizer, epochs=50).problems[0] == "unscaled_inputs"


def test_a_penalty_on_absolute_weights_is_taken_apart():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 512), nn.ReLU(), nn.Linear(512, 3))
    entropy = nn.CrossEntropyLoss()

    def loss(outputs, targets):
        return entropy(outputs, targets) + 0.05 * sum(p.abs().sum() for p in model.parameters())

    assert checked(model, loss_fn=loss, epochs=10).problems[0] == "over_regularised"


def test_a_whole_set_as_one_batch_that_takes_too_few_steps_is_found():
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.001)
    found = checked(model, optimizer=optimizer, epochs=30, batch_size=400)
    assert found.problems[0] == "learning_rate_too_low"


def test_a_dropout_that_leaves_nothing_is_found():
    drop = [nn.Dropout(0.95), nn.Linear(16, 16), nn.ReLU(), nn.Dropout(0.95), nn.Linear(16, 3)]
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), *drop)
    assert checked(model, epochs=20).problems[0] == "over_regularised"


def test_a_weight_that_is_no_parameter_is_found():
    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.randn(6, 16, requires_grad=True)
            self.out = nn.Linear(16, 3)

        def forward(self, x):
            return self.out(torch.relu(x @ self.weight))

    assert checked(ByHand()).problems[0] == "parameters_not_trained"


def test_a_sum_of_two_losses_is_not_taken_for_one_of_them():
    y = torch.cat([(X[:, :1] > 0).float(), X[:, 1:2] * 3], 1)
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))

    def loss(outputs, target):
        binary = nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], target[:, 0])
        return binary + nn.functional.mse_loss(outputs[:, 1], target[:, 1])

    assert checked(model, (X, y), loss_fn=loss).healthy


class LoRA(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(6, 32).requires_grad_(False)
        self.a, self.b = nn.Linear(6, 2, bias=False), nn.Linear(2, 32, bias=False)
        nn.init.zeros_(self.b.weight)
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(torch.relu(self.base(x) + self.b(self.a(x))))


def contrastive(model, batch):
    z = nn.functional.normalize(model(batch[0]), dim=1)
    return nn.functional.cross_entropy(z @ z.T / 0.1, torch.arange(len(z)))


class Words(nn.Module):
    """Word vectors with sparse gradients."""

    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(50, 8, sparse=True), nn.Linear(8, 3)
        self.out.requires_grad_(False)

    def forward(self, x):
        return self.out(self.embed(x).mean(1))


WORDS = torch.randint(0, 50, (400, 5), generator=torch.Generator().manual_seed(0))
SILENT = {
    "sparse gradients": {
        "model": Words(),
        "data": (WORDS, (WORDS.sum(1) % 3)),
        "optimizer": lambda m: torch.optim.SparseAdam([m.embed.weight], 0.01),
    },
    "LoRA": {"model": LoRA()},
    "a loss below zero": {"loss": lambda m, b: -m(b[0]).log_softmax(1).mean() * -1 - 5},
    "contrastive": {"data": DataLoader(TensorDataset(X, Y), 64), "loss": contrastive},
    "generator against critic": {"loss": lambda m, b: -m(b[0]).mean(), "data": (X[:64], Y[:64])},
    "an autoencoder": {
        "model": nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 6)),
        "data": (X, X),
        "loss_fn": nn.MSELoss(),
    },
    "a linear autoencoder": {
        "model": nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6)),
        "data": (X, X),
        "loss_fn": nn.MSELoss(),
    },
    "imbalance alone": {"data": (X, (X[:, 0] > 1.9).long())},
    "fine-tuning at a small rate": {
        "optimizer": lambda m: torch.optim.AdamW(m.parameters(), 2e-5),
        "epochs": None,
    },
}


@pytest.mark.parametrize("name", SILENT)
def test_what_looks_odd_and_is_fine_gets_no_alarm(name):
    how = dict(SILENT[name])
    make = how.pop("optimizer", None)
    if make is not None:
        how.setdefault("model", network())
        how["optimizer"] = make(how["model"])
    found = checked(**how)
    assert found.healthy, str(found)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"model": 3, "optimizer": torch.optim.SGD([X], 1.0)}, "a torch.nn.Module was expected"),
        ({"data": (X, Y[:7])}, "400 rows and targets have 7"),
        ({"data": (X[:, :2], Y)}, "the network raised"),
        ({"data": None}, "data=(X, y)"),
        ({"loss": lambda m, b: 3.0, "data": (X, Y)}, "a tensor was expected"),
    ],
)
def test_a_mistake_is_one_clear_message(how, text):
    with pytest.raises(luthier.LuthierError) as caught:
        checked(**how)
    assert text in str(caught.value)


def test_a_loss_of_outputs_and_targets_is_told_its_own_argument():
    model = nn.Linear(64, 10)
    with pytest.raises(luthier.LuthierError, match=r"Pass loss_fn=CrossEntropyLoss\(\.\.\.\)"):
        luthier.check(model, (X, Y), loss=nn.CrossEntropyLoss())


def test_without_a_loss_it_says_how_to_give_one():
    with pytest.raises(luthier.LuthierError, match="no loss was given"):
        luthier.check(network(), (X, Y))


class Graph(nn.Module):
    def __init__(self, nodes):
        super().__init__()
        near = torch.rand(nodes, nodes) < 0.05
        self.register_buffer("near", (near | near.T | torch.eye(nodes).bool()) / 10.0)
        self.first, self.second = nn.Linear(6, 16), nn.Linear(16, 3)

    def forward(self, x):
        return self.near @ self.second((self.near @ self.first(x)).relu())


def test_a_network_that_takes_all_rows_or_none_is_looked_at_with_all_of_them():
    torch.manual_seed(0)
    found = checked(Graph(len(X)), batch_size=len(X))
    assert found.healthy
    assert "one_batch" not in str(found)


def entropy(outputs, labels):
    return nn.functional.cross_entropy(outputs, labels)


@pytest.mark.parametrize("loss_fn", [entropy, nn.CrossEntropyLoss()], ids=["function", "module"])
def test_what_is_compiled_is_checked_as_it_is_without(loss_fn):
    compiled = 0

    def backend(graph, inputs):
        nonlocal compiled
        compiled += 1
        return graph.forward

    model, loss_fn = (torch.compile(one, backend=backend) for one in (network(), loss_fn))
    assert checked(model, loss_fn=loss_fn).healthy
    assert compiled == 0
