"""What users' networks have and compilers trip over: each is compiled rightly, or refused."""

import importlib.util
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from luthier import frameworks
from luthier.core import Build, Recipe
from luthier.engines.native.compiler import compiler
from luthier.loop.training.choice import Choice
from luthier.loop.training.probe import probe
from luthier.testing import arrays as data

JAX = importlib.util.find_spec("jax") is not None
needs_jax = pytest.mark.skipif(not JAX, reason="jax is not installed")
needs_gcc = pytest.mark.skipif(not compiler(), reason="there is no C compiler")
ENGINES = [
    pytest.param("native", marks=needs_gcc),
    pytest.param("compiled", marks=needs_jax),
]
FAST = "native" if compiler() else "compiled"  # the one that is tried first
if not (JAX or compiler()):
    pytest.skip("there is no C compiler, and jax is not installed", allow_module_level=True)

N, OUT = data.FEATURES, data.CLASSES
RECIPE = Recipe(optimizer="sgd", learning_rate=0.05, batch_size=16, epochs=3)


class Net(nn.Module):
    """Two layers, and whatever a function of (module, hidden values) does between them."""

    def __init__(self, between, **parts):
        super().__init__()
        self.first, self.last = nn.Linear(N, 8), nn.Linear(8, OUT)
        self.between = between
        for name, part in parts.items():
            if isinstance(part, torch.Tensor):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, x):
        return self.last(self.between(self, self.first(x)))


