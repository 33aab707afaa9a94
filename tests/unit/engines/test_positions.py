"""A class at each position: the steps, losses and scores of a plain loop with torch's losses."""

import dataclasses
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from luthier import engines, frameworks
from luthier.catalog import metrics
from luthier.core import Build, BuilderError, Recipe
from luthier.engines.native.compiler import compiler
from luthier.engines.torch_eager.batches import Batches
from luthier.testing import arrays as data

TORCH = frameworks.load("torch")
EPOCHS = 3


class Tagger(nn.Module):
    """Embedding and LSTM; classes come last, as in language models, or second, as losses want."""

    def __init__(self, n_outputs, last):
        super().__init__()
        self.table = nn.Embedding(12, 6, padding_idx=0)
        self.lstm = nn.LSTM(6, 5, batch_first=True, bidirectional=True)
        self.head, self.last = nn.Linear(10, n_outputs), last

    def forward(self, x):
        found = self.head(self.lstm(self.table(x))[0] * (x != 0).unsqueeze(-1))
        return found if self.last else found.transpose(1, 2)


def tagger_last(n_outputs):
    return Tagger(n_outputs, last=True)


def tagger_second(n_outputs):
    return Tagger(n_outputs, last=False)


def by_itself(n_outputs):
    return nn.Sequential(nn.Embedding(12, 6), nn.Tanh(), nn.Linear(6, n_outputs))


def pixels(outputs, *last):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, outputs, 1), *last
    )


class Squeeze(nn.Module):
    def forward(self, x):
        return x.squeeze(1)


