"""Convolutions in C that are dilated, grouped or transposed compute what PyTorch computes."""

import pytest
import torch
from torch import nn

from luthier.core import Build, Recipe
from luthier.engines.native.compiler import compiler
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

STEPS = Recipe(
    optimizer="sgd", learning_rate=0.1, batch_size=16, epochs=2, precision="float64", l2=1e-3
)
SIDES = (8, 9)


class Between(nn.Module):
    """A layer between others, so that gradients go on through it; its result is read twice."""

    def __init__(self, layer, outputs):
        super().__init__()
        channels = layer.in_channels
        self.first, self.layer = nn.Conv2d(2, channels, 3, padding=1), layer
        made, *sides = layer(torch.zeros(1, channels, *SIDES)).shape[1:]
        self.norm = nn.BatchNorm2d(made)
        self.out = nn.Linear(made * (sides[0] * sides[1] + 1), outputs)

    def forward(self, x):
        y = self.layer(self.first(x).tanh())
        y = self.norm(y).tanh() + y.relu()
        return self.out(torch.cat([y.flatten(1), y.mean((2, 3))], 1))


LAYERS = {
    "dilated": lambda: nn.Conv2d(3, 5, 3, dilation=2),
    "dilated, down alone": lambda: nn.Conv2d(3, 17, (3, 2), dilation=(2, 1), padding=(2, 0)),
    "dilated, along alone": lambda: nn.Conv2d(3, 5, (2, 3), dilation=(1, 3), padding=(1, 5)),
    "dilated and strided": lambda: nn.Conv2d(1, 4, 3, stride=(2, 3), dilation=2, padding=2),
    "dilated, no bias": lambda: nn.Conv2d(18, 3, 2, dilation=3, bias=False),
    "every channel by itself, dilated": lambda: nn.Conv2d(
        5, 5, 3, stride=2, dilation=(2, 1), padding=1, groups=5
    ),
    "two groups": lambda: nn.Conv2d(4, 6, 3, groups=2, padding=1),
    "three groups, strided and dilated": lambda: nn.Conv2d(
        9, 6, (3, 2), groups=3, stride=(1, 2), dilation=(2, 3), padding=(1, 0), bias=False
    ),
    "groups of whole vectors": lambda: nn.Conv2d(16, 32, 3, groups=2),
    "several of each channel": lambda: nn.Conv2d(3, 6, 3, groups=3),
    "groups of single pixels": lambda: nn.Conv2d(4, 8, 1, groups=2),
    "transposed": lambda: nn.ConvTranspose2d(3, 5, 3),
    "transposed, twice as large": lambda: nn.ConvTranspose2d(4, 3, 2, stride=2),
    "transposed, and more": lambda: nn.ConvTranspose2d(
        3, 17, 3, stride=2, padding=1, output_padding=1, bias=False
    ),
    "transposed, sides differ": lambda: nn.ConvTranspose2d(
        18, 4, (3, 2), stride=(1, 3), padding=(2, 0), output_padding=(0, 2)
    ),
    "transposed and dilated": lambda: nn.ConvTranspose2d(
        2, 3, 3, stride=2, dilation=2, padding=2, output_padding=1
    ),
}


class Autoencoder(nn.Module):
    """Makes images small and large again, and classifies by both."""

    def __init__(self, outputs):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(2, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 4, 3, 2, 1))
        self.up = nn.Sequential(
            *(nn.ConvTranspose2d(4, 6, 2, 2), nn.ReLU(), nn.Dropout(0.3)),
            *(nn.ConvTranspose2d(6, 2, 3, 2, 1, output_padding=1), nn.Dropout2d(0.2)),
        )
        self.out = nn.Linear(2 * 64 + 4 * 4, outputs)

    def forward(self, x):
        small = self.down(x)
        large = self.up(small.relu()) - x
        return self.out(torch.cat([large.flatten(1), small.flatten(1)], 1))


class Signals(nn.Module):
    """Dilated convolutions over time, each twice as far as the one before, and one back."""

    def __init__(self, outputs):
        super().__init__()
        layers = [nn.Conv1d(2, 6, 3, padding=1)]
        for far in (2, 4):
            layers += [nn.ReLU(), nn.Conv1d(6, 6, 3, dilation=far, padding=far, groups=2)]
        self.layers, self.up = nn.Sequential(*layers), nn.ConvTranspose1d(6, 3, 4, 2, 1)
        self.out = nn.Linear(3, outputs)

    def forward(self, x):
        return self.out(self.up(self.layers(x)).mean(-1))


NETWORKS = {
    **{
        name: ((2, *SIDES), lambda n, layer=layer: Between(layer(), n))
        for name, layer in LAYERS.items()
    },
    "autoencoder": ((2, 8, 8), Autoencoder),
    "signals": ((2, 12), Signals),
    "dilated first": (
        (3, 8, 7),
        lambda n: nn.Sequential(
            *(nn.Conv2d(3, 5, 3, dilation=2), nn.ReLU(), nn.Flatten(), nn.Linear(60, n))
        ),
    ),
    "groups first": (
        (4, 6, 6),
        lambda n: nn.Sequential(
            *(nn.Conv2d(4, 6, 3, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(96, n))
        ),
    ),
    "transposed first": (
        (3, 4, 5),
        lambda n: nn.Sequential(
            *(nn.ConvTranspose2d(3, 4, 3, 2), nn.ReLU(), nn.Dropout(0.2)),
            *(nn.Flatten(), nn.Linear(4 * 9 * 11, n)),
        ),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_agrees_with_pytorch_to_rounding(agrees, name):
    shape, network = NETWORKS[name]

    def build(n_outputs):
        return network(n_outputs)

    # plain steps: weights differ as gradients do
    agrees(Build.read(build, name), STEPS, data.noise(*shape), rtol=1e-10, atol=1e-12)
