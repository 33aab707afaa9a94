"""What an optimizer or a network keeps between two pieces of a training survives the storage."""

import random

import numpy as np
import pytest
import torch

import luthier.frameworks
from luthier.core import State, WatchError
from luthier.storage.blob import from_blob, to_blob


def stored(state: State) -> State:
    return from_blob(to_blob(state))


def stepped(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    model(torch.rand(5, 3).to(next(model.parameters()).dtype)).square().mean().backward()
    optimizer.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9),
        lambda p: torch.optim.Adam(p, 0.1, amsgrad=True),
        lambda p: torch.optim.RMSprop(p, 0.1, centered=True),
        lambda p: torch.optim.Adagrad(p, 0.1),
    ],
    ids=["sgd", "adam", "rmsprop", "adagrad"],
)
def test_a_restored_training_takes_the_same_steps(make, dtype):
    def fresh():
        torch.manual_seed(1)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).to(dtype)
        optimizer = make(model.parameters())
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        return model, optimizer, schedule

    things = fresh()
    stepped(*things[:2])
    things[2].step()
    state = stored(luthier.frameworks.keeper(things).take())
    others = fresh()
    again = luthier.frameworks.keeper(others)
    again.restore(state)
    stepped(*others[:2])
    torch.manual_seed(7)
    luthier.frameworks.keeper(things).restore(state)  # the random numbers as they were
    stepped(*things[:2])
    pairs = zip(things[0].state_dict().values(), others[0].state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert others[2].state_dict() == things[2].state_dict()


def test_random_numbers_go_on_where_they_were():
    keeper = luthier.frameworks.keeper([torch.nn.Linear(1, 1)])
    state = stored(keeper.take())
    first = random.random(), np.random.rand(), torch.rand(1).item()
    keeper.restore(state)
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == first


def test_what_is_taken_is_a_copy():
    model = torch.nn.Linear(1, 1)
    keeper = luthier.frameworks.keeper([model])
    state = keeper.take()
    before = model.weight.item()
    with torch.no_grad():
        model.weight += 1
    keeper.restore(state)
    assert model.weight.item() == before


def test_what_has_no_state_is_told():
    with pytest.raises(
        WatchError, match=r"a int was given to trial\.watch, which has no state_dict"
    ):
        luthier.frameworks.keeper([torch.nn.Linear(1, 1), 3])
