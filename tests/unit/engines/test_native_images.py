"""Convolutions and pooling in C compute what PyTorch computes, whatever their sizes."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from luthier import engines, frameworks
from luthier.core import Build, Recipe
from luthier.engines.native.compiler import compiler
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

STEPS = Recipe(
    optimizer="adam",
    learning_rate=0.01,
    batch_size=16,
    epochs=3,
    precision="float64",
    l1=1e-4,
    l2=1e-3,
    mixup=0.3,
    ema=0.9,
)


class Residual(nn.Module):
    """A block that halves its images, with a branch around it."""

    def __init__(self, channels, made):
        super().__init__()
        self.first = nn.Conv2d(channels, made, 3, stride=2, padding=1, bias=False)
        self.norm, self.last = nn.BatchNorm2d(made), nn.Conv2d(made, made, 3, padding=1)
        self.short = nn.Conv2d(channels, made, 1, stride=2)

    def forward(self, x):
        return (self.last(self.norm(self.first(x)).relu()) + self.short(x)).relu()


class Signals(nn.Module):
    """Convolutions over time, of rows that the network itself makes images of."""

    def __init__(self, outputs):
        super().__init__()
        self.first, self.norm = nn.Conv1d(2, 5, 3, padding=1), nn.BatchNorm1d(5)
        self.pool, self.last = nn.MaxPool1d(2), nn.Conv1d(5, 4, 3, stride=2)
        self.out = nn.Linear(4, outputs)

    def forward(self, x):
        x = self.pool(self.norm(self.first(x.view(-1, 2, 12) * 0.5)).tanh())
        return self.out(self.last(x).mean(-1))


class Decoded(nn.Module):
    """A linear layer whose result becomes an image, and is used twice."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.wide, self.narrow = nn.Linear(inputs, 3 * 4 * 4), nn.Conv2d(3, 6, 3, padding=1)
        self.out = nn.Linear(3 * 4 * 4, outputs)
        self.back = nn.Conv2d(6, 3, 2, stride=2)
        self.up = nn.Linear(3 * 2 * 2, 3 * 4 * 4)

    def forward(self, x):
        rows = self.wide(x)
        image = self.back(self.narrow(rows.view(-1, 3, 4, 4)).relu())
        return self.out(self.up(image.flatten(1)) + rows)


class Dense(nn.Module):
    """Goes on with what it had, beside what it made of it."""

    def __init__(self, outputs):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 5, 3, padding=1), nn.Conv2d(7, 3, 1)
        self.out = nn.Linear(12, outputs)

    def forward(self, x):
        before = x.mean((2, 3))
        x = torch.cat([x, self.first(x).relu()], 1)
        x = torch.cat([self.second(x), x], 1).mean((2, 3))
        return self.out(torch.cat([x, before], -1))


def flat(n, outputs):
    return [nn.Flatten(), nn.Linear(n, outputs)]


