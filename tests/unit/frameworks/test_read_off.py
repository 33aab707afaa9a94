"""A graph that is read off is the one that export gives, to the last name; the rest is exported."""

import pytest
import torch
from torch import nn

from luthier.catalog import families
from luthier.frameworks.torch.blocks import Residual
from luthier.frameworks.torch.capture import capture_graph
from luthier.frameworks.torch.layers import module_of
from luthier.frameworks.torch.read_off import LAYERS, read_off

ROWS, CHUNK = 4, 6


def both(module, shape=(5,), dtype=torch.float32):
    batch, chunk = (torch.zeros(rows, *shape, dtype=dtype) for rows in (ROWS, CHUNK))
    return read_off(module, [batch], [chunk]), capture_graph(module, [batch], [chunk])


SAME = {
    "every function": lambda: nn.Sequential(
        *(nn.Linear(5, 5), nn.ReLU(), nn.LeakyReLU(0.3), nn.ELU(0.7), nn.SELU(), nn.GELU()),
        *(nn.SiLU(), nn.Tanh(), nn.Sigmoid(), nn.Identity(), nn.SiLU()),
    ),
    "norms and dropout": lambda: nn.Sequential(
        *(nn.Dropout(0.1), nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.2)),
        *(nn.LayerNorm(4), nn.BatchNorm1d(4, momentum=0.3), nn.Linear(4, 2, bias=False)),
    ),
    "nested": lambda: nn.Sequential(
        nn.Sequential(nn.Linear(5, 3), nn.Sequential(nn.Tanh())), nn.Linear(3, 2)
    ),
    "residual": lambda: nn.Sequential(
        nn.BatchNorm1d(5), Residual(nn.BatchNorm1d(5), nn.Linear(5, 5)), Residual(nn.Tanh())
    ),
    "frozen": lambda: nn.Sequential(nn.Linear(5, 3).requires_grad_(False), nn.Linear(3, 2)),
}


@pytest.mark.parametrize("name", SAME)
def test_it_is_the_one_that_export_gives(name):
    read, exported = both(SAME[name]())
    assert read.train.text == exported.train.text
    assert read.evaluate.text == exported.evaluate.text
    assert read.key == exported.key


IMAGES = {
    "convolutions and pooling": lambda: nn.Sequential(
        *(nn.Conv2d(2, 4, 3, padding=1, stride=(2, 1), groups=2), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.MaxPool2d(3, 2, 1), nn.Dropout2d(0.1), nn.BatchNorm2d(4), nn.Conv2d(4, 3, (1, 2))),
        *(nn.AvgPool2d(2, 1), nn.Dropout(0.2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(3, 2),
    ),
    "means that overlap": lambda: nn.Sequential(
        *(nn.AvgPool2d(3, 1, 1), nn.MaxPool2d(2), nn.Conv2d(2, 3, 2, bias=False)),
        *(nn.Flatten(), nn.Linear(3 * 5 * 5, 2)),
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_so_it_is_for_images(name):
    read, exported = both(IMAGES[name](), (2, 12, 13))
    assert read.train.text == exported.train.text
    assert read.evaluate.text == exported.evaluate.text
    assert read.key == exported.key


def test_images_are_flattened():
    read, exported = both(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), (3, 4))
    assert read.key == exported.key


def test_so_is_double_precision():
    read, exported = both(nn.Sequential(nn.Linear(5, 2)).double(), dtype=torch.float64)
    assert read.key == exported.key


@pytest.mark.parametrize("name", ["mlp", "resnet"])
@pytest.mark.parametrize("normalisation", ["batch", "layer"])
def test_the_families_are_read_off(name, normalisation):
    layers = families.by_name(name).build.function(5, 3, normalisation=normalisation)
    read, exported = both(module_of(layers))
    assert read.key == exported.key


@pytest.mark.parametrize("normalisation", ["batch", "none"])
def test_so_is_the_family_of_images(normalisation):
    network = families.by_name("cnn").build.function((1, 8, 8), 3, normalisation=normalisation)
    read, exported = both(module_of(network), (1, 8, 8))
    assert read.key == exported.key


def test_every_layer_is_tried():
    tried = {type(part) for make in (SAME | IMAGES).values() for part in make().modules()}
    assert {kind for kind in LAYERS if kind.__module__.startswith("torch")} - {nn.Flatten} <= tried


class Own(nn.Linear):
    """A layer that may do anything."""


def hooked():
    layer = nn.Linear(5, 2)
    layer.register_forward_hook(lambda *_: None)
    return nn.Sequential(layer)


def replaced():
    layer = nn.Linear(5, 2)
    layer.forward = lambda x: x
    return nn.Sequential(layer)


def tied():
    first, second = nn.Linear(5, 5), nn.Linear(5, 5)
    second.weight = first.weight
    return nn.Sequential(first, second)


UNKNOWN = {
    "another class": lambda: nn.Sequential(Own(5, 2)),
    "hooks": hooked,
    "a method of its own": replaced,
    "ties": tied,
    "weight norm": lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(5, 2))),
    "cumulative batch norm": lambda: nn.Sequential(nn.BatchNorm1d(5, momentum=None)),
    "other sizes": lambda: nn.Sequential(nn.Linear(4, 2)),
    "another type": lambda: nn.Sequential(nn.Linear(5, 2).double()),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_may_do_something_else_is_exported(name):
    batch, chunk = torch.zeros(ROWS, 5), torch.zeros(CHUNK, 5)
    assert read_off(UNKNOWN[name](), [batch], [chunk]) is None
