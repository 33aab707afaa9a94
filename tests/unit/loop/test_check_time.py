"""`luthier.check` and its seconds: what does not fit is not begun, and is named."""

import time

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

import luthier
from luthier.frameworks.torch.inspecting.affordable import rows_to_look_at
from luthier.frameworks.torch.inspecting.bench import Bench
from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.rows import Rows, read_rows
from luthier.loop.assembly import assemble
from luthier.loop.check import setup_of

torch.manual_seed(0)
X, Y = torch.randn(400, 6), torch.randint(0, 3, (400,))
ROWS = Rows((X,), Y, 32)
LOSS = nn.CrossEntropyLoss()


class Slow(nn.Module):
    """A network that computes for some time for each row."""

    def __init__(self, seconds):
        super().__init__()
        self.body, self.seconds, self.spent = nn.Linear(6, 3), seconds, 0.0

    def forward(self, x):
        end = time.process_time() + len(x) * self.seconds
        while time.process_time() < end:
            pass
        self.spent += len(x) * self.seconds
        return self.body(x)


class ByHand:
    """A clock that stands where it was put."""

    def __init__(self, seconds=0.0):
        self.now = seconds

    def seconds(self):
        return self.now


def bench(**more):
    model = nn.Linear(6, 3)
    return Bench(model, Objective(LOSS), ROWS, None, steps=100, seconds=10.0, seed=0, **more)


def test_a_fast_network_is_looked_at_with_all_rows_that_are_worth_it():
    assert rows_to_look_at(nn.Linear(6, 3), Objective(LOSS), ROWS, 2.5)[0] == 256


@pytest.mark.parametrize("each", [0.002, 0.0005])
def test_a_slow_network_is_looked_at_with_fewer_rows(each):
    rows, took = rows_to_look_at(Slow(each), Objective(LOSS), ROWS, 0.5)
    assert 8 <= rows < 256
    assert took >= 0.5 * rows * each


def test_wide_outputs_are_looked_at_for_fewer_rows():
    wide = nn.Sequential(nn.Linear(6, 20_000))
    rows, _ = rows_to_look_at(wide, Objective(LOSS), ROWS, 60.0)
    assert rows == 50  # of 20,000 values each, a million in all


def test_a_short_training_that_does_not_fit_is_not_begun():
    clock = ByHand()
    one = bench(clock=clock)
    one.pace = 0.01  # a second each
    clock.now = 9.5
    assert one.run("slower_10", rate=1e-3) is None
    assert one.left_out == ["slower_10"]
    clock.now = 8.5
    assert one.run("adam", rate=1e-3) is not None


def test_a_short_training_is_timed_for_those_after_it():
    one = bench(clock=ByHand())
    one.pace = 0.0
    one.run("adam", rate=1e-3)
    assert one.pace > 0.0


def test_what_was_left_out_is_named_with_what_to_pass():
    model = Slow(1e-4)
    found = luthier.check(model, (X, Y), loss_fn=LOSS, seconds=0.6, epochs=5,
                          optimizer=torch.optim.SGD(model.parameters(), lr=1e-3))  # fmt: skip
    (note,) = [note for note in found.notes if "seconds=" in note]
    assert note in str(found)
    assert note in found.to_json()["notes"]
    assert model.spent < 3.0  # it would take 256 rows a pass, and 25 trainings of 100 steps


def test_a_network_that_is_too_slow_for_a_step_says_so_within_its_time():
    model = Slow(0.01)
    found = luthier.check(model, (X, Y), loss_fn=LOSS, seconds=1.0)
    assert any("one step takes" in note and "seconds=" in note for note in found.notes)
    assert model.spent < 5.0  # 13 passes of 256 rows take 33


class Files(Dataset):
    """Rows that are read one by one, each of which takes its time."""

    def __init__(self):
        self.read = 0

    def __len__(self):
        return 5000

    def __getitem__(self, index):
        self.read += 1
        time.sleep(0.002)
        return X[index % 400], Y[index % 400]


def test_reading_files_stops_when_its_time_is_over():
    files = Files()
    assert 32 <= len(read_rows(files, None, 32, 1024, 0, seconds=0.0)) < 64
    assert files.read < 64


def test_a_data_set_of_files_is_checked_with_what_could_be_read():
    files, model = Files(), nn.Linear(6, 3)
    found = luthier.check(model, files, loss_fn=LOSS, seconds=1.0)
    assert files.read < 2000
    assert any("rows" in note and "were looked at" in note for note in found.notes)


def test_a_loss_that_is_no_number_at_once_raises_nothing():
    model = nn.Sequential(nn.Linear(6, 1))

    def logs(outputs, target):
        return -(torch.sigmoid(1e4 * outputs).log() * target).mean()

    found = luthier.check(model, (X, (Y[:, None] > 1).float()), loss_fn=logs, seconds=1.0)
    assert found.of == "check"


def test_short_trainings_stay_within_the_steps_that_they_may_take():
    free, held = bench(), bench(most=250)
    for one in (free, held):
        for name in ("first", "second", "third"):
            one.run(name, rate=1e-2)
    assert (free.spent, held.spent) == (300, 200)
    assert held.left_out == ["third"]


def test_steps_of_a_rate_that_was_outdone_count_as_well():
    one = bench()
    one.best("adam")
    assert one.fits["adam"].steps == 100
    assert one.spent == 200


def test_who_trains_the_whole_way_anyway_is_spared_a_copy_that_goes_it():
    recipe = {"epochs": 20, "optimizer": "sgd", "learning_rate": 1e-5}
    rows = (X.numpy(), Y.numpy())
    parts = assemble("mlp", rows, recipe=recipe, task="classification")
    with_it, without = setup_of(parts), setup_of(parts, whole=False)
    assert set(with_it.fits) - set(without.fits) >= {"whole_run"}
    assert without.steps < with_it.steps
    assert without.epochs == 20
