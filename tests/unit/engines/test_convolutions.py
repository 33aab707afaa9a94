"""Convolutions and pooling in the compiled engine compute what PyTorch computes."""

import importlib.util

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

if importlib.util.find_spec("jax") is None:
    pytest.skip("jax is not installed", allow_module_level=True)

from luthier.engines.compiled import xla  # first: it sets jax's flags
from luthier.engines.compiled.halved import kept_half
from luthier.engines.compiled.lower import Masks, compute, unknown_operation
from luthier.engines.compiled.lowered import lowered
from luthier.engines.compiled.operations.convolutions import NATIVE, SLICED
from luthier.engines.compiled.operations.evaluated import evaluated
from luthier.engines.compiled.operations.largest import BY_PLACE
from luthier.engines.compiled.operations.tiled import TILED
from luthier.engines.compiled.reordered import pooled_first
from luthier.frameworks.torch.capture import capture_graph

jax = xla.jax


class Calls(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.layers)


class Block(nn.Module):
    """Adds a normalised branch to its input, at half the size."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, 6, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.short = nn.Conv2d(channels, 6, 1, stride=2)

    def forward(self, x):
        return functional.relu(self.norm(self.first(x)) + self.short(x))


IMAGE, SIGNAL, VOLUME = (5, 2, 9, 8), (5, 3, 11), (3, 2, 5, 4, 6)
CASES = {
    "plain": (lambda: nn.Conv2d(2, 4, 3), IMAGE),
    "padded and strided": (lambda: nn.Conv2d(2, 4, (3, 2), stride=(2, 3), padding=(1, 0)), IMAGE),
    "same padding": (lambda: nn.Conv2d(2, 4, (3, 4), padding="same"), IMAGE),
    "dilated": (lambda: nn.Conv2d(2, 4, 3, dilation=2, padding=2), IMAGE),
    "grouped": (lambda: nn.Conv2d(2, 6, 3, groups=2, bias=False), IMAGE),
    "depthwise": (lambda: nn.Conv2d(2, 2, 3, groups=2, padding=1), IMAGE),
    "many of a channel": (lambda: nn.Conv2d(2, 6, 3, groups=2, stride=2), IMAGE),
    "one place": (lambda: nn.Conv2d(2, 4, 1), IMAGE),
    "transposed": (
        lambda: nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1),
        IMAGE,
    ),
    "transposed and grouped": (lambda: nn.ConvTranspose2d(2, 6, 3, groups=2, dilation=2), IMAGE),
    "signals": (lambda: nn.Conv1d(3, 4, 3, stride=2, padding=1), SIGNAL),
    "signals transposed": (lambda: nn.ConvTranspose1d(3, 4, 4, stride=2), SIGNAL),
    "volumes": (lambda: nn.Conv3d(2, 3, 3, padding=1), VOLUME),
    "largest": (lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.MaxPool2d(2)), IMAGE),
    "largest of tiles": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, (2, 1)), nn.ReLU(), nn.MaxPool2d(2)),
        IMAGE,
    ),
    "largest of long tiles, of equals": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, (2, 1)), nn.Hardtanh(-0.1, 0.1), nn.MaxPool2d((4, 2))
        ),
        IMAGE,
    ),
    "largest of tiles, before and after relu": (
        lambda: Calls(
            lambda x, a: (
                functional.max_pool2d(functional.relu(a(x)), 2)
                + functional.relu(functional.max_pool2d(a(x), 2))
            ),
            nn.Conv2d(2, 3, (2, 1)),
        ),
        IMAGE,
    ),
    "largest of a relu that others read": (
        lambda: Calls(
            lambda x, a: (lambda y: functional.max_pool2d(y, 2).sum((2, 3)) + y.mean((2, 3)))(
                functional.relu(a(x))
            ),
            nn.Conv2d(2, 3, (2, 1)),
        ),
        IMAGE,
    ),
    "largest, then a relu": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, (2, 1)), nn.MaxPool2d(2), nn.ReLU()),
        IMAGE,
    ),
    "largest of a relu's windows that overlap": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
        IMAGE,
    ),
    "largest of windows that overlap": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.MaxPool2d(3, stride=2, padding=1)),
        IMAGE,
    ),
    "largest, the last window cut": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.MaxPool2d(3, stride=2, ceil_mode=True)),
        IMAGE,
    ),
    "largest of equals": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.Hardtanh(-0.1, 0.1), nn.MaxPool2d(2)),
        IMAGE,
    ),
    "means": (lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.AvgPool2d(2)), IMAGE),
    "means with padding": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.AvgPool2d(3, 2, 1, ceil_mode=True)),
        IMAGE,
    ),
    "means without padding": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
        IMAGE,
    ),
    "means of signals": (lambda: nn.Sequential(nn.Conv1d(3, 3, 1), nn.AvgPool1d(2)), SIGNAL),
    "largest of signals": (lambda: nn.Sequential(nn.Conv1d(3, 3, 1), nn.MaxPool1d(2)), SIGNAL),
    "a given size": (lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.AdaptiveAvgPool2d(3)), IMAGE),
    "one number a channel": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        IMAGE,
    ),
    "batch norm": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.GELU(), nn.Flatten()),
        IMAGE,
    ),
    "group norm": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4)), IMAGE),
    "residual": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3), Block(3), nn.Flatten()), IMAGE),
    "side by side": (
        lambda: Calls(
            lambda x, a, b: torch.cat([a(x), b(x)], 1), nn.Conv2d(2, 3, 1), nn.Conv2d(2, 2, 1)
        ),
        IMAGE,
    ),
    "scaled by channel": (
        lambda: Calls(lambda x, a: a(x) * a(x).mean((2, 3), keepdim=True), nn.Conv2d(2, 3, 3)),
        IMAGE,
    ),
    "mean over columns": (lambda: Calls(lambda x, a: a(x).mean(3), nn.Conv2d(2, 3, 3)), IMAGE),
    "weights of another shape": (
        lambda: Calls(lambda x, a: a(x) + x.new_ones(3, 1, 1), nn.Conv2d(2, 3, 3)),
        IMAGE,
    ),
}


POOLED = ("largest", "means", "norm", "number", "size")  # compute the same either way
BOTH = [
    pytest.param(name, way, id=f"{name}-{word}")
    for name in CASES
    for word, way in (("sliced", SLICED), ("native", NATIVE), ("tiled", TILED))
    if way is SLICED or not any(part in name for part in POOLED)
]


@pytest.mark.parametrize(("name", "convolutions"), BOTH)
def test_outputs_buffers_and_gradients_are_those_of_pytorch(name, convolutions):
    agree(name, convolutions, as_it_is)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("largest")])
def test_pooling_before_relu_changes_neither(name):
    agree(name, SLICED, pooled_first)


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("largest")])
def test_pooling_by_place_is_the_same(name):
    agree(name, {**SLICED, **BY_PLACE}, pooled_first)


def test_relu_is_left_to_fewer_values_where_nobody_else_reads_it():
    def operations(name):
        make, shape = CASES[name]
        x = torch.randn(shape)
        nodes = pooled_first(capture_graph(make(), [x], [x]).train).nodes
        return [n.op for n in nodes if n.op in ("relu", "max_pool2d_with_indices")]

    assert operations("largest of tiles") == ["max_pool2d_with_indices"]
    assert operations("largest, then a relu") == ["max_pool2d_with_indices"]
    assert operations("largest of a relu that others read")[0] == "relu"


def test_half_precision_kept_between_products_changes_no_number():
    layers = [nn.Conv2d(2, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 1), nn.MaxPool2d(2)]
    torch.manual_seed(0)
    network = nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.LazyLinear(5), nn.ReLU())
    x = torch.randn(4, 2, 10, 10)
    network(x)
    forward = pooled_first(capture_graph(network, [x], [x]).train)
    kept = kept_half(forward)
    assert {n.op for n in kept.nodes if n.dtypes[0] == "float32"} == {"permute", "relu"}
    weights = {k: v.detach().numpy() for k, v in network.state_dict().items()}
    convolutions = {**TILED, **BY_PLACE}

    def trained(forward):
        def loss(weights):
            out, _ = compute(forward, weights, (x.numpy(),), None, convolutions, half=True)
            return jax.numpy.square(out).sum()

        rounded = {"xla_allow_excess_precision": False}  # wherever the program says so
        with xla.exact():
            return jax.jit(jax.value_and_grad(loss), compiler_options=rounded)(weights)

    (value, gradients), (same, these) = trained(forward), trained(kept)
    assert value == same
    for name in weights:
        np.testing.assert_array_equal(gradients[name], these[name])


@pytest.mark.parametrize("few", [0, 10**6], ids=["none summed", "all summed"])
@pytest.mark.parametrize("name", [n for n in CASES if not any(part in n for part in POOLED)])
def test_an_evaluation_of_packs_computes_the_same(name, few):
    way = {"convolution": evaluated(TILED["convolution"], few=few)}
    agree(name, {**TILED, **way}, pooled_first)


def test_packs_keep_half_precision_and_sum_the_first_convolution_of_an_evaluation():
    network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(6, 8, 3))
    x = torch.randn(4, 1, 10, 10)
    graph = capture_graph(network, [x], [x])
    weights = {k: v.detach().numpy() for k, v in network.state_dict().items()}
    masks = Masks((0, 0), None, None)

    def programs(pack):
        made = lowered(graph, {**TILED, **BY_PLACE}, half=True, pack=pack)
        train = jax.make_jaxpr(lambda w: made.train(w, (x.numpy(),), masks)[0])(weights)
        return str(train), str(jax.make_jaxpr(made.evaluate)(weights, (x.numpy(),)))

    (trained, judged), (plain, exact) = programs(True), programs(False)
    assert "f32[4,4,4,6]" in plain  # what is pooled
    assert "f32[4,4,4,6]" not in trained
    assert (judged.count("dot_general"), exact.count("dot_general")) == (1, 2)


def as_it_is(forward):
    return forward


def agree(name, convolutions, order):
    make, shape = CASES[name]
    torch.manual_seed(0)
    network = make().double()
    x = torch.randn(shape, dtype=torch.float64)
    graph = capture_graph(network, [x], [x])
    assert unknown_operation(graph) is None
    before = {k: v.detach().numpy().copy() for k, v in network.state_dict().items()}
    network.train()
    expected = network(x)
    pull = torch.randn_like(expected)
    (expected * pull).sum().backward()
    with xla.exact():

        def total(weights):
            tensors = {**before, **weights}
            out, new = compute(order(graph.train), tensors, (x.numpy(),), None, convolutions)
            return (out * pull.numpy()).sum(), (out, new)

        weights = {k: before[k] for k, _ in network.named_parameters()}
        after = {k: v.detach().numpy() for k, v in network.state_dict().items()}

        @jax.jit
        def both(weights, after):
            judged, _ = compute(order(graph.evaluate), after, (x.numpy(),), None, convolutions)
            return jax.value_and_grad(total, has_aux=True)(weights), judged

        ((_, (out, new)), gradients), judged = both(weights, after)
    np.testing.assert_allclose(out, expected.detach().numpy(), atol=1e-12)
    for key, value in new.items():
        np.testing.assert_allclose(value, network.state_dict()[key].numpy(), atol=1e-12)
    for key, parameter in network.named_parameters():
        np.testing.assert_allclose(gradients[key], parameter.grad.numpy(), atol=1e-11)
    network.eval()
    np.testing.assert_allclose(judged, network(x).detach().numpy(), atol=1e-12)