NETWORKS = {
    "two convolutions and two dense layers": (
        (2, 8, 8),
        lambda n: nn.Sequential(
            *(nn.Conv2d(2, 18, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(18, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(16, 10), nn.ReLU(), nn.Linear(10, n)),
        ),
    ),
    "batch norm, dropout of numbers and of channels": (
        (1, 6, 7),
        lambda n: nn.Sequential(
            *(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout(0.3)),
            *(nn.Conv2d(5, 6, 2), nn.Dropout2d(0.3), nn.GELU(), *flat(6 * 3 * 4, n)),
        ),
    ),
    "windows of other shapes, strides and paddings": (
        (3, 9, 8),
        lambda n: nn.Sequential(
            *(nn.Conv2d(3, 4, (3, 2), stride=(2, 3), padding=(2, 1)), nn.Tanh()),
            *(nn.Conv2d(4, 17, 1), nn.Conv2d(17, 3, 5, padding=2, bias=False), nn.ReLU()),
            *flat(3 * 6 * 3, n),
        ),
    ),
    "windows of pooling that overlap and reach over the edge": (
        (1, 9, 9),
        lambda n: nn.Sequential(
            *(nn.Conv2d(1, 4, 2), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1)),
            *(nn.Conv2d(4, 4, 1), nn.AvgPool2d(2, padding=1, ceil_mode=True)),
            *(nn.AvgPool2d(2, stride=1, padding=1, count_include_pad=False), *flat(64, n)),
        ),
    ),
    "every channel by itself": (
        (2, 7, 6),
        lambda n: nn.Sequential(
            *(nn.Conv2d(2, 2, 3, groups=2, padding=1, bias=False), nn.Conv2d(2, 6, 1)),
            *(nn.Conv2d(6, 6, (3, 2), groups=6, stride=2, padding=1), nn.ReLU(), nn.Dropout(0.2)),
            *(nn.AdaptiveAvgPool2d(1), *flat(6, n)),
        ),
    ),
    "residual": (
        (3, 8, 8),
        lambda n: nn.Sequential(
            nn.BatchNorm2d(3), Residual(3, 5), Residual(5, 8), nn.AdaptiveAvgPool2d(1), *flat(8, n)
        ),
    ),
    "what it had beside what it made": ((2, 5, 6), Dense),
    "signals": ((24,), Signals),
    "rows made into images": ((10,), lambda n: Decoded(10, n)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_agrees_with_pytorch_to_rounding(trained, name):
    shape, network = NETWORKS[name]

    def build(n_outputs):
        return network(n_outputs)

    arrays, built = data.noise(*shape), Build.read(build, name)
    found, true = (trained(engine, built, STEPS, arrays) for engine in ("native", "torch_eager"))
    for series in ("train_loss", "train_loss_eval", "val_loss", "penalty"):
        np.testing.assert_allclose(
            getattr(found[0], series), getattr(true[0], series), rtol=1e-9, atol=1e-12
        )
    for signal, values in true[0].signals.items():
        np.testing.assert_allclose(found[0].signals[signal], values, rtol=1e-7)
    for tensor, value in true[1].arrays.items():
        # Adam makes steps of rounding errors where a batch norm takes a bias' gradient away.
        np.testing.assert_allclose(found[1].arrays[tensor], value, rtol=1e-6, atol=1e-6)


def test_the_first_of_the_largest_gets_the_gradient(trained):
    """As PyTorch has it; after a relu many numbers are equal."""

    def build(n_outputs):
        return nn.Sequential(
            nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Sigmoid(), nn.MaxPool2d(2), *flat(12, n_outputs)
        )

    arrays = data.noise(1, 4, 4)
    recipe = STEPS.replace({"batch_size": "full", "optimizer": "sgd", "mixup": 0.0})
    found, true = (
        trained(engine, Build.read(build, "equals"), recipe, arrays)
        for engine in ("native", "torch_eager")
    )
    for tensor, value in true[1].group("weights").items():
        np.testing.assert_allclose(found[1].group("weights")[tensor], value, rtol=1e-10)


@pytest.mark.parametrize(
    "augmentation", ["flip", "shift", "flip_shift", "cutout", "flip_shift_cutout"]
)
@pytest.mark.parametrize("mixup", [0.0, 0.5])
def test_images_are_augmented_as_in_pytorch(trained, augmentation, mixup):
    def build(n_outputs):
        return nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), *flat(3 * 5 * 8, n_outputs))

    recipe = STEPS.replace({"augmentation": augmentation, "mixup": mixup, "epochs": 2})
    found, true = (
        trained(engine, Build.read(build, "moved"), recipe, data.noise(2, 6, 9))
        for engine in ("native", "torch_eager")
    )
    np.testing.assert_allclose(found[0].train_loss, true[0].train_loss, rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (nn.ConvTranspose2d(2, 4, 3, groups=2), "transposed convolution has 2 groups"),
        (nn.ConvTranspose2d(2, 4, 2, padding=2), "padded"),
        (nn.Conv2d(2, 4, 1, padding=1), "padded"),
    ],
)
def test_what_it_cannot_convolve_it_names(layer, says):
    def build(n_outputs):
        return nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), *flat(4, n_outputs))

    captured = frameworks.load("torch").capture(
        Build.read(build, f"refused_{says}"), STEPS, data.noise(2, 6, 6), 0
    )
    assert says in engines.load("native").refuses(captured, STEPS)


def test_a_batch_that_takes_much_of_the_memory_is_refused():
    def build(n_outputs):
        return nn.Sequential(nn.Conv2d(2, 64, 3), nn.ReLU(), *flat(64 * 16, n_outputs))

    large = STEPS.replace({"batch_size": 40})
    captured = frameworks.load("torch").capture(
        Build.read(build, "large"), large, data.noise(2, 6, 6), 0
    )
    engine = engines.load("native")
    assert engine.refuses(captured, large) is None
    signature = dataclasses.replace(captured.signature, batch_size=10**7)
    said = engine.refuses(dataclasses.replace(captured, signature=signature), large)
    assert "values of a batch take" in said
    assert "of this machine's" in said


def test_a_kernel_of_images_comes_back_as_it_was_placed():
    def build(n_outputs):
        return nn.Sequential(nn.Conv2d(2, 5, (3, 2)), nn.ReLU(), *flat(5 * 4 * 5, n_outputs))

    engine, arrays = engines.load("native"), data.noise(2, 6, 6)
    captured = frameworks.load("torch").capture(Build.read(build, "placed"), STEPS, arrays, 0)
    assert engine.refuses(captured, STEPS) is None
    engine.open(captured, arrays)
    engine.put(0, STEPS, 0, captured.initial)
    for name, value in captured.initial.group("weights").items():
        taken = engine.take(0).group("weights")[name]
        np.testing.assert_array_equal(taken, value)
