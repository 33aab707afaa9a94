"""`luthier check`: data and a network in, what is wrong before training out."""

import json

import pytest

BODY = """
import torch


def build(n_features, n_outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 64), torch.nn.ReLU(), torch.nn.Linear(64, n_outputs){tail}
    )
"""


@pytest.fixture
def network(tmp_path):
    def write(tail=""):
        path = tmp_path / "net.py"
        path.write_text(BODY.format(tail=tail))
        return f"{path}:build"

    return write


def test_a_sound_set_up_is_calm(luthier):
    ran = luthier("check", "iris", "--epochs", 30)
    assert ran.code == 0
    assert "warning" not in ran.out
    assert "error" not in ran.out


def test_an_error_is_named_with_what_to_do_and_exit_code_one(luthier, network):
    ran = luthier("check", "digits", "--model", network(", torch.nn.Softmax(1)"))
    assert ran.code == 1
    assert ran.out.startswith("error: double_softmax")
    assert "do: Remove the last activation" in ran.out


def test_json_carries_everything(luthier, network):
    ran = luthier("check", "digits", "--model", network(", torch.nn.Softmax(1)"), "--json")
    found = json.loads(ran.out)
    assert (found["of"], found["worst"]) == ("check", "error")
    assert found["findings"][0]["problem"] == "double_softmax"


def test_a_recipe_says_how_it_will_be_trained(luthier, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("version: 1\noptimizer: adam\nlearning_rate: 5.0\nwarmup: 0.0\n")
    ran = luthier("check", "digits", "--recipe", recipe, "--quiet")
    assert (ran.code, ran.out) == (1, "")
