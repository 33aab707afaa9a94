"""What needs PyTorch is done by a worker of the nursery, and comes to the same as here."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from luthier.core import BuilderError, LuthierError, Recipe
from luthier.executors import Nursery, nursery
from luthier.loop.assembly import assemble
from luthier.loop.training.known import Known
from luthier.loop.working import elsewhere as there
from luthier.loop.working.budget import Budget
from luthier.loop.working.elsewhere import assemble_elsewhere, elsewhere, elsewhere_each

if sys.platform != "linux":
    pytest.skip("nurseries need Linux", allow_module_level=True)

BUILDER = """
import torch

def build(n_features, n_outputs, width: int = 4):
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, width), torch.nn.ReLU(), torch.nn.Linear(width, n_outputs)
    )

def breaks(n_features, n_outputs):
    raise KeyError("here")

def crashes(n_features, n_outputs):
    import os
    os.abort()
"""
DIES_IN_TRAINING = """
class Deadly(torch.nn.Linear):
    def forward(self, x):
        import os
        return super().forward(x) if not self.training else os.abort()

def dies(n_features, n_outputs):
    return Deadly(n_features, n_outputs)
"""
OPTIONS: dict[str, Any] = {
    **dict.fromkeys(
        ("recipe", "target", "task", "metric", "sample_weight", "group", "time", "split")
    ),
    "budget": Budget(epochs=10),
    "seed": 3,
    "framework": None,
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nursery]:
    monkeypatch.setattr(there, "loaded", lambda name: False)  # as in a command's process
    with nursery(()) as one:
        assert one is not None
        yield one


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(BUILDER)
    return tmp_path / "net.py"


@pytest.mark.parametrize("model", [None, "mlp", "FILE:build"])
def test_parts_are_what_they_are_here(made: Nursery, net: Path, model: str | None):
    model = model and model.replace("FILE", str(net))
    mine = assemble(model, "iris", **OPTIONS)
    parts = assemble_elsewhere(made, model, "iris", **OPTIONS)
    assert parts.recipe == mine.recipe
    assert parts.about == mine.about
    assert parts.fingerprint == mine.fingerprint
    assert (parts.build.reference, parts.build.hash) == (mine.build.reference, mine.build.hash)
    assert (parts.build.parameters, parts.build.defaults) == (
        mine.build.parameters,
        mine.build.defaults,
    )
    both = (one.framework.capture(one.build, one.recipe, one.arrays, 5) for one in (parts, mine))
    first, second = (captured.initial.arrays for captured in both)
    assert all((first[name] == second[name]).all() for name in second)


@pytest.mark.parametrize(
    ("data", "recipe", "likely"),
    [
        ("iris", None, ("adamw", "cross_entropy")),
        ("iris", Recipe(optimizer="sgd"), ("sgd", "cross_entropy")),
        ("diabetes", {"optimizer": "adam"}, ("adam", "mse")),
        ("diabetes", {"loss": "huber"}, ("adamw", "huber")),
        ("diabetes", Path("recipe.yaml"), ("adamw", "mse")),
    ],
)
def test_what_programs_share_is_prepared_for_what_will_be_trained(
    made: Nursery, monkeypatch: pytest.MonkeyPatch, data: str, recipe: object, likely: tuple
):
    asked = []
    monkeypatch.setattr(there.engines, "prepare", lambda *what: asked.append(what))
    monkeypatch.setattr(there, "can_be_elsewhere", lambda nursery: False)
    monkeypatch.setattr(there, "assemble", lambda *parts, **options: None)
    assemble_elsewhere(made, "mlp", data, engine="native", **{**OPTIONS, "recipe": recipe})
    assert asked == [("native", *likely)]


def test_the_engine_is_chosen_there_unless_it_was_named(made: Nursery, net: Path):
    for engine, chooses in (("auto", True), ("torch_eager", False)):
        parts = assemble_elsewhere(made, f"{net}:build", "iris", engine=engine, **OPTIONS)
        assert (parts.trainer(engine).choice.known != Known()) is chooses


def test_a_network_that_ends_its_process_when_it_trains_is_left_to_its_trials(
    made: Nursery, net: Path, monkeypatch: pytest.MonkeyPatch
):
    (net.parent / "net.py").write_text(BUILDER + DIES_IN_TRAINING)
    parts = assemble_elsewhere(made, f"{net}:dies", "iris", **OPTIONS)
    assert parts.trainer().choice.known == Known()


def test_a_builders_mistake_is_told_as_here(made: Nursery, net: Path):
    for attempt in (assemble, partial(assemble_elsewhere, made)):
        with pytest.raises(BuilderError, match="breaks raised KeyError: 'here'"):
            attempt(f"{net}:breaks", "iris", **OPTIONS)
    with pytest.raises(BuilderError, match=r"no file 'nowhere\.py'"):
        assemble_elsewhere(made, "nowhere.py:build", "iris", **OPTIONS)


def test_a_builder_that_ends_its_process_is_told_of_and_not_tried_again(made: Nursery, net: Path):
    with pytest.raises(LuthierError, match="tries the network died of SIGABRT"):
        assemble_elsewhere(made, f"{net}:crashes", "iris", **OPTIONS)


def test_a_file_that_has_changed_is_not_taken_for_what_it_was(made: Nursery, net: Path):
    parts = assemble_elsewhere(made, f"{net}:build", "iris", **OPTIONS)
    net.write_text(BUILDER.replace("= 4", "= 5"))
    with pytest.raises(BuilderError, match="has changed since the study began"):
        _ = parts.build.function


def test_without_a_nursery_that_is_ready_it_is_done_here(made: Nursery, net: Path):
    os.kill(made.process.pid, signal.SIGKILL)
    made.process.wait()
    parts = assemble_elsewhere(made, f"{net}:build", "iris", **OPTIONS)
    assert "function" in vars(parts.build)


def test_what_a_function_returns_or_raises_arrives(made: Nursery):
    assert elsewhere(made, lambda: os.getpid()) != os.getpid()
    with pytest.raises(KeyError):
        elsewhere(made, lambda: {}["nothing"])


def test_functions_are_called_side_by_side_and_what_one_of_them_raises_arrives(made: Nursery):
    def first() -> tuple[str, int]:
        time.sleep(0.2)  # so that the two are there at once
        return "first", os.getpid()

    def second() -> tuple[str, int]:
        time.sleep(0.2)
        return "second", os.getpid()

    one, other = elsewhere_each(made, (first, second))
    assert (one[0], other[0]) == ("first", "second")
    assert len({one[1], other[1], os.getpid()}) == 3
    with pytest.raises(KeyError):
        elsewhere_each(made, (first, lambda: {}["nothing"]))


def test_a_command_with_workers_imports_no_pytorch_until_it_is_asked_for_a_network(net: Path):
    script = (
        "import luthier, sys\n"
        f"study = luthier.tune({str(net) + ':build'!r}, 'iris', budget='24 trials', workers=2,\n"
        "    strategy='random', recipe={'epochs': 1}, storage='sqlite:///study.db')\n"
        "print(len(study.trials), 'torch' in sys.modules, study.proof.to_json()['verdict'])\n"
        "print(study.best_model(), 'torch' in sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=net.parent, capture_output=True, text=True, check=False
    )
    first, *rest = ran.stdout.splitlines()
    trials, imported, _ = first.split()
    assert imported == "False", ran.stderr
    assert int(trials) >= 12  # of 24; all of them where something beats the baseline
    assert rest[0] == "Sequential("
    assert rest[-1] == ") True"
