"""A study on the command line: where it starts, what it varies, what it prints, how it goes on."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Luthier = Callable[..., Any]
Table = Callable[..., Path]

UNLUCKY = """
from typing import Annotated

from torch import nn

from luthier import Categorical


class Late(nn.Linear):
    def forward(self, x):
        if self.training:
            raise ValueError("a bad step\\nand its traceback")
        return super().forward(x)


class Undefined(nn.Linear):
    def forward(self, x):
        return super().forward(x) * (float("nan") if self.training else 1.0)


def build(
    n_features,
    n_outputs,
    luck: Annotated[str, Categorical("good", "raise", "late", "nan", "memory", "exit")] = "good",
):
    if luck == "raise":
        raise RuntimeError("no luck")
    if luck == "memory":
        raise MemoryError("cannot allocate 8 GB")
    if luck == "exit":
        raise SystemExit(3)
    kinds = {"late": Late, "nan": Undefined}
    return kinds.get(luck, nn.Linear)(n_features, n_outputs)
"""

# Causes by which trials of UNLUCKY fail.
CAUSES = {
    "raise": "no luck",
    "late": "ValueError: a bad step",
    "nan": "nan_loss",
    "memory": "out_of_memory",
    "exit": "SystemExit",
}


def test_help_and_version(luthier: Luthier) -> None:
    from luthier import __version__

    assert luthier("--version").out == f"luthier {__version__}\n"
    assert luthier().out == luthier("--help").out
    for command in ("tune", "train", "predict", "show"):
        ran = luthier(command, "--help")
        assert ran.code == 0
        assert f"Example: luthier {command} " in ran.out


def test_what_json_holds(luthier: Luthier) -> None:
    ran = luthier("tune", "wine", "--epochs", 20, "--json")
    assert ran.code == 0
    assert ran.err == ""
    found = ran.json
    assert {
        *("study", "storage", "task", "metric", "best", "baseline", "verdict", "p_value"),
        *("epochs_spent", "seconds", "trials", "engine", "findings"),
    } <= found.keys()
    for outcome in (found["best"], found["baseline"]):
        assert {"trial", "recipe", "validation_score", "test_score", "interval", "seeds"} <= (
            outcome.keys()
        )
    assert {"finished", "paused", "pruned", "failed"} <= found["trials"].keys()
    assert found["epochs_spent"] == 20
    assert found["baseline"]["trial"] == 0
    assert found["best"]["validation_score"] <= found["baseline"]["validation_score"]


def test_what_a_person_reads(luthier: Luthier) -> None:
    ran = luthier("tune", "wine", "--epochs", 80, "--out", "out")
    assert ran.code == 0
    for part in (
        r"^ +best +baseline\b",
        r"^validation +log_loss +[\d.]+ +[\d.]+ .*decides$",
        r"^test +log_loss",
        r"^spent     80 epochs in ",
        r"^written   out: recipe.yaml, model.safetensors",
        r"^next      luthier predict NEW_ROWS --model out +uses the network",
    ):
        assert re.search(part, ran.out, re.MULTILINE), ran.out
    assert max(map(len, ran.out.splitlines())) <= 110


def test_quiet_prints_nothing(luthier: Luthier) -> None:
    ran = luthier("tune", "wine", "--epochs", 10, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert luthier("show").out.startswith("study ")


def test_the_folder_that_was_written_names_its_study(luthier: Luthier) -> None:
    where = ("--storage", "sqlite:///elsewhere.db")
    luthier("tune", "wine", "--epochs", 10, "--out", "out", "--quiet", *where)
    assert luthier("show", "out").out == luthier("show", "wine-mlp", *where).out
    Path("out/study.json").write_text("[]")
    ran = luthier("show", "out")
    assert (ran.code, ran.out) == (2, "")
    assert "out/study.json does not say which study it is of" in ran.err


def test_the_start_recipe_is_the_first_trial(luthier: Luthier) -> None:
    Path("start.yaml").write_text("optimizer: sgd\nlearning_rate: 0.05\nmodel: {width: 24}\n")
    luthier("tune", "wine", "--epochs", 20, "--recipe", "start.yaml", "--quiet")
    first = luthier("show", "wine-mlp", "--json").json["all_trials"][0]["recipe"]
    assert (first["optimizer"], first["learning_rate"]) == ("sgd", 0.05)
    assert first["model"]["width"] == 24
    assert first["model"]["depth"] == 2


def test_the_space_is_honoured(luthier: Luthier) -> None:
    Path("space.yaml").write_text(
        "learning_rate: {float: [0.01, 0.02], log: true}\nmodel.width: {int: [8, 12]}\n"
    )
    luthier("tune", "wine", "--epochs", 30, "--space", "space.yaml", "--quiet")
    trials = luthier("show", "wine-mlp", "--json").json["all_trials"]
    first, *others = (trial["recipe"] for trial in trials)
    assert len(others) > 3
    assert all(0.01 <= recipe["learning_rate"] <= 0.02 for recipe in others)
    assert all(8 <= recipe["model"]["width"] <= 12 for recipe in others)
    fixed = ("optimizer", "weight_decay", "dropout", "schedule")
    assert all(recipe[name] == first[name] for recipe in others for name in fixed)


def test_trials_are_counted(luthier: Luthier) -> None:
    found = luthier("tune", "wine", "--trials", 3, "--json").json
    assert sum(found["trials"].values()) == 3


def test_a_bad_trial_is_data(luthier: Luthier) -> None:
    Path("net.py").write_text(UNLUCKY)
    ran = luthier("tune", "wine", "--model", "net.py", "--epochs", 60, "--strategy", "halving")
    assert ran.code == 0
    assert re.search(r"^note +\d+ of \d+ trials failed, the last: ", ran.out, re.MULTILINE)
    listed = luthier("show", "wine-net", "--limit", 1000).out
    trials = luthier("show", "wine-net", "--json").json["all_trials"]
    for luck, cause in CAUSES.items():
        failed = [t for t in trials if t["recipe"]["model"]["luck"] == luck]
        assert failed, f"no trial tried {luck}"
        assert {(t["state"], cause in str(t["cause"])) for t in failed} == {("failed", True)}, (
            failed
        )
        assert cause in listed
    good = [t for t in trials if t["recipe"]["model"]["luck"] == "good"]
    assert len(good) > 1
    assert all(t["state"] != "failed" for t in good)


def test_no_trial_with_a_score(luthier: Luthier, tmp_path: Path) -> None:
    Path("net.py").write_text(UNLUCKY.replace('= "good"', '= "late"'))
    Path("space.yaml").write_text("model.luck: {choices: [late, nan]}\n")
    given = ("wine", "--model", "net.py", "--space", "space.yaml", "--epochs", 20, "--out", "out")
    ran = luthier("tune", *given)
    assert ran.code == 1
    assert "no trial has a score" in ran.out
    assert "trials failed, the last: " in ran.out
    assert not (tmp_path / "out").exists()
    assert luthier("tune", *given, "--json").json["best"] is None


def test_a_study_goes_on(luthier: Luthier) -> None:
    first = luthier("tune", "wine", "--epochs", 20, "--json").json
    again = luthier("tune", "wine", "--epochs", 20, "--json").json
    more = luthier("tune", "wine", "--epochs", 40, "--json").json
    assert again["best"] == first["best"]
    assert again["epochs_spent"] == 20
    assert (first["test_openings"], again["test_openings"]) == (0, 1)
    assert more["epochs_spent"] == 40
    assert more["trials"]["finished"] > first["trials"]["finished"]


OTHERS = {
    "rows": (["customers.csv", "--target", "bought"], "the data differs"),
    "target": (["customers.csv", "--target", "segment"], "target bought then, segment now"),
    "builder": (["net.py"], "the builder differs"),
    "model": (["--model", "resnet"], "the builder differs"),
    "seed": (["--seed", "1"], "the seed differs"),
    "metric": (["--metric", "accuracy"], "the metric differs"),
    "space": (["--space", "space.yaml"], "the space differs in 'learning_rate'"),
    "recipe": (["--recipe", "start.yaml"], "the start recipe differs in 'l2'"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_study_of_that_name_is_refused(what: str, luthier: Luthier, table: Table) -> None:
    Path("net.py").write_text(UNLUCKY)
    Path("space.yaml").write_text("learning_rate: {float: [0.01, 0.02]}\n")
    Path("start.yaml").write_text("l2: 0.5\n")
    table("bought", "segment")
    model = ["--model", "net.py"] if what == "builder" else []
    given = ["customers.csv", "--target", "bought", "--epochs", 10, "--study", "mine", *model]
    assert luthier("tune", *given, "--quiet").code == 0
    before = luthier("show", "mine", "--json").out
    arguments, says = OTHERS[what]
    if what == "rows":
        rows = Path("customers.csv").read_text().splitlines(keepends=True)
        Path("customers.csv").write_text("".join([*rows[:-1], rows[1]]))
    elif what == "builder":
        Path("net.py").write_text(UNLUCKY + "\n")
    elif what == "target":
        given[2] = "segment"
    else:
        given += arguments
    refused = luthier("tune", *given)
    assert refused.code == 2
    assert says in refused.err
    assert "--study mine-2" in refused.err
    assert luthier("show", "mine", "--json").out == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 300 KiB; only the administrator may."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("cannot mount a small disk here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk(luthier: Luthier, small_disk: Path) -> None:
    storage = f"sqlite:///{small_disk}/luthier.db"
    given = ("wine", "--epochs", 40, "--storage", storage)
    ran = luthier("tune", *given)
    assert ran.code == 2
    assert re.match(r"error: the disk of .*luthier.db is full .*Free some space", ran.err)
    assert ran.err.count("\n") == 1
    stored = luthier("show", "wine-mlp", "--storage", storage, "--json")
    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
    if stored.code == 0:
        stored = luthier("show", "wine-mlp", "--storage", storage, "--json")
    done = luthier("tune", *given, "--json")
    assert done.code == 0, done.err
    assert done.json["epochs_spent"] == 40


def test_no_room_for_the_results(luthier: Luthier, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 290_000)
    Path("small.yaml").write_text("model: {width: 16}\n")
    tune = ("tune", "wine", "--epochs", 10, "--recipe", "small.yaml", "--out", small_disk / "out")
    ran = luthier(*tune)
    assert ran.code == 2
    assert ran.err.startswith("error: ")
    assert "out" in ran.err
    (small_disk / "ballast").unlink()
    again = luthier(*tune, "--json")
    assert again.code == 0
    assert json.loads((small_disk / "out" / "study.json").read_text()) == again.json
