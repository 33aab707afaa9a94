"""The front of several goals as text and as a chart."""

from luthier.core import Compromise, Curves, Goal, History, Recipe, Trial, pareto_front
from luthier.report.front import front_text
from luthier.report.html.front_chart import front_charts

SIZE = Goal("parameters")


def history(count: int) -> History:
    trials = tuple(
        Trial(
            n,
            Recipe(learning_rate=0.001 * (n + 1)),
            0,
            "finished",
            curves=Curves(
                metrics={"val_loss": (0.1 * (n + 1),)}, signals={"parameters": (1000.0 / (n + 1),)}
            ),
        )
        for n in range(count)
    )
    return History(trials)


def test_a_long_front_is_shown_by_some_of_it_its_ends_included():
    front = pareto_front(history(40), (SIZE,))
    lines = front_text(front, Recipe(), most=5).splitlines()
    assert lines[0].endswith("; 5 of them")
    assert [line.split()[0] for line in lines[2:]] == ["0", "10", "20", "29", "39"]


def test_an_empty_front_says_so():
    assert front_text((), Recipe()) == "front     no trial has all that is asked for"


def test_a_chart_shows_each_goal_against_the_metric():
    seen = history(4)
    (chart,) = front_charts(seen, (SIZE,), pareto_front(seen, (SIZE,)))
    text = str(chart)
    assert text.count("<circle") == 4
    assert text.count("dot winner") == 4
    assert "val_loss against parameters" in text


def test_without_measurements_there_is_no_chart():
    bare = History(
        (Trial(0, Recipe(), 0, "finished", curves=Curves(metrics={"val_loss": (1.0,)})),)
    )
    assert front_charts(bare, (SIZE,), ()) == []
    one = Compromise(bare.trials[0], {"val_loss": 1.0})
    assert front_charts(bare, (SIZE,), (one,)) == []
