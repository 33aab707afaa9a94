"""Attention that is masked, in C: what it is given, what is left of it, and how gradients pass."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from luthier import engines, frameworks
from luthier.core import Build, Part, Recipe
from luthier.engines.native.compiler import compiler
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

WORDS, PLACES, WIDTH, HEADS = 9, 10, 12, 2
STEPS = Recipe(
    optimizer="sgd", learning_rate=0.1, batch_size=16, epochs=2, precision="float64", l2=1e-3
)


def sentences(*, empty=False):
    """Return rows of words that end in zeros, in three classes; one may be empty."""
    arrays, rng = data.classes(), np.random.default_rng(0)
    task = dataclasses.replace(arrays.task, input_shape=(PLACES,))

    def part(rows):
        words = rng.integers(1, WORDS, size=(rows, PLACES))
        lengths = rng.integers(3, PLACES + 1, size=rows)
        lengths[1] = 0 if empty else 5
        words[np.arange(PLACES)[None] >= lengths[:, None]] = 0
        return Part((words,), rng.integers(task.n_outputs, size=rows), None, np.arange(rows))

    key = f"padded words, {empty}"
    return dataclasses.replace(arrays, task=task, train=part(40), val=part(20), key=key)


def with_empty():
    return sentences(empty=True)


class Attends(nn.Module):
    """Attention in two heads; how is given, and gets the words, and what they ask and answer."""

    def __init__(self, outputs, how):
        super().__init__()
        self.words, self.all = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, 3 * WIDTH)
        self.places = nn.Parameter(torch.randn(1, PLACES, WIDTH) * 0.1)
        self.out, self.how = nn.Linear(WIDTH, outputs), how
        self.register_buffer("tril", torch.tril(torch.ones(PLACES, PLACES)))
        self.register_buffer("before", torch.ones(PLACES, PLACES).tril().bool())
        self.register_buffer("bias", torch.randn(PLACES, PLACES))
        self.register_buffer("slopes", torch.tensor([0.5, 0.25]))
        self.register_buffer("calls", torch.ones(PLACES))
        self.trains = nn.Parameter(torch.zeros(PLACES, PLACES))
        self.fixed = torch.ones(PLACES, PLACES).triu(1).bool()

    def forward(self, x):
        h = self.words(x) + self.places
        parts = (p.view(*h.shape[:2], HEADS, -1).transpose(1, 2) for p in self.all(h).chunk(3, -1))
        y = self.how(self, x, *parts)
        return self.out((h + y.transpose(1, 2).reshape(h.shape)).mean(1))


def sdpa(mask=None, drop=0.0, **options):
    """Attend by PyTorch's function, under a mask of the words."""

    def how(self, x, q, k, v):
        given = None if mask is None else mask(self, x)
        p = drop if self.training else 0.0
        return functional.scaled_dot_product_attention(q, k, v, given, dropout_p=p, **options)

    return how


def by_hand(masked, drop=0.0):
    """Attend by products and a softmax; what masks the scores is given."""

    def how(self, x, q, k, v):
        scores = masked(self, x, q @ k.transpose(-2, -1) / math.sqrt(k.shape[-1]))
        return functional.dropout(scores.softmax(-1), drop, self.training) @ v

    return how


def nanogpt(self, x, scores):
    length = x.shape[1]
    return scores.masked_fill(self.tril[None, None, :length, :length] == 0, -math.inf)


def causal_by_hand(self, x, scores):
    length = x.shape[1]
    later = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
    return scores.masked_fill(later, -math.inf)


def alibi(self, x, scores):
    """Take from far keys, in each head by a slope of its own (Press et al. 2022)."""
    place = torch.arange(x.shape[1])
    apart = (place[None] - place[:, None]).to(scores.dtype)
    return nanogpt(self, x, scores + self.slopes.view(1, HEADS, 1, 1) * apart)


def window(self, x, scores):
    place = torch.arange(x.shape[1])
    apart = place[:, None] - place
    return torch.where((apart >= 0) & (apart < 3), scores, -math.inf)


def large(self, x, scores):
    return scores.masked_fill((x == 0)[:, None, None, :], -1e9)


def then_scaled(self, x, scores):
    return scores.masked_fill(x.eq(0)[:, None, None], -4.0) * 0.5 + self.bias


def words_before(self, x):
    """Return what a word may look at: words, up to itself."""
    return (x != 0)[:, None, None, :] & self.before


def square(self, x):
    word = x > 0
    return (word[:, None, :] & word[:, :, None])[:, None]


