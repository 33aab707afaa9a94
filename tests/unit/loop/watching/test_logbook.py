"""Where epochs end in what a loop logs, and what one value an epoch is."""

import math

from luthier.core import Trace
from luthier.loop.watching.logbook import ROWS, Logbook, Row


def book(*rows: Row) -> Logbook:
    found = Logbook()
    for row in rows:
        found.add(row)
    return found


def test_one_call_an_epoch():
    found = book(*(Row(10 * i, {"train_loss": 1.0 / i}, 0.1) for i in (1, 2, 4)))
    assert found.curves(Trace()).train_loss == (1.0, 0.5, 0.25)
    assert not found.counts_steps()


def test_training_and_validation_logged_one_after_the_other():
    rows = []
    for epoch in range(1, 4):
        rows += [
            Row(10 * epoch, {"train_loss": 1.0}, 0.1),
            Row(10 * epoch, {"val_loss": float(epoch)}, 0.1),
        ]
    curves = book(*rows).curves(Trace())
    assert (curves.train_loss, curves.val_loss) == ((1.0,) * 3, (1.0, 2.0, 3.0))


def test_a_loss_each_step_and_a_validation_each_epoch():
    rows = []
    for step in range(1, 31):
        rows.append(Row(step, {"train_loss": float(step)}, 0.1))
        if step % 10 == 0:
            rows.append(Row(step, {"val_loss": 1.0}, 0.1))
    found = book(*rows)
    assert found.curves(Trace()).train_loss == (5.5, 15.5, 25.5)
    assert found.steps_per_epoch() == 10


def test_a_loss_each_step_and_nothing_else_is_cut_into_parts():
    found = book(*(Row(step, {"train_loss": 1.0}, 0.1) for step in range(1, 101)))
    assert found.counts_steps()
    assert len(found.epochs()) == 12


def test_who_validates_at_each_step_trains_on_one_batch_an_epoch():
    rows = (Row(step, {"train_loss": 1.0, "val_loss": 1.0}, 0.1) for step in range(1, 31))
    found = book(*rows)
    assert (len(found.epochs()), found.steps_per_epoch()) == (30, 1)


def test_full_batches_make_a_step_an_epoch():
    found = book(*(Row(step, {"train_loss": 1.0}, 0.1) for step in range(1, 101)))
    found.one_batch = True
    assert len(found.epochs()) == 100


def test_an_epochs_number_says_where_it_ends():
    rows = [Row(i, {"train_loss": 1.0}, 0.1, epoch=i // 4) for i in range(12)]
    assert len(book(*rows).epochs()) == 3


def test_a_loss_that_is_no_number_stays_so_in_the_epochs_mean():
    rows = [Row(1, {"train_loss": 1.0}, 0.1, 0), Row(2, {"train_loss": math.nan}, 0.1, 0)]
    assert math.isnan(book(*rows).curves(Trace()).train_loss[0])


def test_days_of_steps_take_no_more_room():
    found = book(*(Row(step, {"train_loss": 1.0}, 0.1) for step in range(4 * ROWS)))
    assert len(found.rows) <= ROWS
    assert found.rows[-1].step == 4 * ROWS - 1


def test_the_updates_of_an_epoch_are_their_median():
    trace = Trace((1, 2, 15), {"update_ratio/w": (0.1, 0.3, 0.5)})
    found = book(Row(10, {"train_loss": 1.0}, 0.1), Row(20, {"train_loss": 1.0}, 0.1))
    assert found.curves(trace).signals["update_ratio/w"] == (0.2, 0.5)


def test_an_epoch_that_still_goes_on_is_none_yet():
    rows = []
    for epoch in range(3):
        steps = range(10 * epoch + 1, 10 * epoch + 11)
        rows += [Row(step, {"train_loss": 1.0}, 0.1, epoch) for step in steps]
        rows.append(Row(steps[-1], {"val_loss": 0.5}, 0.1, epoch))
    going_on = [*rows, Row(31, {"train_loss": 1.0}, 0.1, 3), Row(32, {"train_loss": 1.0}, 0.1, 3)]
    assert book(*going_on).curves(Trace()).val_loss == (0.5,) * 3


def test_what_is_logged_once_at_the_end_makes_no_epoch_of_all():
    rows = [Row(10 * i, {"train_loss": 1.0, "val_loss": 1.0}, 0.1) for i in range(1, 11)]
    curves = book(*rows, Row(100, {"test_accuracy": 0.9}, 0.1)).curves(Trace())
    assert len(curves.val_loss) == 10
    assert "test_accuracy" not in curves.metrics


def test_validation_left_out_in_an_epoch_is_not_a_loss_that_is_no_number():
    rows = [Row(10 * i, {"train_loss": 1.0, "val_loss": 1.0 / i}, 0.1, i) for i in (1, 2, 3)]
    rows.insert(2, Row(25, {"train_loss": 1.0}, 0.1, 2.5))
    assert book(*rows).curves(Trace()).val_loss == (1.0, 0.5, 0.5, 1.0 / 3)
