"""`luthier diagnose`: a log in, what is wrong with the training out."""

import json

import pytest

import luthier

COLUMNS = "epoch,loss,val_loss,val_accuracy\n"
FINE = COLUMNS + "".join(
    f"{i},{0.2 + 0.8 * 0.7**i:.3f},{0.3 + 0.8 * 0.7**i:.3f},{0.9 - 0.8 * 0.7**i:.3f}\n"
    for i in range(16)
)
FALLS = "".join(f"{i},{2.3 - 0.2 * i},{2.4 - 0.2 * i},0.5\n" for i in range(5))
LOST = f"{COLUMNS}{FALLS}5,nan,nan,0.1\n"


@pytest.fixture
def log(tmp_path):
    def write(text, name="metrics.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_healthy_log_is_one_calm_line_and_what_was_guessed(luthier, log):
    ran = luthier("diagnose", log(FINE))
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "Nothing wrong found. Looked at 16 epochs: train_loss, val_loss, val_accuracy.",
        "note: read train_loss = loss",
    ]


def test_an_error_is_named_with_what_to_do_and_exit_code_one(luthier, log):
    ran = luthier("diagnose", log(LOST))
    assert ran.code == 1
    assert ran.out.startswith("error: nan_loss since epoch 6")
    assert "do: Lower the learning rate" in ran.out


def test_json_stands_alone_and_holds_the_findings(luthier, log):
    ran = luthier("diagnose", log(LOST), "--json")
    assert ran.code == 1
    assert ran.json["worst"] == "error"
    assert [one["problem"] for one in ran.json["findings"]] == ["nan_loss"]


def test_quiet_says_it_with_the_exit_code_alone(luthier, log):
    ran = luthier("diagnose", log(LOST), "--quiet")
    assert (ran.code, ran.out) == (1, "")


def test_a_recipe_makes_advice_exact(luthier, log):
    recipe = log("version: 1\noptimizer: adam\nlearning_rate: 0.5\n", "recipe.yaml")
    ran = luthier("diagnose", log(LOST), "--recipe", recipe)
    assert "learning_rate: 0.5 → 0.001" in ran.out


def test_with_the_number_of_classes_more_can_be_told(luthier, log):
    stuck = "".join(f"{i},{2.31 + 0.01 * (i % 2)},{2.32 - 0.01 * (i % 2)},0.3\n" for i in range(9))
    path = log(COLUMNS + stuck)
    assert luthier("diagnose", path).code == 0
    ran = luthier("diagnose", path, "--classes", 10)
    assert ran.code == 1
    assert ran.out.startswith("error: not_learning")


def test_columns_that_no_name_gives_away_are_mapped(luthier, log):
    path = log(FINE.replace("val_loss", "b").replace("loss", "a"))
    ran = luthier("diagnose", path)
    assert ran.code == 2
    assert "--map train_loss=COLUMN" in ran.err
    ran = luthier("diagnose", path, "--map", "train_loss=a", "--map", "val_loss=b")
    assert ran.code == 0


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", [], "is empty"),
        ("epoch,loss\n", [], "holds no row"),
        (FINE, ["--map", "val_loss"], "--map val_loss names no column"),
        (FINE, ["--map", "val_loss=validation"], "no column 'validation'"),
        ("epoch,loss\n0,high\n", [], "It has epoch (and, without a number in them, loss)"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_two(luthier, log, text, options, message):
    ran = luthier("diagnose", log(text), *options)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_a_training_says_what_is_wrong_with_it(luthier, log):
    recipe = log("optimizer: adam\nlearning_rate: 3.0\nepochs: 6\n", "recipe.yaml")
    ran = luthier("train", "wine", "--recipe", recipe)
    assert "error: learning_rate_too_high since epoch 1" in ran.out
    assert "learning_rate: 3 → 0.001" in ran.out
    ran = luthier("train", "wine", "--recipe", recipe, "--json")
    assert ran.json["findings"][0]["problem"] == "learning_rate_too_high"


def test_a_sound_training_is_one_calm_line_more(luthier, log):
    ran = luthier("train", "breast_cancer", "--recipe", log("epochs: 15\n", "recipe.yaml"))
    assert ran.out.splitlines()[-1].startswith("Nothing wrong found. Looked at 15 epochs")


def test_what_python_returns_is_what_the_command_prints(log):
    training = luthier.train("mlp", "wine", recipe={"learning_rate": 1e-7, "epochs": 8})
    assert training.diagnosis.problems == ("learning_rate_too_low",)
    assert luthier.diagnose(training) == training.diagnosis
    assert json.loads(json.dumps(training.diagnosis.to_json()))["worst"] == "error"
    curves = luthier.diagnose(training.trial.curves)
    assert curves.of == "run"
