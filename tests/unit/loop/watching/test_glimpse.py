"""`run.prove`: some steps tried twice within a loop that goes on as if nothing had been tried."""

import copy

import pytest
import torch
from torch import nn

import luthier
from luthier.core import WatchError
from luthier.proof.paired import paired

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(320, 10, generator=DRAW)
Y = (X @ torch.randn(10, 3, generator=DRAW)).argmax(1)
BATCHES = [(X[i : i + 32], Y[i : i + 32]) for i in range(0, 320, 32)]


class Loop:
    """A loop with all that could be disturbed: dropout, batch norm, momentum, a schedule."""

    def __init__(self, rate: float) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(
            nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3)
        )
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=rate)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.999)

    def step(self, batch):
        x, y = batch
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return loss

    def train(self, epochs: int, prove_at: int | None = None):
        torch.manual_seed(1)
        with luthier.watch(self.model, self.optimizer, self.loss, live=False) as run:
            for epoch in range(epochs):
                losses = [float(self.step(batch).detach()) for batch in BATCHES]
                run.log(train_loss=sum(losses) / len(losses))
                if epoch == prove_at:
                    self.seen = run.prove(self.step, BATCHES * 4, keep=[self.schedule])
            return run.run


def test_the_loop_goes_on_bit_for_bit_and_the_watch_saw_nothing_of_it():
    one, other = Loop(1.0), Loop(1.0)
    quiet, tried = one.train(12), other.train(12, prove_at=8)
    assert other.seen.plain
    assert other.seen.changed != other.seen.plain
    for mine, theirs in zip(
        one.model.state_dict().values(), other.model.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs)
    states = [copy.deepcopy(loop.optimizer.state_dict()) for loop in (one, other)]
    assert str(states[0]) == str(states[1])
    assert one.schedule.state_dict() == other.schedule.state_dict()
    assert quiet.curves.train_loss == tried.curves.train_loss
    assert quiet.trace.counts == tried.trace.counts
    assert quiet.trace.steps == tried.trace.steps
    assert not any(module._forward_pre_hooks for module in other.model.modules())


def test_a_rate_that_blows_up_is_seen_to_be_helped():
    loop = Loop(1.0)
    loop.train(9, prove_at=8)
    seen = loop.seen
    assert seen.settings["learning_rate"][1] < 0.1
    assert len(seen.plain) == len(seen.changed) == 40
    assert "Short horizon" in str(seen)
    assert seen.to_json()["horizon"] == "short"


def test_where_nothing_is_wrong_nothing_is_tried():
    loop = Loop(3e-3)
    loop.train(6, prove_at=5)
    assert loop.seen.outcome is None
    assert str(loop.seen) == "Nothing was tried: nothing wrong was found so far."


def test_it_is_asked_within_the_block_and_with_batches():
    loop = Loop(1.0)
    run = luthier.watch(loop.model, loop.optimizer, live=False)
    with run, pytest.raises(WatchError, match="no batches"):
        run.prove(loop.step, [])
    with pytest.raises(WatchError, match="not open"):
        run.prove(loop.step, BATCHES)


def test_a_step_that_raises_leaves_everything_as_it_was():
    loop = Loop(1.0)
    with luthier.watch(loop.model, loop.optimizer, loop.loss, live=False) as run:
        for _ in range(9):
            losses = [float(loop.step(batch).detach()) for batch in BATCHES]
            run.log(train_loss=sum(losses) / len(losses))
        before = copy.deepcopy(loop.model.state_dict())

        def broken(batch):
            loop.step(batch)
            raise RuntimeError("no memory")

        with pytest.raises(RuntimeError, match="no memory"):
            run.prove(broken, BATCHES)
        after = loop.model.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert len(loop.optimizer._optimizer_step_post_hooks) == 1


def test_few_steps_decide_nothing():
    assert paired([1.0] * 10, [0.5] * 10).verdict == "undecided"
    assert paired([1.0] * 40, [float("inf")]).verdict == "higher"
    assert paired([1.0] * 40, [1.0] * 40).p_value == 1.0