class Twice(torch.autograd.Function):
    """Doubles; its gradient is that of tripling, as straight-through tricks are."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 3 * gradient


class Count(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(N, OUT), 0

    def forward(self, x):
        self.calls += 1
        return self.layer(x) * (1.0 + (self.calls > 40))


def no_grad(m, h):
    with torch.no_grad():
        scale = h.abs().mean(1, keepdim=True)
    return h / (1 + scale)


def in_place(m, h):
    h = h * 1.0
    h += 0.5
    h[:, 0] = h[:, 1] * 2
    return functional.relu(h, inplace=True)


def fill(m, h):
    y = torch.zeros(h.shape[0], 8)
    y[:] = h
    return torch.tanh(y)


def counts(m, h):
    m.seen += 1
    return h


def averages(m, h):
    if m.training:
        m.mean.mul_(0.9).add_(0.1 * h.detach().mean(0))
    return h - m.mean


def always_counts(m, h):
    m.mean.mul_(0.9).add_(h.detach().mean(0))
    return h


def plus_detached(m, h):
    return h * torch.sigmoid(h.detach())


def plus_data(m, h):
    return h * torch.sigmoid(h.data)


def branch(m, h):
    return h * 2 if h.sum() > 0 else h


def weight_normed():
    layer = parametrizations.weight_norm(nn.Linear(8, 8))
    return Net(lambda m, h: torch.tanh(m.layer(h)), layer=layer)


def tied():
    net = Net(lambda m, h: torch.tanh(m.two(torch.tanh(m.one(h)))), one=nn.Linear(8, 8))
    net.two = nn.Linear(8, 8)
    net.two.weight = net.one.weight
    return net


def attention(m, h):
    h = h.unsqueeze(1)
    return m.layer(h, h, h)[0].squeeze(1)


RIGHT = {
    "tied weights": tied,
    "convolution": lambda: Net(
        lambda m, h: m.layer(h.unsqueeze(1)).squeeze(1), layer=nn.Conv1d(1, 1, 3, padding=1)
    ),
    "weight norm": weight_normed,
    "detached": lambda: Net(plus_detached),
    "data": lambda: Net(plus_data),
    "no_grad": lambda: Net(no_grad),
    "in place": lambda: Net(in_place),
    "filled": lambda: Net(fill),
    "a buffer that counts": lambda: Net(
        counts_in_training, seen=torch.zeros((), dtype=torch.int64)
    ),
    "a buffer that averages": lambda: Net(averages, mean=torch.zeros(8)),
    "batch norm": lambda: Net(
        lambda m, h: torch.tanh(m.norm(torch.relu(h))), norm=nn.BatchNorm1d(8)
    ),
    "batch norm without statistics": lambda: Net(
        lambda m, h: m.norm(torch.tanh(h)) if m.training else torch.tanh(h),
        norm=nn.BatchNorm1d(8, track_running_stats=False),
    ),
    "layer norm": lambda: Net(lambda m, h: m.norm(torch.tanh(h)), norm=nn.LayerNorm(8)),
    "group norm": lambda: Net(lambda m, h: m.norm(torch.tanh(h)), norm=nn.GroupNorm(2, 8)),
    "dropout": lambda: Net(lambda m, h: functional.dropout(h, 0.3, m.training)),
    "dropout in place": lambda: Net(
        lambda m, h: functional.dropout(h * 1.0, 0.3, m.training, inplace=True)
    ),
    "dropout of channels": lambda: Net(
        lambda m, h: m.drop(h.reshape(-1, 4, 2, 1)).flatten(1), drop=nn.Dropout2d(0.3)
    ),
    "einsum": lambda: Net(lambda m, h: torch.einsum("bi,bj->bij", h, h).mean(2)),
    "softmax": lambda: Net(lambda m, h: h * torch.softmax(h, 1) + torch.logsumexp(h, 1)[:, None]),
    "chunks": lambda: Net(lambda m, h: torch.cat([p.flip(1) for p in h.chunk(2, 1)], 1)),
    "largest": lambda: Net(lambda m, h: h.max(1, keepdim=True)[0] + h.clamp(-0.1, 0.1)),
    "a constant": lambda: Net(lambda m, h: h * torch.arange(8)),
    "spectral norm": lambda: Net(
        lambda m, h: m.layer(h), layer=parametrizations.spectral_norm(nn.Linear(8, 8))
    ),
    "attention": lambda: Net(attention, layer=nn.MultiheadAttention(8, 2, batch_first=True)),
    "a recurrent cell": lambda: Net(lambda m, h: m.layer(h)[0], layer=nn.LSTMCell(8, 8)),
    "a class of a function": lambda: local_class(2.0),
}


def counts_in_training(m, h):
    return counts(m, h) if m.training else h


def local_class(scale):
    class Local(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(N, OUT)

        def forward(self, x):
            return self.layer(x) * scale

    return Local()


# Of these the native engine writes programs; the others it leaves to the next engine.
NATIVE = {
    "tied weights",
    "batch norm",
    "layer norm",
    "dropout",
    "dropout of channels",
    "convolution",
    "attention",
    "a buffer that counts",
    "a constant",
    "a class of a function",
}
REFUSED = {
    "own gradient": lambda: Net(lambda m, h: Twice.apply(h)),
    "item": lambda: Net(lambda m, h: h / h.abs().max().item()),
    "branch": lambda: Net(branch),
    "batch norm, cumulative": lambda: Net(
        lambda m, h: m.norm(h), norm=nn.BatchNorm1d(8, momentum=None)
    ),
    "own random numbers": lambda: Net(lambda m, h: h + torch.rand_like(h)),
    "alpha dropout": lambda: Net(lambda m, h: m.drop(h), drop=nn.AlphaDropout(0.2)),
    "dropout in evaluation": lambda: Net(lambda m, h: functional.dropout(h, 0.5)),
    "a buffer that changes in evaluation": lambda: Net(always_counts, mean=torch.zeros(8)),
    "an attribute that counts": Count,
    "rows that mix in evaluation": lambda: Net(lambda m, h: h / (1 + h.abs().mean())),
}


@pytest.fixture(scope="module", params=ENGINES)
def choice(request):
    return Choice(request.param)


@pytest.fixture(scope="module")
def framework():
    return frameworks.load("torch")


def captured_of(framework, make, arrays, recipe=RECIPE, seed=0):
    build = Build(make.__qualname__, lambda: make(), f"{id(make)}", {}, {}, ())
    return framework.capture(build, recipe, arrays, seed)


@pytest.mark.parametrize("name", RIGHT)
def test_it_is_compiled_and_trains_as_in_pytorch(choice, framework, name):
    arrays = data.classes()
    captured = captured_of(framework, RIGHT[name], arrays)
    chosen = choice.name(captured, arrays, RECIPE, 0, epochs=3)
    if choice.wanted == "native" and name not in NATIVE:
        assert chosen == "torch_eager"
        return
    assert chosen == choice.wanted, choice.reasons
    losses = []
    for engine in (choice.engine(chosen), choice.engine("torch_eager")):
        engine.open(captured, arrays)
        engine.put(0, RECIPE, 0, captured.initial)
        curves = engine.run({0: 3})[0]
        losses.append([*curves.train_loss, *curves.val_loss, *curves.train_loss_eval])
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_left_to_pytorch_with_a_reason(framework, name, engine):
    arrays, choice = data.classes(), Choice(engine)
    captured = captured_of(framework, REFUSED[name], arrays)
    assert choice.name(captured, arrays, RECIPE, 0, epochs=3) == "torch_eager"
    (reason,) = choice.reasons
    assert reason.startswith("trained in plain PyTorch: ")


def test_what_a_builder_draws_is_no_constant_of_all_trials(choice, framework):
    arrays = data.classes()

    def drawn():
        scale = random.random()
        return Net(lambda m, h: h * scale)

    keys = {captured_of(framework, drawn, arrays, seed=s).graph().key for s in (0, 0, 1)}
    assert len(keys) == 2


def test_the_probe_notices_a_wrong_gradient(choice, framework):
    arrays = data.classes()
    captured = captured_of(framework, lambda: Net(lambda m, h: Twice.apply(h)), arrays)
    engines = (choice.engine(choice.wanted), choice.engine("torch_eager"))
    if engines[0].refuses(captured, RECIPE) is None:
        assert "gradient norm" in probe(*engines, captured, arrays, RECIPE, 0)


@needs_jax
def test_what_the_engine_raises_is_a_reason(framework):
    arrays = data.tokens()

    def counted():
        table = nn.Embedding(12, 4, scale_grad_by_freq=True)
        return nn.Sequential(table, nn.Flatten(), nn.Linear(24, 2))

    own, recipe = Choice("compiled"), RECIPE.replace({"preprocessing": "tokens"})
    captured = captured_of(framework, counted, arrays, recipe)
    assert own.name(captured, arrays, recipe, 0, epochs=3) == "torch_eager"
    assert "scales gradients by frequency" in next(iter(own.reasons))


def test_a_named_engine_is_not_probed(framework):
    choice, arrays = Choice("torch_eager"), data.classes()
    captured = captured_of(framework, RIGHT["softmax"], arrays)
    assert choice.name(captured, arrays, RECIPE, 0, epochs=3) == "torch_eager"
    assert not choice.reasons


def test_rates_of_dropout_share_a_graph(framework):
    arrays = data.classes()
    make = lambda: nn.Sequential(nn.Linear(N, 8), nn.Dropout(0.5), nn.Linear(8, OUT))  # noqa: E731
    graphs = [
        captured_of(framework, make, arrays, RECIPE.replace({"dropout": p})).graph()
        for p in (None, 0.1, 0.2)
    ]
    assert len({graph.key for graph in graphs}) == 1
    assert [graph.rates for graph in graphs] == [(0.5,), (0.1,), (0.2,)]


def plain():
    return nn.Sequential(nn.Linear(N, 8), nn.Tanh(), nn.Linear(8, OUT))


class TestWhatPays:
    """With `auto`, a structure is compiled as soon as that costs less than going on."""

    @pytest.fixture(autouse=True)
    def new_cache(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def chosen(self, choice, framework, epochs, **changes):
        arrays, recipe = data.classes(), RECIPE.replace(changes)
        captured = captured_of(framework, plain, arrays, recipe)
        return choice.name(captured, arrays, recipe, 0, epochs=epochs)

    def test_a_few_epochs_are_trained_as_they_are(self, framework):
        choice = Choice()
        assert self.chosen(choice, framework, 1) == "torch_eager"
        assert choice.reasons == ("trained in plain PyTorch: too short to pay for compiling",)

    def test_many_epochs_are_compiled_and_it_says_what_that_brings(self, framework):
        choice = Choice()
        assert self.chosen(choice, framework, 100_000) == FAST
        (line,) = choice.reasons
        assert line.startswith("compiled one structure: an epoch takes ")

    def test_so_are_many_short_trials_of_one_structure(self, framework):
        choice = Choice()
        names, arrays = [], data.classes()
        for schedule in 10 * ["cosine", "step"]:
            names.append(self.chosen(choice, framework, 5, schedule=schedule))
            captured = captured_of(framework, plain, arrays)
            choice.spend(choice.engine(names[-1]), captured, arrays, 5, 0.5)
        assert names[0] == "torch_eager"
        assert names[-1] == FAST
        assert names == sorted(names, reverse=True)

    def test_another_structure_pays_for_itself(self, framework):
        choice = Choice()
        assert self.chosen(choice, framework, 100_000) == FAST
        assert self.chosen(choice, framework, 1, optimizer="adagrad") == "torch_eager"
        assert self.chosen(choice, framework, 1) == FAST

    def test_what_an_earlier_process_compiled_pays_sooner(self, framework):
        first, second = Choice(), Choice()
        arrays = data.classes()
        captured = captured_of(framework, plain, arrays)
        new = first.engine(FAST).setup_seconds(captured)
        assert self.chosen(first, framework, 100_000) == FAST
        assert first.engine(FAST).setup_seconds(captured) == 0
        assert 0 < second.engine(FAST).setup_seconds(captured) < new

    def test_what_another_process_has_found_out_is_not_found_out_again(
        self, framework, monkeypatch
    ):
        first, second = Choice(), Choice()
        assert self.chosen(first, framework, 100_000) == FAST
        for name in ("probe", "epoch_seconds"):
            monkeypatch.delattr(f"luthier.loop.training.choice.{name}")
        second.known = second.known.merge(first.known)
        assert self.chosen(second, framework, 1) == FAST
        assert second.reasons == first.reasons

    def test_the_slower_engine_is_not_taken(self, framework, monkeypatch):
        times = {FAST: 0.2, "torch_eager": 0.1}
        monkeypatch.setattr(
            "luthier.loop.training.choice.epoch_seconds",
            lambda engine, *_, **__: times[engine.name],
        )
        choice = Choice()
        assert self.chosen(choice, framework, 100) == "torch_eager"
        assert choice.reasons == (
            "trained in plain PyTorch: 1e+02 ms an epoch, and 2e+02 compiled",
        )
        assert self.chosen(choice, framework, 100_000) == "torch_eager"

    @needs_gcc
    @needs_jax
    def test_what_the_first_engine_refuses_must_pay_the_price_of_the_next(
        self, framework, monkeypatch
    ):
        def grouped():  # normalised as C cannot yet
            return nn.Sequential(nn.Linear(N, 6), nn.GroupNorm(2, 6), nn.Linear(6, OUT))

        times = {"compiled": 0.01, "torch_eager": 0.1}
        monkeypatch.setattr(
            "luthier.loop.training.choice.epoch_seconds",
            lambda engine, *_, **__: times[engine.name],
        )
        arrays, choice = data.classes(), Choice()
        captured = captured_of(framework, grouped, arrays)
        names = [choice.name(captured, arrays, RECIPE, 0, epochs=n) for n in (20, 100_000)]
        assert names == ["torch_eager", "compiled"]
        assert "trained in plain PyTorch: too short to pay for compiling" in choice.reasons


def test_only_torch_networks_that_differ_in_rates_alone_share_a_program():
    assert Choice().reads_rates
    assert not Choice(framework="keras").reads_rates
