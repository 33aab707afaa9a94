"""What the source of a loop around a training says."""

import sys
import textwrap

import pytest

from luthier.loop.watching.around import around


def seen(tmp_path, text, name="loop.py"):
    """Run a script whose `train()` looks around itself; return what it saw each time."""
    found = []

    def train(*args):
        found.append(around([sys._getframe(1)]))

    path = tmp_path / name
    path.write_text(textwrap.dedent(text))
    names = {"train": train, "model": type("Model", (), {"evaluate": lambda *a: 0.0})(), "X": 1}
    exec(compile(path.read_text(), str(path), "exec"), {**names, "X_test": 2, "latest": 3})
    return found


def test_a_rate_that_is_multiplied_before_the_first_epoch_is_seen(tmp_path):
    first, second = seen(
        tmp_path,
        """
        learning_rate = 0.1
        for epoch in range(2):
            learning_rate *= 0.1
            train()
        """,
    )
    assert (first.rate_name, first.changed_before) == ("learning_rate", True)
    assert (first.rate, first.first_rate) == pytest.approx((0.01, 0.1))
    assert second.rate == pytest.approx(0.001)
    assert first.place == "loop.py, line 3"


@pytest.mark.parametrize("change", ["lr /= 2", "lr = lr / 2", "lr = 0.5 * lr", "lr *= 0.5"])
def test_a_rate_that_is_changed_after_the_epoch_is_no_fault(tmp_path, change):
    (first, _) = seen(
        tmp_path,
        f"""
        lr = 0.1
        for epoch in range(2):
            train()
            {change}
        """,
    )
    assert not first.changed_before
    assert first.factor == pytest.approx(0.5)
    assert first.rate == pytest.approx(0.1)


def test_the_call_that_scores_a_test_set_is_told(tmp_path):
    first, _ = seen(
        tmp_path,
        """
        for epoch in range(2):
            train()
            print(model.evaluate(X_test, X))
        """,
    )
    assert first.tested == "model.evaluate(X_test, X)"


@pytest.mark.parametrize(
    "call", ["model.evaluate(X, X)", "model.evaluate(latest)", "print(X_test)"]
)
def test_other_calls_are_none(tmp_path, call):
    first, _ = seen(tmp_path, f"for epoch in range(2):\n    train()\n    {call}\n")
    assert first.tested == ""


def test_a_test_after_the_loop_is_none(tmp_path):
    first, _ = seen(
        tmp_path, "for epoch in range(2):\n    train()\nmodel.evaluate(X_test)\n", "after.py"
    )
    assert first.tested == ""


def test_rates_that_are_tried_one_after_the_other_are_no_schedule(tmp_path):
    first, _ = seen(tmp_path, "for lr in (0.1, 0.01):\n    train(lr)\n")
    assert first.rate is None


def test_without_a_loop_or_a_source_there_is_little_to_say(tmp_path):
    assert seen(tmp_path, "learning_rate = 0.1\ntrain()\n") == [None]
    found = []
    names = {"train": lambda: found.append(around([sys._getframe(1)]))}
    exec("lr = 0.1\nfor i in range(2):\n    lr *= 0.1\n    train()\n", names)
    assert [one.rate for one in found] == pytest.approx([0.01, 0.001])
    assert not found[0].changed_before
