"""A network is tried on the data before it is trained, and what is wrong is said in words."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from luthier import frameworks
from luthier.core import Build, BuilderError, Recipe, RecipeError, State
from luthier.testing import arrays as data

TORCH = frameworks.load("torch")


def capture(function, arrays=None, seed=0, **keys):
    build = Build.read(function, "net.py:build")
    return TORCH.capture(
        build, Recipe(network="net.py:build", **keys), arrays or data.classes(), seed
    )


def linear(n_features, n_outputs):
    return nn.Linear(n_features, n_outputs)


class Returns(nn.Module):
    """A network whose outputs are what a function makes of good ones."""

    def __init__(self, change, outputs=3):
        super().__init__()
        self.layer, self.change = nn.Linear(5, outputs), change

    def forward(self, x):
        return self.change(self.layer(x))


def raises():
    raise ZeroDivisionError("no width")


REFUSED = {
    "the builder raises": (
        raises,
        r"net.py:build raised ZeroDivisionError: no width\. It was called with \{\}",
    ),
    "it returns nothing": (lambda: None, "returned None, but a torch.nn.Module was expected"),
    "it returns a list": (lambda: [nn.Linear(5, 3)], "returned a list, but a torch.nn.Module"),
    "the network returns a tuple": (
        lambda: Returns(lambda y: (y, y)),
        r"returned a tuple for inputs of shape \(4, 5\) float32, but one tensor was expected",
    ),
    "the shape does not fit": (
        lambda: nn.Linear(7, 3),
        r"raised RuntimeError on inputs of shape \(4, 5\) float32.*One row has shape \(5,\); "
        "take n_features",
    ),
    "too many outputs": (
        lambda: nn.Linear(5, 4),
        "has 4 outputs, but the target has 3 classes. Take `n_outputs` as an argument",
    ),
    "one logit for three classes": (
        lambda: nn.Linear(5, 1),
        "has 1 outputs, but the target has 3 classes",
    ),
    "outputs with three dimensions": (
        lambda: Returns(lambda y: y.unsqueeze(1)),
        r"outputs have shape \(4, 1, 3\) .* but \(4, 3\) was expected",
    ),
    "the mean over rows": (
        lambda: Returns(lambda y: y.mean(0)),
        r"outputs have shape \(3,\) .* but \(4, 3\) was expected. Keep rows first",
    ),
    "lazy layers": (
        lambda: nn.Sequential(nn.LazyLinear(8), nn.Linear(8, 3)),
        r"lazy layers.*`network\(torch.zeros\(1, n_features\)\)`",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_network_that_does_not_fit_is_refused_in_words(name):
    function, message = REFUSED[name]
    with pytest.raises(BuilderError, match=message):
        capture(function)


def test_floats_for_an_embedding_are_told_of_tokens():
    def embeds(n_outputs):
        return nn.Sequential(nn.Embedding(9, 2), nn.Flatten(), nn.Linear(10, n_outputs))

    with pytest.raises(BuilderError, match="keep them whole: `preprocessing: tokens`"):
        capture(embeds)


def test_the_number_of_predictions_must_fit():
    with pytest.raises(BuilderError, match="has 3 outputs, but the target has 2 numbers"):
        capture(lambda: nn.Linear(5, 3), data.numbers(2))


def test_a_loss_for_one_logit_wants_one_output():
    with pytest.raises(
        BuilderError, match="has 2 outputs, but loss 'binary_cross_entropy' takes one"
    ):
        capture(linear, data.classes(2), loss="binary_cross_entropy")


def test_a_single_logit_is_enough_for_two_classes():
    captured = capture(lambda n_features: nn.Linear(n_features, 1), data.classes(2))
    assert captured.signature.loss == "binary_cross_entropy"
    assert capture(linear, data.classes(2)).signature.loss == "cross_entropy"


def test_outputs_without_a_second_dimension_are_one_number_a_row():
    captured = capture(lambda: Returns(lambda y: y.squeeze(1), outputs=1), data.numbers())
    assert captured.signature.loss == "mse"


WRONG_KEYS = {
    "a loss for numbers": (
        data.classes,
        {"loss": "mse"},
        "loss: got 'mse' for a classification target. It takes one of cross_entropy, binary",
    ),
    "a loss for classes": (
        data.numbers,
        {"loss": "cross_entropy"},
        "loss: got 'cross_entropy' for a regression target. It takes one of mse, mae, huber",
    ),
    "smoothed numbers": (data.numbers, {"label_smoothing": 0.1}, "label_smoothing: got 0.1"),
    "weighted numbers": (data.numbers, {"class_weight": "balanced"}, "class_weight: got 'bal"),
    "mirrored rows": (
        data.classes,
        {"augmentation": "flip"},
        r"augmentation: got 'flip' for rows of shape \(5,\). It is for images",
    ),
}


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_a_recipe_that_does_not_fit_the_data_is_refused_in_words(name):
    arrays, keys, message = WRONG_KEYS[name]
    with pytest.raises(RecipeError, match=message):
        capture(linear, arrays(), **keys)


def test_codes_are_not_blended():
    def embeds(n_outputs):
        return nn.Sequential(nn.Embedding(12, 2), nn.Flatten(), nn.Linear(12, n_outputs))

    capture(embeds, data.tokens())
    with pytest.raises(RecipeError, match=r"mixup: got 0\.2 for inputs that are codes or tokens"):
        capture(embeds, data.tokens(), mixup=0.2)


def test_the_users_random_numbers_are_left_alone():
    def draws(n_features, n_outputs):
        torch.manual_seed(3)
        np.random.seed(3)
        random.seed(3)
        return nn.Sequential(nn.Dropout(), nn.Linear(n_features, n_outputs))

    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(4711)
    before = torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate()
    capture(draws).make()
    with pytest.raises(BuilderError):
        capture(raises)
    with pytest.raises(BuilderError):
        capture(lambda: Returns(lambda y: (torch.rand(1), y)))
    after = torch.get_rng_state().tolist(), repr(np.random.get_state()), random.getstate()
    assert after == before


def test_initial_weights_are_a_function_of_the_seed():
    def by_hand(n_features, n_outputs):
        layer = nn.Linear(n_features, n_outputs)
        layer.bias.data += float(np.random.normal()) + random.random()
        return layer

    for function in (linear, by_hand):
        starts = []
        for seed, noise in ((1, 0), (1, 7), (2, 0)):
            torch.manual_seed(noise)
            np.random.seed(noise)
            random.seed(noise)
            group = capture(function, seed=seed).initial.group("weights")
            starts.append({name: w.tolist() for name, w in group.items()})
        assert starts[0] == starts[1]
        assert all(starts[0][name] != starts[2][name] for name in ("weight", "bias"))


def test_a_fresh_network_has_the_initial_weights():
    captured = capture(linear, seed=4)
    for name, value in captured.make().named_parameters():
        assert value.detach().numpy().tolist() == captured.initial.group("weights")[name].tolist()


def test_the_kernels_and_the_size_are_told():
    captured = capture(lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)))
    assert captured.kernels == ("0.weight", "2.weight")
    assert captured.n_parameters == 24 + 8 + 15
    assert set(captured.initial.group("weights")) >= {"1.running_mean", "1.num_batches_tracked"}


def test_what_trials_may_differ_in_and_share_a_program():
    def net(n_features, n_outputs, width=4, drop=0.1, slope=0.1):
        first = nn.Sequential(nn.Linear(n_features, width), nn.LeakyReLU(slope), nn.Dropout(drop))
        return nn.Sequential(first, nn.Linear(width, n_outputs))

    base = capture(net).signature
    assert capture(net, seed=5, learning_rate=0.5, l2=0.1).signature == base
    assert capture(net, model={"drop": 0.4}).signature == base
    apart = ({"optimizer": "sgd"}, {"batch_size": 8}, {"model": {"width": 8}})
    for keys in (*apart, {"model": {"slope": 0.2}}):
        assert capture(net, **keys).signature != base
    full = (capture(net, batch_size=size).signature for size in ("full", 60, 500))
    assert len(set(full)) == 1


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
def test_the_recipe_decides_the_type_of_the_weights(precision):
    wanted = np.float64 if precision == "float64" else np.float32
    for function in (linear, lambda: nn.Linear(5, 3).double(), lambda: nn.Linear(5, 3).bfloat16()):
        captured = capture(function, precision=precision)
        assert {a.dtype.type for a in captured.initial.arrays.values()} == {wanted}
        build, recipe = Build.read(function, "net"), captured.recipe
        model = TORCH.restore(build, recipe, data.classes().task, captured.initial)
        outputs = TORCH.outputs(model, data.classes().val, data.classes().task)
        assert (outputs.dtype, outputs.shape) == (np.float64, (40, 3))


class TestDropout:
    def network(self):
        return nn.ModuleDict(
            {
                "plain": nn.Dropout(0.1),
                "channels": nn.Dropout2d(0.1),
                "alpha": nn.AlphaDropout(0.1),
                "lstm": nn.LSTM(5, 5, num_layers=2, dropout=0.1),
                "attention": nn.MultiheadAttention(4, 2, dropout=0.1),
                "layer": nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1),
            }
        )

    def chances(self, recipe):
        class Net(nn.Module):
            def __init__(self, parts):
                super().__init__()
                self.parts, self.last = parts, nn.Linear(5, 3)

            def forward(self, x):
                return self.last(x)

        captured = capture(lambda: Net(self.network()), dropout=recipe)
        found = {}
        for name, layer in captured.make().named_modules():
            if hasattr(layer, "p"):
                found[name] = layer.p
            elif isinstance(layer, (nn.RNNBase, nn.MultiheadAttention)):
                found[name] = layer.dropout
        assert len(found) == 9
        return set(found.values())

    def test_the_recipes_replaces_every_layers(self):
        assert self.chances(0.4) == {0.4}
        assert self.chances(0.0) == {0.0}

    def test_null_leaves_the_network_as_it_was_built(self):
        assert self.chances(None) == {0.1}


class TestRestore:
    def test_the_best_weights_are_handed_over_in_evaluation_mode(self):
        build, task = Build.read(linear, "linear"), data.classes().task
        groups = {"weights": 1.0, "best": 2.0}
        arrays = {
            f"{group}/{name}": np.full(shape, value, np.float32)
            for group, value in groups.items()
            for name, shape in (("weight", (3, 5)), ("bias", (3,)))
        }
        model = TORCH.restore(build, Recipe(network="linear"), task, State(arrays))
        assert not model.training
        assert model.weight.unique().tolist() == [2.0]
        last = State({k: v for k, v in arrays.items() if k.startswith("weights")})
        model = TORCH.restore(build, Recipe(network="linear"), task, last)
        assert model.weight.unique().tolist() == [1.0]

    def test_outputs_are_those_of_all_rows_in_order(self):
        model = nn.Linear(5, 1)
        part = data.with_rows(data.numbers(), data.numbers().train).train
        for _ in range(4):
            part = data.with_rows(
                data.Arrays(data.numbers().task, part, part, None, ""), part
            ).train
        assert len(part) > 1024
        expected = model(torch.from_numpy(part.inputs[0])).detach().numpy()
        np.testing.assert_allclose(
            TORCH.outputs(model, part, data.numbers().task), expected, rtol=1e-6
        )

    def test_outputs_without_a_second_dimension_become_a_column(self):
        model = Returns(lambda y: y.squeeze(1), outputs=1)
        assert TORCH.outputs(model, data.numbers().val, data.numbers().task).shape == (40, 1)


def test_it_owns_modules_alone():
    assert TORCH.owns(nn.Linear(1, 1))
    assert not TORCH.owns(linear)
