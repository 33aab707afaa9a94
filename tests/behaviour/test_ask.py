"""luthier ask: one question, every value tuned alike, a verdict and what to ask next."""

import json
from pathlib import Path

import pytest

import luthier
from luthier.apps.cli import main

RECIPE = {"epochs": 3, "batch_size": 16, "model": {"width": 8, "depth": 1}}


def ask(folder: Path, question: str, values: list, budget: str, **options) -> luthier.Answer:
    return luthier.ask(
        "mlp",
        "iris",
        question=question,
        values=values,
        budget=budget,
        recipe=RECIPE,
        storage=f"sqlite:///{folder}/runs.db",
        engine="torch_eager",
        **options,
    )


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> luthier.Answer:
    return ask(tmp_path_factory.mktemp("ask"), "dropout", [0.0, 0.9], "75 epochs")


def test_every_value_gets_the_same_points_of_its_nuisance_parameters(answer: luthier.Answer):
    trials = answer.study.history.searched.trials
    by_value = [[t.recipe for t in trials if t.recipe.dropout == v] for v in (0.0, 0.9)]
    assert len(by_value[0]) == len(by_value[1]) >= 4
    for one, other in zip(*by_value, strict=True):
        assert set(one.difference(other)) == {"dropout"}
    assert len({recipe.learning_rate for recipe in by_value[0]}) == len(by_value[0])
    assert {t.epochs for t in trials} == {3}


def test_what_is_no_nuisance_stays_as_it_is(answer: luthier.Answer):
    trials = answer.study.history.trials
    assert {t.recipe.model["width"] for t in trials} == {8}
    assert "learning_rate" in answer.found.nuisance
    assert "model.width" not in answer.found.nuisance


def test_the_answer_has_a_verdict_within_the_budget(answer: luthier.Answer):
    data = answer.to_json()
    assert data["answer"] == 0.0  # nine of ten units of a layer of eight are gone otherwise
    assert data["against"] == 0.9
    assert data["epochs_spent"] <= 75
    assert data["verdict"] in ("better", "undecided")
    assert data["proof"]["seeds"]
    seeds = {t.seed for t in answer.study.history.confirming}
    assert 0 not in seeds
    (first, second) = data["values"]
    assert len(first["scores"]) == len(second["scores"]) == len(first["expected_best"])
    assert first["chance_best"] + second["chance_best"] == pytest.approx(1.0)
    assert data["next"]
    assert "dropout: 0 has the best validation score" in str(answer)


def test_asked_again_nothing_is_trained_again(answer: luthier.Answer):
    folder = Path(answer.study.storage.url.removeprefix("sqlite:///")).parent
    again = ask(folder, "dropout", [0.0, 0.9], "75 epochs")
    assert len(again.study.history.trials) == len(answer.study.history.trials)
    assert again.value == answer.value
    assert again.proof.openings == 1


def test_a_choice_brings_its_own_nuisance_parameters(tmp_path: Path):
    answer = ask(tmp_path, "optimizer", ["adamw", "nesterov"], "90 epochs")
    (adamw, nesterov) = answer.found.values
    assert "beta1" in dict(adamw.nuisance)
    assert "momentum" not in dict(adamw.nuisance)
    assert "momentum" in dict(nesterov.nuisance)
    rates = [t.recipe.learning_rate for t in answer.study.trials if t.recipe.optimizer == "adamw"]
    assert max(rates) < 0.2  # of Adam's own range


@pytest.mark.parametrize(
    ("question", "values", "message"),
    [
        ("droput", [0, 1], "Did you mean 'dropout'"),
        ("epochs", [5, 10], "luthier compare"),
        ("dropout", [0.1], "two different values"),
        ("dropout", [0.1, 7], "dropout"),
    ],
)
def test_what_cannot_be_asked_is_told(tmp_path: Path, question, values, message):
    with pytest.raises(luthier.LuthierError, match=message):
        ask(tmp_path, question, values, "30 epochs")
    assert not (tmp_path / "runs.db").exists()


def test_on_the_command_line_an_argument_of_the_builder_is_asked(
    tmp_path: Path, monkeypatch, capsys
):
    (tmp_path / "short.yaml").write_text("epochs: 2\nmodel: {depth: 1}\n")
    monkeypatch.chdir(tmp_path)
    call = "luthier ask iris width --values 4,16 --budget 16\u00a0epochs --recipe short.yaml --json"
    words = [word.replace("\u00a0", " ") for word in call.split(" ")]
    monkeypatch.setattr("sys.argv", [*words, "--engine", "torch_eager"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    data = json.loads(capsys.readouterr().out)
    assert data["question"] == "model.width"
    assert [one["value"] for one in data["values"]] == [4, 16]
    assert "16 full trainings" in data["proof"]["reason"]
