"""The engine takes the steps of a plain PyTorch loop with torch.optim."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from luthier import engines, frameworks
from luthier.catalog import optimizers
from luthier.core import Build, Recipe
from luthier.engines.torch_eager.batches import Batches
from luthier.frameworks.torch.script_parts import LION
from luthier.testing import arrays as data
from luthier.testing.bench import Bench

EPOCHS = 9  # of 7 steps each
SEED = 5
MODEL = {"width": 4, "depth": 1, "normalisation": "none"}


def lion(parameters, lr, betas):
    names = {"torch": torch}
    exec(LION, names)
    return names["Lion"](parameters, lr, betas)


TORCH = {
    "sgd": lambda p, r: torch.optim.SGD(p, r),
    "momentum": lambda p, r: torch.optim.SGD(p, r, momentum=0.9),
    "nesterov": lambda p, r: torch.optim.SGD(p, r, momentum=0.9, nesterov=True),
    "rmsprop": lambda p, r: torch.optim.RMSprop(p, r, alpha=0.99),
    "adagrad": lambda p, r: torch.optim.Adagrad(p, r),
    "adadelta": lambda p, r: torch.optim.Adadelta(p, r),
    "adam": lambda p, r: torch.optim.Adam(p, r),
    "adamw": lambda p, r: torch.optim.AdamW(p, r, weight_decay=0.0),
    "nadam": lambda p, r: torch.optim.NAdam(p, r),
    "radam": lambda p, r: torch.optim.RAdam(p, r),
    "adamax": lambda p, r: torch.optim.Adamax(p, r),
    "lion": lambda p, r: lion(p, r, (0.9, 0.99)),
}


class Net(nn.Module):
    """Tied and frozen kernels, batch norm, biases: what penalties must tell apart."""

    def __init__(self, n_features, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_features, n_features)
        self.second = nn.Linear(n_features, n_features)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(n_features)
        self.frozen = nn.Linear(n_features, n_features).requires_grad_(False)
        self.last = nn.Linear(n_features, n_outputs)

    def forward(self, x):
        # Batch norm comes after the activation: a bias just before it has no gradient but rounding
        # noise, of which adagrad and lion would make full steps.
        x = self.norm(torch.tanh(self.second(torch.tanh(self.first(x)))))
        return self.last(torch.tanh(self.frozen(x)))


def net(n_features, n_outputs):
    return Net(n_features, n_outputs)


def recipe_of(optimizer):
    member = optimizers.by_name(optimizer)
    return Recipe(
        network="net",
        optimizer=optimizer,
        **{**member.usual, "learning_rate": min(0.02, 10 * member.default_learning_rate)},
        schedule="cosine",
        warmup=0.1,
        epochs=EPOCHS,
        batch_size=8,
        l1=1e-3,
        l2=1e-2,
        weight_decay=0.1,
        clip_norm=0.5,
        label_smoothing=0.1,
        precision="float64",
    )


def cosine_with_warmup(step, total, top):
    warm = round(0.1 * total)
    if step < warm:
        return top * (step + 1) / warm
    return top * (1 + np.cos(np.pi * (step - warm) / (total - warm))) / 2


def plain_loop(module, recipe, arrays):
    """What a careful user of PyTorch would write."""
    x = torch.from_numpy(arrays.train.inputs[0]).double()
    y = torch.from_numpy(arrays.train.target)
    parameters = [p for p in module.parameters() if p.requires_grad]
    kernels = [p for p in parameters if p.ndim >= 2]
    optimizer = TORCH[recipe.optimizer](parameters, recipe.learning_rate)
    batches = Batches.of(len(x), recipe.batch_size)
    step, clipped, losses, penalties = 0, 0, [], []
    for epoch in range(recipe.epochs):
        for rows in batches.order(SEED, epoch):
            rate = cosine_with_warmup(step, recipe.epochs * batches.steps, recipe.learning_rate)
            optimizer.param_groups[0]["lr"] = rate
            loss = functional.cross_entropy(module(x[rows]), y[rows], label_smoothing=0.1)
            penalty = sum(recipe.l1 * p.abs().sum() + recipe.l2 * p.square().sum() for p in kernels)
            optimizer.zero_grad()
            (loss + penalty).backward()
            norm = nn.utils.clip_grad_norm_(parameters, recipe.clip_norm)
            clipped += bool(norm > recipe.clip_norm)
            with torch.no_grad():
                for p in kernels:
                    p.mul_(1 - rate * recipe.weight_decay)
            optimizer.step()
            step += 1
            losses.append(float(loss.detach()))
            penalties.append(float(penalty.detach()))
    assert step >= 60
    assert 0 < clipped < step, "clipping must matter, and not always"
    per_epoch = (recipe.epochs, batches.steps)
    return np.reshape(losses, per_epoch).mean(1), np.reshape(penalties, per_epoch).mean(1)


@pytest.mark.parametrize("optimizer", TORCH)
def test_63_steps_are_those_of_a_plain_loop(optimizer):
    recipe, arrays = recipe_of(optimizer), data.classes()
    captured = frameworks.load("torch").capture(Build.read(net, "net"), recipe, arrays, SEED)
    engine = engines.load("torch_eager")
    engine.open(captured, arrays)
    engine.put(0, recipe, SEED, captured.initial)
    curves = engine.run({0: EPOCHS})[0]

    module = captured.make()
    losses, penalties = plain_loop(module, recipe, arrays)
    theirs = dict((*module.named_parameters(), *module.named_buffers()))
    ours = engine.take(0).group("weights")
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value.detach().numpy(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(curves.train_loss, losses, rtol=0, atol=1e-9)
    np.testing.assert_allclose(curves.penalty, penalties, rtol=0, atol=1e-9)


def test_every_optimizer_is_compared():
    assert set(TORCH) == {o.name for o in optimizers.ALL}


def test_a_full_batch_under_sgd_is_gradient_descent_written_by_hand():
    def line(n_features, n_outputs):
        return nn.Linear(n_features, n_outputs)

    arrays = data.numbers(2)
    recipe = Recipe(
        network="line",
        optimizer="sgd",
        batch_size="full",
        learning_rate=0.1,
        l2=0.05,
        epochs=60,
        precision="float64",
    )
    captured = frameworks.load("torch").capture(Build.read(line, "line"), recipe, arrays, 0)
    w, b = (captured.initial.group("weights")[k].copy() for k in ("weight", "bias"))
    engine = engines.load("torch_eager")
    engine.open(captured, arrays)
    engine.put(0, recipe, 0, captured.initial)
    curves = engine.run({0: 60})[0]

    x, y = arrays.train.inputs[0].astype(float), arrays.train.target.astype(float)
    for epoch in range(60):
        error = x @ w.T + b - y
        assert curves.train_loss[epoch] == pytest.approx((error**2).mean(), abs=1e-12)
        slope = 2 * error / error.size
        w, b = w - 0.1 * (slope.T @ x + 2 * 0.05 * w), b - 0.1 * slope.sum(0)
    ours = engine.take(0).group("weights")
    np.testing.assert_allclose(ours["weight"], w, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours["bias"], b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("network", ["mlp", "buffers"])
def test_an_average_over_weights_and_buffers_is_what_is_handed_over(network):
    model = {**MODEL, "normalisation": "batch"} if network == "mlp" else {}
    keys = {"precision": "float64", "learning_rate": 0.5, "epochs": 30, "ema": 0.7}
    recipe = Recipe(network=network, model=model, optimizer="sgd", batch_size="full", **keys)
    bench = Bench(engines.load("torch_eager"), frameworks.load("torch"))
    bench.place(recipe, data.classes())
    average, best, expected = {}, None, {}
    for step in range(1, 31):
        bench.engine.run({0: step})
        state = bench.engine.take(0)
        live = {k: v for k, v in state.group("weights").items() if v.dtype == np.float64}
        average = average or live
        decay = min(0.7, (1 + step) / (10 + step))
        average = {k: decay * average[k] + (1 - decay) * live[k] for k in live}
        if state.extra["best"] != best:
            best, expected = state.extra["best"], average
    assert len(expected) > 2
    for name, value in expected.items():
        np.testing.assert_allclose(state.group("best")[name], value, rtol=0, atol=1e-12)


def test_balanced_classes_all_weigh_the_same():
    arrays = data.classes()
    recipe = Recipe(model=MODEL, batch_size="full", epochs=3)
    bench = Bench(engines.load("torch_eager"), frameworks.load("torch"))
    counts = np.bincount(arrays.train.target)
    weight = (data.ROWS / (3 * counts))[arrays.train.target]  # as scikit-learn defines it
    assert len(set(weight)) == 3
    balanced, _ = bench.train(recipe.replace({"class_weight": "balanced"}), arrays, stops=(3,))
    by_hand, _ = bench.train(recipe, data.weighted(arrays, weight), stops=(3,))
    plain, _ = bench.train(recipe, arrays, stops=(3,))
    assert balanced.train_loss == pytest.approx(by_hand.train_loss, rel=1e-6)
    assert balanced.train_loss != pytest.approx(plain.train_loss, rel=1e-6)


def test_smoothing_of_a_single_logit_is_that_of_two_classes():
    def single(n_features):
        torch.manual_seed(0)
        return nn.Linear(n_features, 1)

    arrays = data.classes(2)
    recipe = Recipe(network="single", batch_size="full", label_smoothing=0.2, epochs=1)
    captured = frameworks.load("torch").capture(Build.read(single, "single"), recipe, arrays, 0)
    assert captured.signature.loss == "binary_cross_entropy"
    engine = engines.load("torch_eager")
    engine.open(captured, arrays)
    engine.put(0, recipe, 0, captured.initial)
    curves = engine.run({0: 1})[0]

    logit = captured.make()(torch.from_numpy(arrays.train.inputs[0]))
    both = torch.cat([torch.zeros_like(logit), logit], 1)
    target = torch.from_numpy(arrays.train.target)
    expected = functional.cross_entropy(both, target, label_smoothing=0.2)
    assert curves.train_loss[0] == pytest.approx(float(expected.detach()), rel=1e-6)
