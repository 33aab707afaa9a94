"""The report as a stranger gets it: of a study, of a hand-over, of a log."""

import json
import re

import pytest


@pytest.fixture
def tuned(luthier):
    ran = luthier(
        *("tune", "wine", "--budget", "12 epochs", "--engine", "torch_eager", "--out", "out", "-q")
    )
    assert ran.code == 0, ran.err
    return luthier


def test_a_hand_over_holds_its_report(tuned, tmp_path):
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "luthier: wine-mlp" in page
    assert "test log_loss" in page
    assert json.loads((tmp_path / "out" / "study.json").read_text())["report"] == "report.html"


def test_a_report_is_written_from_the_storage_alone(tuned, tmp_path):
    ran = tuned("report", "wine-mlp", "--out", "page.html")
    assert (ran.code, ran.out) == (0, "written   page.html\n")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The answer" in page
    assert "test log_loss" not in page  # the test part stays closed


def test_the_recipe_in_a_report_gives_the_same_score_again(tuned, tmp_path):
    tuned("report", "wine-mlp")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    recipe = re.search(r"recipe\.yaml</h3><pre[^>]*>(.*?)</pre>", page, re.DOTALL)[1]
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    command = re.search(r"<pre[^>]*>luthier (train .*?)</pre>", page)[1]
    ran = tuned(*command.split(), "--engine", "torch_eager", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["reported"] == ran.json["validation"]


def test_a_folder_gets_report_html_and_a_missing_one_is_said(tuned, tmp_path):
    assert tuned("report", "wine-mlp", "--out", "out").code == 0
    ran = tuned("report", "wine-mlp", "--out", "nowhere/page.html")
    assert ran.code == 2
    assert "nowhere/page.html" in ran.err


def test_a_log_has_a_report(luthier, tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss,val_loss\n0,1.0,1.1\n1,0.6,0.8\n2,0.5,0.7\n")
    ran = luthier("diagnose", "log.csv", "--out", "page.html")
    assert ran.code == 0, ran.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "validation loss" in page
    assert "Nothing wrong found." in page


def test_objects_show_themselves_in_a_notebook(tmp_path, monkeypatch):
    import luthier

    monkeypatch.chdir(tmp_path)
    training = luthier.train("mlp", "wine", recipe={"epochs": 3}, engine="torch_eager")
    assert "trial 0" in training._repr_html_()
    assert "val_loss" in training.trial._repr_html_()
    assert training.report("page.html").is_file()

    def objective(trial):
        return trial.suggest_float("x", 0.0, 1.0)

    study = luthier.tune(objective, direction="minimize", budget="3 trials")
    assert "the best of 3" in study._repr_html_()
    assert study.report("study.html").is_file()
