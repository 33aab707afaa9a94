"""Edits of PyTorch networks: only what is safe, and what the printed code does as well."""

import pytest
import torch
from torch import nn

from luthier.core import EDITS, Task, chosen
from luthier.frameworks.edited import edited, repaired
from luthier.frameworks.torch.edits import apply, edits_of
from luthier.loop.builders import as_build

ROWS = [torch.randn(4, 6)]


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(5, 5), nn.Linear(5, 5)

    def forward(self, x):
        return x + self.two(torch.relu(self.one(x)))


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), Block())
        self.fc = nn.Linear(5, 3)
        self.share = nn.Softmax(dim=1)

    def forward(self, x):
        return self.share(self.fc(self.body(x)))


def build():
    return Own()


NET = """
import torch

def build(n_features: int, width: int = 4):
    return torch.nn.Sequential(torch.nn.Linear(n_features, width), torch.nn.Sigmoid())
"""


def names(network: nn.Module) -> list[str]:
    return [edit.name for edit in edits_of(network, ROWS)]


def test_frozen_weights_can_be_trained():
    network = Own()
    network.body.requires_grad_(False)
    edit = next(one for one in edits_of(network, ROWS) if one.name == "train_all")
    assert edit.code == ("network.requires_grad_(True)",)
    apply(network, [edit])
    assert all(one.requires_grad for one in network.parameters())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda weights: weights.mul_(30.0),
        lambda weights: weights.mul_(0.01),
        lambda weights: weights.fill_(0.1),
        lambda weights: weights.zero_(),
    ],
)
def test_weights_that_no_layer_would_draw_are_drawn_anew(spoil):
    network = Own()
    with torch.no_grad():
        spoil(network.body[0].weight)
    state = torch.get_rng_state()
    edit = next(one for one in edits_of(network, ROWS) if one.name == "redraw")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(3)
    apply(network, [edit])
    edited_weights = [p.clone() for p in network.parameters()]
    torch.manual_seed(3)
    exec(edit.code[0], {"network": network, "torch": torch})  # the code to paste does the same
    assert all(map(torch.equal, edited_weights, network.parameters()))
    assert "redraw" not in names(network)


def test_what_is_safe_is_offered():
    assert names(Own()) == [
        "without_last_activation",
        "relu_hidden",
        "normalise",
        "zero_residual",
    ]
    assert "relu_between" in names(nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 2)))


def test_an_activation_that_serves_twice_stays():
    shared = nn.Sigmoid()
    network = nn.Sequential(nn.Linear(6, 4), shared, nn.Linear(4, 1), shared)
    assert {"without_last_activation", "relu_hidden"}.isdisjoint(names(network))


def test_a_network_that_ends_in_a_layer_keeps_it():
    assert "without_last_activation" not in names(
        nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2))
    )


def test_looking_leaves_everything_as_it_was():
    network = Own().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    edits_of(network, ROWS)
    assert all(module.training for module in network.modules())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(
    "name", ["without_last_activation", "relu_hidden", "normalise", "zero_residual"]
)
def test_the_code_to_paste_does_the_same(name: str):
    torch.manual_seed(0)
    one, other = Own(), Own()
    other.load_state_dict(one.state_dict())
    edit = next(e for e in edits_of(one, ROWS) if e.name == name)
    apply(one, [edit])
    exec("\n".join(edit.code), {"network": other, "torch": torch})
    assert torch.equal(one(*ROWS), other(*ROWS))


def test_the_last_activation_is_gone_and_the_rest_stays():
    torch.manual_seed(0)
    network = Own()
    logits = network.fc(network.body(*ROWS))
    apply(network, chosen("without_last_activation", edits_of(network, ROWS)))
    assert torch.equal(network(*ROWS), logits)


def test_residual_blocks_begin_as_the_identity():
    network = Own()
    apply(network, chosen("zero_residual", edits_of(network, ROWS)))
    x = torch.randn(4, 5)
    assert torch.equal(network.body[2](x), x)


def test_a_builder_takes_edits_by_an_argument():
    task = Task("classification", "log_loss", "minimize", (6,), 3)
    made = edited(as_build(build), edits_of(Own(), ROWS), apply)
    assert isinstance(made(task, {}).share, nn.Softmax)
    assert isinstance(made(task, {EDITS: "without_last_activation"}).share, nn.Identity)
    assert made.hash != as_build(build).hash


def test_a_repaired_builder_is_a_file_that_runs_without_luthier(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    own = as_build(str(tmp_path / "net.py"))
    network = own.function(n_features=6)
    mended = repaired(own, chosen("without_last_activation", edits_of(network, ROWS)), apply)
    assert mended.reference == "net_repaired.py:build_repaired"
    (tmp_path / "net_repaired.py").write_text(mended.source)
    again = as_build(f"{tmp_path}/net_repaired.py:build_repaired")
    task = Task("regression", "rmse", "minimize", (6,), 4)
    assert again.defaults == {"width": 4}
    assert isinstance(again(task, {})[1], nn.Identity)
    assert isinstance(mended(task, {})[1], nn.Identity)


HYPER = """
from torch import nn


class Base:
    def __init__(self, name=None):
        self.name = name
        self.build, self._build = self.wrapped, self.build

    def wrapped(self, hp, *args, **kwargs):
        return self._build(hp, *args, **kwargs)


class Mine(Base):
    def build(self, hp):
        width = hp.Int(self.name or "units", 4, 8)
        return nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 4), nn.Softmax(1))
"""


def test_a_repaired_hypermodel_is_a_file_too(tmp_path):
    """It is a function of ``hp``: the class needs an instance, and has another ``build`` there."""
    (tmp_path / "net.py").write_text(HYPER)
    own = as_build(f"{tmp_path}/net.py:Mine")
    network = own.function(units=4)
    mended = repaired(own, chosen("without_last_activation", edits_of(network, ROWS)), apply)
    assert mended.reference == "net_repaired.py:Mine_repaired"
    (tmp_path / "net_repaired.py").write_text(mended.source)
    again = as_build(f"{tmp_path}/net_repaired.py:Mine_repaired")
    task = Task("regression", "rmse", "minimize", (6,), 4)
    assert again.defaults == {"units": 4}
    assert isinstance(again(task, {"units": 8})[3], nn.Identity)
    assert again(task, {"units": 8})[0].out_features == 8