ATTENTION = {
    "causal": (sentences, sdpa(is_causal=True)),
    "causal, drops": (sentences, sdpa(is_causal=True, drop=0.3)),
    "causal, another scale": (sentences, sdpa(is_causal=True, scale=0.7)),
    "truth values": (sentences, sdpa(lambda self, x: self.before)),
    "an attribute": (sentences, sdpa(lambda self, x: ~self.fixed)),
    "numbers to add": (sentences, sdpa(lambda self, x: self.bias, drop=0.3)),
    "numbers to add in some places": (
        sentences,
        sdpa(lambda self, x: self.bias.masked_fill(self.fixed, -math.inf)),
    ),
    "padding": (sentences, sdpa(lambda self, x: (x != 0)[:, None, None, :], drop=0.3)),
    "padding and order": (sentences, sdpa(words_before, drop=0.3)),
    "nothing to look at": (with_empty, sdpa(words_before, drop=0.3)),
    "nothing to look at, added": (
        with_empty,
        sdpa(lambda self, x: torch.where(words_before(self, x), 0.0, -math.inf).double()),
    ),
    "queries are masked too": (with_empty, sdpa(square)),
    "nanogpt": (sentences, by_hand(nanogpt, 0.3)),
    "an upper triangle": (sentences, by_hand(causal_by_hand)),
    "alibi": (sentences, by_hand(alibi)),
    "a window": (sentences, by_hand(window)),
    "a large number": (with_empty, by_hand(large, 0.3)),
    "a number, scaled and added to": (with_empty, by_hand(then_scaled)),
}


class Multihead(nn.Module):
    """PyTorch's module."""

    def __init__(self, outputs, *, weights=False, **masks):
        super().__init__()
        self.words, self.out = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, outputs)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, dropout=0.2, batch_first=True)
        self.weights, self.masks = weights, masks

    def forward(self, x):
        h = self.words(x)
        masks = {name: mask(x) for name, mask in self.masks.items()}
        made = self.attention(h, h, h, need_weights=self.weights, **masks)[0]
        return self.out((h + made).mean(1))


class Encoder(nn.Module):
    """PyTorch's encoder; masks are given."""

    def __init__(self, outputs, *, nested=False, norm_first=False, **masks):
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 20, dropout=0.2, batch_first=True, norm_first=norm_first
        )
        self.words, self.out = nn.Embedding(WORDS, WIDTH), nn.Linear(WIDTH, outputs)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=nested)
        self.masks = masks

    def forward(self, x):
        masks = {name: mask(x) for name, mask in self.masks.items()}
        return self.out(self.encoder(self.words(x), **masks).mean(1))


def padding(x):
    return x == 0


def later(x):
    return torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)


def square_subsequent(x):
    return nn.Transformer.generate_square_subsequent_mask(x.shape[1], dtype=torch.float64)


def yes(x):
    return True


MODULES = {
    "attention, order": lambda n: Multihead(n, attn_mask=later),
    "attention, order as its hint": lambda n: Multihead(
        n, attn_mask=square_subsequent, is_causal=yes
    ),
    "attention, both": lambda n: Multihead(n, attn_mask=later, key_padding_mask=padding),
    "attention, both, and weights": lambda n: Multihead(
        n, weights=True, attn_mask=later, key_padding_mask=padding
    ),
    "encoder, order": lambda n: Encoder(n, mask=square_subsequent),
    "encoder, order as its hint": lambda n: Encoder(n, mask=square_subsequent, is_causal=yes),
    "encoder, padding": lambda n: Encoder(n, src_key_padding_mask=padding, norm_first=True),
    "encoder, both": lambda n: Encoder(n, mask=later, src_key_padding_mask=padding),
}


class Means(nn.Module):
    """The mean of words, made in some way, of a table that may not train its padding."""

    def __init__(self, outputs, how, padding=None):
        super().__init__()
        self.table, self.out = nn.Embedding(WORDS, 5, padding), nn.Linear(5, outputs)
        self.where = nn.Embedding(PLACES + 3, 5)
        self.register_buffer("weight", torch.rand(PLACES))
        self.how = how

    def forward(self, x):
        return self.out(self.how(self, self.table(x), x))


def mean_of_words(self, h, x):
    word = (x != 0).unsqueeze(-1).to(h.dtype)
    return (h * word).sum(1) / word.sum(1).clamp(min=1)


def mean_by_count(self, h, x):
    return h.masked_fill(x.eq(0)[..., None], 0.0).sum(1) / (x != 0).sum(1, keepdim=True)


def kept_where_words_are(self, h, x):
    return torch.where((x > 2)[:, :, None], h.tanh(), -0.5).mean(1)


def weighed(self, h, x):
    return ((self.weight[:, None] * h.relu()) - self.weight[None, :, None] / 3).mean(1)


def columns_too(self, h, x):
    place = torch.arange(5)
    return (h * (place > 1) + (place - 2) * (x == 3)[..., None]).sum(1)


def coded_places(self, h, x):
    return (h + self.where(torch.arange(x.shape[1]))).tanh().mean(1)


def coded_places_of_all(self, h, x):
    places = torch.arange(x.shape[1]).unsqueeze(0).expand(len(x), -1)
    return (self.where(places) + h).tanh()[:, 3]


