"""`luthier plan`: what it will do is said before it is done, and then is what was done."""

from pathlib import Path
from typing import Any

import pytest
import torch

import luthier as lu
from luthier.core import LuthierError
from luthier.loop.assembly import assemble
from luthier.loop.planning.stabilise import CHANGED, stabilised
from luthier.loop.planning.steps import PIECE, stepped


def test_a_dry_run_trains_nothing(luthier: Any, tmp_path: Path):
    ran = luthier("plan", "wine", "--trials", "12", "--dry-run")
    assert ran.code == 0
    assert ran.out.startswith("plan      12 trials of")
    assert "8 rates of adamw from 0.0001 to 0.03" in ran.out
    assert "2 seeds of the winner and of the start each" in ran.out
    assert "5.4 times the spread between seeds" in ran.out
    assert not (tmp_path / "luthier.db").exists()
    data = luthier("plan", "wine", "--trials", "6", "--dry-run", "--json").json
    assert sum(stage["trials"] for stage in data["stages"]) == 6


def test_what_was_planned_is_done(luthier: Any, tmp_path: Path):
    (tmp_path / "short.yaml").write_text("epochs: 6\n")
    ran = luthier("plan", "wine", "--trials", "6", "--recipe", "short.yaml", "--json")
    assert ran.code == 0, ran.err
    stages = {stage["name"]: stage["trials"] for stage in ran.json["plan"]["stages"]}
    trials = luthier("show", ran.json["study"], "--json").json["all_trials"]
    assert len(trials) == sum(stages.values()) == 6
    assert [t["seed"] for t in trials] == [0] * stages["rate"] + [1, 2]
    rates = {t["recipe"]["learning_rate"] for t in trials[: stages["rate"]]}
    assert len(rates) == stages["rate"]
    assert any("with 3 seeds: mean" in note for note in ran.json["notes"])


def test_too_few_trials_are_a_mistake():
    with pytest.raises(LuthierError, match=r"`trials >= 4` must hold, but got 3"):
        lu.plan("mlp", "wine", trials=3)


def test_a_network_that_no_rate_trains_is_told(tmp_path: Path):
    def explodes(n_features: int, n_outputs: int) -> torch.nn.Module:
        class Bad(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.linear = torch.nn.Linear(n_features, n_outputs)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.linear(x) * (float("nan") if self.training else 1.0)

        return Bad()

    storage = f"sqlite:///{tmp_path}/s.db"
    with pytest.raises(LuthierError, match="none of 8 rates is stable"):
        lu.plan(explodes, "wine", trials=6, storage=storage, engine="torch_eager").run()


class TestStability:
    def parts(self, **recipe: Any) -> Any:
        return assemble("mlp", "digits", recipe={"model": {"normalisation": "none"}, **recipe})

    def test_a_sound_rate_is_left_alone(self):
        parts = self.parts(learning_rate=0.001)
        trainer = parts.trainer("torch_eager")
        found = stabilised(parts, trainer, parts.recipe, 0, steps=100)
        assert found.stable
        assert found.recipe == parts.recipe
        assert found.said[0].startswith("stable for 100 steps")

    @pytest.mark.parametrize(
        ("rate", "remedy"),
        [(8.0, "warm-up of 10 steps"), (16.0, "gradients clipped at"), (40.0, "a rate of")],
    )
    def test_one_that_is_not_gets_the_mildest_remedy_that_holds_at_twice_the_rate(
        self, rate: float, remedy: str
    ):
        recipe = {"optimizer": "sgd", "schedule": "constant", "warmup": 0.0, "learning_rate": rate}
        parts = self.parts(**recipe)
        trainer = parts.trainer("torch_eager")
        found = stabilised(parts, trainer, parts.recipe, 0, steps=100)
        assert found.said[0].startswith(f"unstable at twice the rate {rate:.2g}")
        assert found.said[-1].startswith(remedy)
        assert found.stable
        assert found.said[-1].endswith("stable")
        twice = found.recipe.replace({"learning_rate": 2 * found.recipe.learning_rate})
        assert stepped(parts, trainer, twice, 0, 100).wrong is None

    def test_a_change_to_a_network_of_the_users_is_tried_and_told_and_not_made(self):
        class Block(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.inner = torch.nn.Linear(32, 32)
                self.outer = torch.nn.Linear(32, 32)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x + 3 * self.outer(torch.relu(self.inner(x)))

        def residual(n_features: int, n_outputs: int) -> torch.nn.Module:
            blocks = [Block() for _ in range(12)]
            ends = torch.nn.Linear(n_features, 32), torch.nn.Linear(32, n_outputs)
            return torch.nn.Sequential(ends[0], *blocks, ends[1])

        recipe = {"learning_rate": 0.02, "schedule": "constant", "warmup": 0.0}
        parts = assemble(residual, "digits", recipe=recipe)
        found = stabilised(parts, parts.trainer("torch_eager"), parts.recipe, 0, steps=60)
        assert found.edit is not None
        assert found.edit.name in ("normalise", "zero_residual")
        assert any(line.endswith(CHANGED) for line in found.said)
        assert found.recipe.difference(parts.recipe).keys() <= {"learning_rate"}

    def test_looks_end_where_they_cost_too_much(self):
        parts = self.parts(optimizer="sgd", schedule="constant", warmup=0.0, learning_rate=90.0)
        trainer = parts.trainer("torch_eager")
        found = stabilised(parts, trainer, parts.recipe, 0, steps=100, most=1)
        assert not found.stable
        assert found.recipe == parts.recipe
        assert found.said[-1] == "more looks would cost too much"

    def test_a_training_that_diverges_is_cut_at_once(self):
        parts = self.parts(optimizer="sgd", schedule="constant", warmup=0.0, learning_rate=90.0)
        found = stepped(parts, parts.trainer("torch_eager"), parts.recipe, 0, 500)
        assert found.wrong is not None
        assert len(found.losses) <= 2 * PIECE
