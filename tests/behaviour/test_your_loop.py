"""Loops of the user's own: a paused network goes on bit for bit, and ranks move together."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import luthier

PAGE = Path(__file__).parents[2] / "docs" / "your-loop.md"
LENGTH = 8
X = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
Y = X[:, :1] * X[:, 1:2]


def train(trial: Any, rate: float, width: int) -> float:
    torch.manual_seed(trial.number)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, width),
        torch.nn.BatchNorm1d(width),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(width, 1),
    )
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, LENGTH)
    trial.watch(model, optimizer, schedule)
    for epoch in range(trial.start_step, LENGTH):
        model.train()
        for rows in torch.randperm(64).split(16):
            optimizer.zero_grad()
            (model(X[rows]) - Y[rows]).square().mean().backward()
            optimizer.step()
        schedule.step()
        model.eval()
        value = (model(X) - Y).square().mean().item()
        trial.report(value, epoch)
        if trial.should_prune():
            raise luthier.Pruned
    return value


class Undisturbed:
    """A trial that never pauses."""

    start_step = 0

    def __init__(self, number: int) -> None:
        self.number = number
        self.values: list[float] = []

    def watch(self, *things: Any) -> None: ...

    def report(self, value: float, step: int) -> None:
        self.values.append(value)

    def should_prune(self) -> bool:
        return False


def test_a_network_that_paused_ends_as_one_that_never_did(tmp_path: Path):
    pieces: list[int] = []

    def objective(trial: Any) -> float:
        pieces.append(trial.number)
        rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        return train(trial, rate, trial.suggest_int("width", 4, 16))

    study = luthier.tune(objective, budget="64 epochs", storage=f"sqlite:///{tmp_path}/s.db")
    resumed = [t for t in study.trials if t.state == "finished" and pieces.count(t.number) > 1]
    assert resumed
    for trial in resumed:
        alone = Undisturbed(trial.number)
        train(alone, **trial.recipe.model)
        assert trial.curves.metrics["reported"] == tuple(alone.values)


def test_what_is_wrong_with_a_watched_network_is_noted(tmp_path: Path):
    def objective(trial: Any) -> float:
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        trial.watch(model, optimizer)
        for epoch in range(6):
            for rows in torch.randperm(64).split(16):
                loss = (model(X[rows]) - Y[rows]).square().mean()
                loss.backward()  # and no zero_grad()
                optimizer.step()
            trial.report(loss.item(), epoch, train_loss=loss.item())
        return loss.item()

    study = luthier.tune(objective, budget="2 trials", storage=f"sqlite:///{tmp_path}/s.db")
    (note,) = [one for one in study.summary.notes if "gradients" in one]
    assert note.startswith("trials 0, 1: gradients_not_zeroed. ")


@pytest.mark.parametrize("ranks", [2])
def test_ranks_of_one_trial_move_together(tmp_path: Path, ranks: int):
    text = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"<!-- distributed -->\n```python\n(.*?)^```", text, re.S | re.M)
    (tmp_path / "script.py").write_text(code)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    group = {"WORLD_SIZE": ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    started = [
        subprocess.Popen(
            [sys.executable, "script.py"],
            cwd=tmp_path,
            env={**os.environ, **{k: str(v) for k, v in group.items()}, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]
    outs = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0] * ranks
    trials, epochs = map(int, re.findall(r"(\d+) trials, (\d+) epochs", outs[0])[0])
    assert epochs == 48
    assert trials > 6, "they were paused: six would have been trained to their end"
    assert outs[1] == ""
