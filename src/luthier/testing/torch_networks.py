"""PyTorch builders with what users' networks have and engines trip over."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import Build


class _Calls(nn.Module):
    """A module around a function of a tensor and of whether it trains."""

    def __init__(self, function: Callable[[Tensor, bool], Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, x: Tensor) -> Tensor:
        return self._function(x, self.training)


class _Tied(nn.Module):
    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Linear(n_features, n_features),
            nn.Linear(n_features, n_features),
        )
        self.second.weight = self.first.weight
        self.last = nn.Linear(n_features, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.second(torch.tanh(self.first(x))))
        outputs: Tensor = self.last(x)
        return outputs


class _Buffers(nn.Module):
    """Replaces one buffer in every forward pass; another one is called as no buffer should be."""

    weights: Tensor
    seen: Tensor

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.ones(n_features))
        self.register_buffer("seen", torch.zeros(n_features))
        self.last = nn.Linear(n_features, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen = 0.9 * self.seen + 0.1 * x.mean(0)
        outputs: Tensor = self.last((x - self.seen) * self.weights)
        return outputs


class _Block(nn.Module):
    """Halves images, with a branch around it."""

    def __init__(self, channels: int, made: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, made, 3, stride=2, padding=1, bias=False)
        self.norm, self.last = nn.BatchNorm2d(made), nn.Conv2d(made, made, 3, padding=1)
        self.short = nn.Conv2d(channels, made, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.norm(self.first(x)).relu()) + self.short(x)
        return y.relu()


class _Recurrent(nn.Module):
    """Two layers both ways, dropout between and after them, and the mean of their states."""

    def __init__(self, kind: Callable[..., nn.Module], inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.layer = kind(inputs, 3, 2, batch_first=True, bidirectional=True, dropout=0.3)
        self.drop, self.last = nn.Dropout(0.2), nn.Linear(6, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.last(self.drop(self.layer(x)[0]).mean(1))
        return outputs


class _Encoder(nn.Module):
    """PyTorch's encoder over tokens, which may look at those before them alone."""

    def __init__(self, n_outputs: int, *, causal: bool = False, each: bool = False) -> None:
        super().__init__()
        self.causal, self.each = causal, each
        layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.2, batch_first=True)
        self.table, self.last = nn.Embedding(12, 8), nn.Linear(8, n_outputs)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.table(x)
        places = x.shape[1]
        later = torch.ones(places, places, dtype=torch.bool).triu(1) if self.causal else None
        made = self.encoder(x, mask=later)
        outputs: Tensor = self.last(made + x if self.each else made.mean(1) + x[:, 0])
        return outputs


class _Tagger(nn.Module):
    """An LSTM over tokens; classes come second, as PyTorch's losses want them."""

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(12, 4), nn.Linear(6, n_outputs)
        self.layer = nn.LSTM(4, 3, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.last(self.layer(self.table(x))[0])
        return outputs.transpose(1, 2)


class _UNet(nn.Module):
    """Makes images small and large again, and joins them to what they were before."""

    def __init__(self, channels: int, n_outputs: int) -> None:
        super().__init__()
        self.first, self.pool = nn.Conv2d(channels, 4, 3, padding=1), nn.MaxPool2d(2)
        self.small, self.norm = nn.Conv2d(4, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.large = nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.last = nn.Conv2d(8, n_outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        small = self.norm(self.small(self.pool(x))).relu()
        outputs: Tensor = self.last(torch.cat([x, self.large(small)], 1))
        return outputs


class _TiedTable(nn.Module):
    """Scores tokens by the table that embeds them."""

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(12, 4), nn.Linear(12, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        scores = functional.linear(self.table(x).mean(1), self.table.weight)
        outputs: Tensor = self.last(torch.tanh(scores))
        return outputs


def residual(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a residual convolutional network."""
    return nn.Sequential(
        nn.Conv2d(input_shape[0], 4, 3, padding=1),
        _Block(4, 6),
        _Block(6, 8),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, n_outputs),
    )


def windows(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a convolutional network whose windows are dilated, of groups, and transposed."""
    return nn.Sequential(
        nn.Conv2d(input_shape[0], 4, 3, padding=2, dilation=2),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
        nn.BatchNorm2d(6),
        nn.ConvTranspose2d(6, 3, 3, stride=2, padding=1, output_padding=1),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, n_outputs),
    )


def lstm(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return an LSTM over sequences of vectors."""
    return _Recurrent(nn.LSTM, input_shape[1], n_outputs)


def gru(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a GRU over sequences of vectors."""
    return _Recurrent(nn.GRU, input_shape[1], n_outputs)


def transformer(n_outputs: int) -> nn.Module:
    """Return a transformer over tokens."""
    return _Encoder(n_outputs)


def decoder(n_outputs: int) -> nn.Module:
    """Return a transformer over tokens, each of which sees those before it."""
    return _Encoder(n_outputs, causal=True)


def language(n_outputs: int) -> nn.Module:
    """Return a decoder that names a class at each token."""
    return _Encoder(n_outputs, causal=True, each=True)


def tagger(n_outputs: int) -> nn.Module:
    """Return an LSTM that names a class at each token."""
    return _Tagger(n_outputs)


def unet(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a U-Net, which names a class at each pixel."""
    return _UNet(input_shape[0], n_outputs)


def tied_table(n_outputs: int) -> nn.Module:
    """Return a network with one matrix as embedding and as output layer."""
    return _TiedTable(n_outputs)


def functional_dropout(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network that calls dropout as a function."""
    drop = _Calls(lambda x, training: functional.dropout(x, 0.3, training))
    return nn.Sequential(nn.Linear(n_features, 8), nn.ReLU(), drop, nn.Linear(8, n_outputs))


def channel_dropout(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a convolutional network with channel-wise dropout, twice, and batch norm."""
    return nn.Sequential(
        nn.Conv2d(input_shape[0], 6, 3),
        nn.Dropout2d(0.3),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        _Calls(lambda x, training: functional.dropout2d(x, 0.2, training)),
        nn.Flatten(),
        nn.Linear(6 * (input_shape[1] - 2) * (input_shape[2] - 2), n_outputs),
    )


def own_random_numbers(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network that draws from torch's and from Python's generators as it trains."""

    def noise(x: Tensor, training: bool) -> Tensor:
        if not training:
            return x
        return x + random.random() * torch.rand_like(x)  # noqa: S311

    return nn.Sequential(nn.Linear(n_features, 8), _Calls(noise), nn.Linear(8, n_outputs))


def frozen(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network whose first layer does not train."""
    first = nn.Linear(n_features, 8).requires_grad_(False)
    return nn.Sequential(first, nn.ReLU(), nn.Linear(8, n_outputs))


def tied(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network with one kernel in two layers."""
    return _Tied(n_features, n_outputs)


def buffers(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network with buffers of its own."""
    return _Buffers(n_features, n_outputs)


def fails_in_training(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network that evaluates and does not train."""

    def fail(x: Tensor, training: bool) -> Tensor:
        if training:
            torch.rand(1)
            raise RuntimeError("it does not train")
        return x

    return nn.Sequential(nn.Linear(n_features, n_outputs), _Calls(fail))


BUILDERS: dict[str, Build] = {
    function.__name__: Build.read(function, function.__name__)
    for function in (
        functional_dropout,
        channel_dropout,
        own_random_numbers,
        frozen,
        tied,
        buffers,
        fails_in_training,
        residual,
        windows,
        lstm,
        gru,
        transformer,
        decoder,
        language,
        tagger,
        unet,
        tied_table,
    )
}
