"""`luthier batch`: the size is a matter of speed, within what leaves enough updates."""

import pytest
import yaml

from luthier.catalog.nuisance import NUISANCE
from luthier.core import BatchSize
from luthier.loop.batch import ALL_UPDATES, UPDATES, choose


def sizes(*rows: float, last: int | None = None) -> list[BatchSize]:
    made = []
    for place, rate in enumerate(rows):
        size = 8 * 2**place
        made.append(BatchSize(size, 1000 // size, rate / size, rate, last is None or size <= last))
    return made


@pytest.mark.parametrize(
    ("rows", "last", "chosen", "why"),
    [
        ((100, 190, 360, 400), None, 32, "1.11 times"),
        ((100, 190, 360, 700), 16, 16, "fewer than 20 updates"),
        ((100, 120, 900), None, 8, "1.20 times"),
        ((100, 190), None, 16, "half of the rows"),
    ],
)
def test_it_is_doubled_while_the_rows_a_second_rise_with_it(rows, last, chosen, why):
    size, reason = choose(sizes(*rows, last=last))
    assert size == chosen
    assert why in reason


def test_sizes_are_measured_and_the_chosen_one_leaves_enough_updates(luthier):
    ran = luthier("batch", "digits", "--no-scores", "--engine", "torch_eager", "--json")
    assert ran.code == 0
    found = ran.json
    chosen = next(one for one in found["sizes"] if one["batch_size"] == found["batch_size"])
    assert chosen["updates_an_epoch"] >= UPDATES
    assert ALL_UPDATES == 1000
    assert all(one["rows_a_second"] > 0 for one in found["sizes"])
    assert [one["batch_size"] for one in found["sizes"]][:3] == [8, 16, 32]
    assert all(one["validation_score"] is None for one in found["sizes"])


def test_scores_come_with_a_rate_of_their_own(luthier, tmp_path):
    (tmp_path / "quick.yaml").write_text("model: {width: 8, depth: 1}\nepochs: 6\nbatch_size: 16\n")
    ran = luthier(
        "batch", "iris", "--recipe", "quick.yaml", "--engine", "torch_eager", "--seeds", 2
    )
    assert ran.code == 0
    assert ran.out.startswith("batch_size 8: a batch of 16 leaves fewer than 20 updates")
    trained = [line for line in ran.out.splitlines() if "±" in line]
    assert len(trained) == 2  # the chosen size, and the recipe's own
    assert "batch 16  rate" in ran.err


def test_momentum_and_regularisers_are_tuned_for_the_chosen_size(luthier, tmp_path):
    (tmp_path / "quick.yaml").write_text("model: {width: 8, depth: 1}\nepochs: 6\nbatch_size: 16\n")
    options = ("--recipe", "quick.yaml", "--engine", "torch_eager", "--seeds", 2, "--quiet")
    ran = luthier("batch", "iris", *options, "--out", "batch.yaml")
    assert ran.code == 0, ran.err
    recipe = yaml.safe_load((tmp_path / "batch.yaml").read_text())
    assert recipe["batch_size"] == 8
    assert recipe["model"] == {**recipe["model"], "width": 8, "depth": 1}
    spent = ("--epochs", 60, "--engine", "torch_eager", "--study", "iris-batch8")
    ran = luthier("tune", "iris", "--recipe", "batch.yaml", "--space", "nuisance", *spent)
    assert ran.code == 0, ran.err
    trials = luthier("show", "iris-batch8", "--json").json["all_trials"]
    changed = {k for t in trials for k, v in t["recipe"].items() if v != trials[0]["recipe"][k]}
    assert {"learning_rate", "weight_decay", "dropout"} <= changed <= set(NUISANCE)
    assert trials[0]["recipe"]["learning_rate"] == recipe["learning_rate"]


def test_too_few_rows_are_a_plain_answer(luthier, tmp_path):
    lines = "\n".join(f"{i},{i % 2}" for i in range(20))
    (tmp_path / "few.csv").write_text(f"x,y\n{lines}\n")
    ran = luthier("batch", "few.csv", "--target", "y")
    assert ran.code == 2
    assert "batch_size: full" in ran.err