class Turned(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


NETWORKS = {
    "tags, classes last": (tagger_last, data.tags),
    "tags, classes second": (tagger_second, data.tags),
    "words, classes last": (by_itself, data.tags),
    "words, classes second": (lambda: nn.Sequential(by_itself(3), Turned()), data.tags),
    "pixels": (lambda: pixels(2), data.masks),
    "pixels, one logit": (lambda: pixels(1), data.masks),
    "pixels, one logit without an axis": (
        lambda: pixels(1, nn.Flatten(1, 1), Squeeze()),
        data.masks,
    ),
}


def with_weights(arrays):
    return data.weighted(arrays, np.linspace(0.2, 2.0, len(arrays.train)))


def capture(function, recipe, arrays, seed=1):
    return TORCH.capture(Build.read(function, "net"), recipe, arrays, seed)


def torch_loss(outputs, target, weight=None, label_smoothing=0.0, shares=None):
    """What a user of PyTorch writes: the mean over all positions but the ignored."""
    if outputs.ndim == target.ndim or outputs.shape[1] == 1:
        each = functional.binary_cross_entropy_with_logits(
            outputs.reshape(target.shape), target.to(outputs.dtype), reduction="none"
        )
    else:
        if outputs.shape[1:-1] == target.shape[1:] and outputs.shape[2:] != target.shape[1:]:
            outputs = outputs.movedim(-1, 1)
        each = functional.cross_entropy(
            outputs, target, reduction="none", label_smoothing=label_smoothing
        )
    counted = (target != -100).to(each.dtype)
    if shares is not None:
        counted = counted * shares[target.clamp(min=0)]
    if weight is not None:
        counted = counted * weight.view(-1, *[1] * (target.ndim - 1))
    return (each * counted).sum() / counted.sum()


def plain_loop(module, recipe, arrays):
    """Train with torch.optim.Adam; return each epoch's training loss and the validation outputs."""
    train, val = arrays.train, arrays.val
    x, y = (torch.from_numpy(a) for a in (train.inputs[0], train.target))
    x = x.double() if x.is_floating_point() else x
    weight = None if train.weight is None else torch.from_numpy(train.weight).double()
    shares = None
    if recipe.class_weight:
        counts = np.bincount(train.target[train.target != -100])
        shares = torch.from_numpy(counts.sum() / (len(counts) * counts))
    adam = torch.optim.Adam(module.parameters(), recipe.learning_rate)
    means, losses = [], []
    for epoch in range(recipe.epochs):
        module.train()
        steps = []
        for rows in Batches.of(len(x), recipe.batch_size).order(0, epoch):
            w = None if weight is None else weight[rows]
            loss = torch_loss(module(x[rows]), y[rows], w, recipe.label_smoothing, shares)
            adam.zero_grad()
            loss.backward()
            adam.step()
            steps.append(float(loss.detach()))
        means.append(np.mean(steps))
        module.eval()
        with torch.no_grad():
            inputs = torch.from_numpy(val.inputs[0])
            inputs = inputs.double() if inputs.is_floating_point() else inputs
            outputs = module(inputs)
            losses.append(float(torch_loss(outputs, torch.from_numpy(val.target), None,
                                           recipe.label_smoothing * 0)))  # fmt: skip
    return means, losses, outputs


@pytest.fixture(params=["torch_eager", "compiled", "packed", "native"])
def engine(request):
    if request.param in ("compiled", "packed") and find_spec("jax") is None:
        pytest.skip("JAX is not installed")
    if request.param == "native" and compiler() is None:
        pytest.skip("there is no C compiler")
    return engines.load(request.param)


def run(engine, captured, arrays, stops=(EPOCHS,)):
    if (reason := engine.refuses(captured, captured.recipe)) is not None:
        assert engine.name in ("compiled", "packed")  # which have no recurrent layers
        pytest.skip(f"{engine.name}: {reason}")
    curves, state = None, captured.initial
    for stop in stops:
        engine.open(captured, arrays)
        engine.put(0, captured.recipe, 0, state)
        new, state = engine.run({0: stop})[0], engine.take(0)
        curves = new if curves is None else curves + new
    return curves, state


def recipe_of(**changes):
    fixed = {"schedule": "constant", "warmup": 0.0, "optimizer": "adam", "precision": "float64"}
    return Recipe(
        network="net", epochs=EPOCHS, batch_size=16, learning_rate=0.02, **{**fixed, **changes}
    )


PACKED = ("words, classes last", "pixels, one logit")  # each compiles for seconds


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_takes_the_steps_of_a_plain_loop(engine, name, weighed):
    function, arrays = NETWORKS[name][0], with_weights(NETWORKS[name][1]())
    changes = {"class_weight": "balanced"} if weighed else {}
    if "one logit" not in name and weighed:  # torch's binary cross-entropy does not smooth
        changes["label_smoothing"] = 0.1
    captured = capture(function, recipe_of(**changes), arrays)
    curves, _ = run(engine, captured, arrays)
    means, losses, outputs = plain_loop(captured.make(), captured.recipe, arrays)
    np.testing.assert_allclose(curves.train_loss, means, rtol=1e-9)
    np.testing.assert_allclose(curves.val_loss, losses, rtol=1e-9)
    assert curves.val_loss[-1] < curves.val_loss[0]
    np.testing.assert_allclose(curves.metrics["log_loss"], losses, rtol=1e-9)
    if "second" in name:  # the metrics that are read off, by hand
        counted = arrays.val.target != -100
        right = outputs.argmax(1).numpy() == arrays.val.target
        assert curves.metrics["accuracy"][-1] == pytest.approx(right[counted].mean())


@pytest.mark.parametrize("name", ["tags, classes last", "words, classes second", "pixels"])
def test_pieces_are_the_whole_bit_for_bit(engine, name):
    function, arrays = NETWORKS[name][0], NETWORKS[name][1]()
    captured = capture(function, recipe_of(precision="float32"), arrays)
    whole, pieces = (run(engine, captured, arrays, stops) for stops in ((3,), (1, 2, 3)))
    assert whole[0].val_loss == pieces[0].val_loss
    for key, value in whole[1].arrays.items():
        np.testing.assert_array_equal(value, pieces[1].arrays[key])


def test_ignored_positions_count_nothing(engine):
    """Whatever is read where nothing counts, the weights that come out are the same."""
    arrays = data.tags()
    captured = capture(by_itself, recipe_of(), arrays)
    train = arrays.train
    filled = np.where(train.target == -100, 7, train.inputs[0])
    assert (filled != train.inputs[0]).any()
    other = dataclasses.replace(
        arrays, train=dataclasses.replace(train, inputs=(filled,)), key="other"
    )
    first, second = run(engine, captured, arrays)[1], run(engine, captured, other)[1]
    for key, value in first.group("weights").items():
        if key != "0.weight":  # Adam moves a token's vector on when it is not seen
            np.testing.assert_allclose(value, second.group("weights")[key], rtol=1e-9)
    moved = [one.group("weights")["0.weight"] for one in (first, second)]
    np.testing.assert_allclose(*moved, rtol=1e-9)


def test_no_metric_sees_ignored_positions():
    arrays = data.tags()
    captured = capture(by_itself, recipe_of(), arrays)
    model = TORCH.restore(
        Build.read(by_itself, "net"), captured.recipe, arrays.task, captured.initial
    )
    outputs, target = TORCH.outputs(model, arrays.val, arrays.task), arrays.val.target
    assert outputs.shape == (40 * 7, 3)
    wrong = outputs.copy()
    wrong[target.reshape(-1) == -100] = 1e6
    for metric in metrics.ALL:
        if metric.kind == "classification":
            counted = target.reshape(-1) != -100
            kept = metric.compute(outputs[counted], target.reshape(-1)[counted])
            assert kept == metric.compute(outputs, target) == metric.compute(wrong, target)


def test_a_row_takes_its_positions_along_out_of_a_metric():
    rng, target = np.random.default_rng(0), data.tags().val.target
    outputs, weight = rng.normal(size=(target.size, 3)), rng.random(len(target))
    parts, each = [np.array([0, 3]), np.array([5])], outputs.reshape(len(target), 7, 3)
    for metric in metrics.ALL:
        if metric.kind == "classification":
            expected = [
                metric.compute(np.delete(each, p, 0).reshape(-1, 3), *(
                    np.delete(a, p, 0) for a in (target, weight)
                )) for p in parts
            ]  # fmt: skip
            found = metric.without(outputs, target, weight, parts)
            np.testing.assert_allclose(found, expected, rtol=1e-9)


class TestShapes:
    def test_as_many_classes_as_positions_are_asked_about(self):
        arrays = data.tags(length=3)
        with pytest.raises(BuilderError, match=r"\(4, 3, 3\).*Pad every row by one position"):
            capture(tagger_last, recipe_of(), arrays)

    @pytest.mark.parametrize("outputs", [1, 3])
    def test_outputs_of_another_number_of_classes_are_refused(self, outputs):
        loss = {"loss": "cross_entropy"}
        with pytest.raises(BuilderError, match=rf"has {outputs} outputs, but the target has 2"):
            capture(lambda: pixels(outputs), recipe_of(**loss), data.masks())

    def test_outputs_of_other_positions_are_refused_with_both_layouts(self):
        small = lambda: nn.Sequential(pixels(2), nn.AvgPool2d(2))  # noqa: E731
        with pytest.raises(BuilderError, match=r"\(4, 2, 8, 8\) or \(4, 8, 8, 2\) was expected"):
            capture(small, recipe_of(), data.masks())
