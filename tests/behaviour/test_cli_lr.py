"""`luthier lr`: rates over the whole range are trained; what nobody can learn is refused."""

import numpy as np
import pytest

import luthier as package


@pytest.fixture
def quick(tmp_path):
    path = tmp_path / "quick.yaml"
    path.write_text("model: {width: 16, depth: 1}\nepochs: 8\n")
    return path


def test_a_rate_with_its_range_is_suggested(luthier, quick):
    ran = luthier("lr", "iris", "--recipe", quick, "--seeds", 2, "--json")
    assert ran.code == 0
    (found,) = ran.json["optimizers"]
    low, high = found["usable"]
    assert found["optimizer"] == "adamw"
    assert low <= found["suggested"] <= high
    assert found["epochs_spent"] == sum(one["epochs"] for one in found["trainings"])
    assert {one["seed"] for one in found["trainings"]} == set(range(9))
    unstable = found["unstable_from"]
    assert unstable is None or found["suggested"] <= unstable / 2


def test_the_text_says_what_to_take_and_what_to_leave(luthier, quick):
    ran = luthier("lr", "iris", "--recipe", quick, "--engine", "torch_eager", "--seeds", 2)
    assert ran.out.startswith("adamw: learning_rate 0")
    for word in ("usable", "unstable", "log_loss", "cost"):
        assert word in ran.out
    assert "rate 0.001" in ran.err


def test_an_unknown_optimizer_is_answered_with_the_nearest(luthier):
    ran = luthier("lr", "iris", "--optimizer", "adamm")
    assert ran.code == 2
    assert "Did you mean 'adam" in ran.err


def test_noise_is_refused_with_the_reason():
    rng = np.random.default_rng(0)
    found = package.lr(
        "mlp",
        (rng.normal(size=(150, 4)), rng.integers(0, 2, 150)),
        recipe={"epochs": 6, "model": {"width": 8, "depth": 1}},
        seeds=2,
        engine="torch_eager",
    )
    assert found.suggested is None
    assert "nothing learns" in found.optimizers[0].reason


def test_no_seed_is_no_training():
    with pytest.raises(package.LuthierError, match="seeds=2"):
        package.lr("mlp", "iris", seeds=0)
