"""Repair, for real: what is broken is mended and proven, what is not is left alone."""

import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import luthier

X, Y = load_digits(return_X_y=True)
DIGITS = (X[:900].astype("float32"), Y[:900])
SOUND = {
    "optimizer": "adam",
    "learning_rate": 0.003,
    "batch_size": 32,
    "epochs": 8,
    "schedule": "constant",
}
CHEAP = {"seconds": 3, "engine": "torch_eager"}
NET = """
import torch

def build(n_features: int, n_outputs: int):
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, n_outputs),
        torch.nn.Softmax(1),
    )
"""


@pytest.fixture
def command(request: pytest.FixtureRequest):
    return request.getfixturevalue("luthier")


def plain(n_features: int, n_outputs: int):
    return nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, n_outputs))


def test_a_healthy_recipe_is_left_alone():
    found = luthier.repair(plain, DIGITS, recipe=SOUND, storage="sqlite://", **CHEAP)
    assert (found.outcome, found.changes, found.verdict) == ("healthy", (), None)
    assert found.recipe.learning_rate == 0.003
    assert str(found).startswith("Nothing to repair")
    assert 8 < found.epochs <= 4 * 8  # other rates are looked at, and cut short
    assert "changes that were tried is far better" in str(found).replace("\n", " ")


def test_a_rate_that_is_far_too_low_is_raised_and_proven():
    recipe = {**SOUND, "learning_rate": 1e-6}
    found = luthier.repair(plain, DIGITS, recipe=recipe, storage="sqlite://", **CHEAP)
    assert found.outcome == "repaired"
    assert found.recipe.learning_rate >= 3e-4
    assert found.verdict.verdict == "better"
    assert np.mean(found.found.after) < 0.3 * np.mean(found.found.before)
    assert found.found.find_epochs <= 9 * 8
    assert found.found.prove_epochs <= 14 * 8
    outputs = found.model()(torch.zeros(2, 64))
    assert outputs.shape == (2, 10)


def test_a_live_network_keeps_its_weights_and_loses_its_softmax():
    torch.manual_seed(0)
    network = nn.Sequential(*plain(64, 10), nn.Softmax(1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = luthier.repair(network, DIGITS, recipe=SOUND, storage="sqlite://", **CHEAP)
    assert found.outcome == "repaired"
    assert found.changes[0].code == ("network[3] = torch.nn.Identity()",)
    assert "begins each training with the weights" in str(found)
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_the_command_writes_a_network_that_trains_again(tmp_path, command, python):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "recipe.yaml").write_text(json.dumps({**SOUND, "network": "net.py:build"}))
    done = command(
        "repair",
        "digits",
        "--recipe",
        "recipe.yaml",
        "--out",
        "out",
        "--json",
        "--engine",
        "torch_eager",
    )
    assert done.code == 0, done.err
    assert done.json["outcome"] == "repaired"
    assert done.json["changes"][0]["code"] == ["network[3] = torch.nn.Identity()"]
    assert done.json["recipe"]["network"] == "net_repaired.py:build_repaired"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    wanted = {"recipe.yaml", "net_repaired.py", "train.py", "report.html", "model.safetensors"}
    assert wanted <= names
    again = command("train", "digits", "--recipe", "out/recipe.yaml")
    assert "bit for bit" in again.out, again.err
    script = python("out/train.py")
    assert script.code == 0, script.err


@pytest.mark.parametrize("seeds", [0, 1])
def test_one_seed_proves_nothing(seeds: int):
    with pytest.raises(luthier.LuthierError, match="proves nothing"):
        luthier.repair(plain, DIGITS, recipe=SOUND, storage="sqlite://", seeds=seeds)