MEANS = {
    "of words": (sentences, lambda n: Means(n, mean_of_words)),
    "of words, and padding does not train": (with_empty, lambda n: Means(n, mean_of_words, 0)),
    "of all, and a word does not train": (
        sentences,
        lambda n: Means(n, lambda s, h, x: h.sum(1), 3),
    ),
    "by their number": (sentences, lambda n: Means(n, mean_by_count)),
    "kept where words are": (sentences, lambda n: Means(n, kept_where_words_are)),
    "weighed": (sentences, lambda n: Means(n, weighed)),
    "columns have masks too": (sentences, lambda n: Means(n, columns_too)),
    "coded places": (sentences, lambda n: Means(n, coded_places)),
    "coded places of all": (sentences, lambda n: Means(n, coded_places_of_all)),
}


NETWORKS = {
    **MEANS,
    **{
        name: (arrays, lambda n, how=how: Attends(n, how))
        for name, (arrays, how) in ATTENTION.items()
    },
    **{name: (sentences, network) for name, network in MODULES.items()},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_agrees_with_pytorch_to_rounding(agrees, name):
    arrays, network = NETWORKS[name]

    def build(n_outputs):
        return network(n_outputs)

    # plain steps: weights differ as gradients do
    agrees(Build.read(build, name), STEPS, arrays(), rtol=1e-10, atol=1e-12)


def test_a_mask_of_a_buffer_is_the_trial_s_own(trained):
    """Two trials share a program, and each has drawn its own numbers."""

    def build(n_outputs):
        return Attends(n_outputs, sdpa(lambda self, x: self.bias))

    built, arrays, engine = Build.read(build, "drawn"), sentences(), engines.load("native")
    captured = [frameworks.load("torch").capture(built, STEPS, arrays, seed) for seed in (0, 1)]
    assert captured[0].graph().key == captured[1].graph().key
    for seed, one in enumerate(captured):
        for each in (engine, eager := engines.load("torch_eager")):
            each.open(one, arrays)
            each.put(0, STEPS, seed, one.initial)
        found, true = (each.run({0: 2})[0].val_loss for each in (engine, eager))
        np.testing.assert_allclose(found, true, rtol=1e-10)


def learned(self, x, scores):
    return scores + self.trains


def computed(self, x, scores):
    return scores + self.out(self.words(x)).mean(-1)[:, None, None]


def by_its_batch(self, x, scores):
    return scores + torch.arange(len(x))[:, None, None, None]


def changed(self, x, scores):
    if self.training:
        self.calls.mul_(0.9)
    return scores + self.calls


def after(self, x, scores):
    return scores.softmax(-1).masked_fill(self.fixed, 0.0)


def half_spared(self, x, scores):
    scores = nanogpt(self, x, scores)
    return scores.masked_fill((scores == -math.inf).all(-1, keepdim=True), 0.0)


@pytest.mark.parametrize(
    ("masked", "says"),
    [
        (learned, "'trains', which trains"),
        (computed, "what it computed"),
        (by_its_batch, "places in a batch"),
        (changed, "calls"),
        (after, "masks a softmax"),
        (half_spared, "shares of what a mask rules out"),
    ],
)
def test_what_it_cannot_mask_it_names(masked, says):
    def build(n_outputs):
        return Attends(n_outputs, by_hand(masked))

    captured = frameworks.load("torch").capture(Build.read(build, "refused"), STEPS, sentences(), 0)
    assert says in (engines.load("native").refuses(captured, STEPS) or "")


def repeated(self, h, x):
    return (h.mean(1, keepdim=True) * (x != 0)[..., None]).sum(1)


def coded_otherwise(self, h, x):
    return (h + self.where(torch.arange(1, x.shape[1] + 1))).mean(1)


def of_the_batch(self, h, x):
    return h.mean(1) * torch.arange(len(x))[:, None]


@pytest.mark.parametrize(
    ("how", "says"),
    [(repeated, "repeats a value"), (coded_otherwise, "arange"), (of_the_batch, "in a batch")],
)
def test_what_it_cannot_mask_values_by_it_names(how, says):
    def build(n_outputs):
        return Means(n_outputs, how)

    captured = frameworks.load("torch").capture(Build.read(build, "refused"), STEPS, sentences(), 0)
    assert says in (engines.load("native").refuses(captured, STEPS) or "")


def test_an_encoder_that_cuts_padding_off_in_evaluation_is_not_captured():
    def build(n_outputs):
        return Encoder(n_outputs, nested=True, src_key_padding_mask=padding)

    captured = frameworks.load("torch").capture(Build.read(build, "nested"), STEPS, sentences(), 0)
    said = engines.load("native").refuses(captured, STEPS) or ""
    assert "enable_nested_tensor=False keeps them" in said
