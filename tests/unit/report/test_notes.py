"""What a summary notes beside its result."""

from dataclasses import replace

from luthier.core import (
    OVER,
    Bound,
    Categorical,
    Curves,
    Diagnosis,
    History,
    Recipe,
    Space,
    StudyRecord,
    Trial,
)
from luthier.report.notes import bounds_notes, failure_notes, rounds_notes, seeds_note
from luthier.report.story import Story


def trial(number, loss, *, seed=0, state="finished", cause=None, **recipe):
    curves = Curves(metrics={"val_loss": (loss,), "accuracy": (1.0 - loss,)})
    return Trial(number, Recipe(**recipe), seed, state, curves=curves, cause=cause)


def test_other_seeds_of_the_winner_show_its_spread():
    trials = (trial(0, 0.2), trial(1, 0.1, dropout=0.5), trial(2, 0.3, dropout=0.5, seed=1))
    assert seeds_note(History(trials)) == (
        "the winner's recipe with 2 seeds: mean 0.2, standard deviation 0.14",
    )
    assert seeds_note(History(trials[:2])) == ()


def test_what_is_tuned_last_says_what_it_was_compared_at_and_what_came_of_the_others():
    schedule = Categorical("cosine", "linear", "one_cycle", last=True)
    space = Space({"schedule": schedule}, Recipe(schedule="cosine"))
    first = (trial(0, 0.2, schedule="cosine"), trial(1, 0.1, schedule="cosine"))
    last = (trial(2, 0.15, schedule="linear"), trial(3, 0.09, schedule="one_cycle"))
    (note,) = rounds_notes(space, History(first))
    assert note == "schedule: trials were compared at cosine"
    (note,) = rounds_notes(space, History(first + last))
    assert note.endswith("whose best came to 0.1; then with linear 0.15, one_cycle 0.09")
    assert rounds_notes(Space({"schedule": Categorical("cosine", "linear")}), History(first)) == ()


def test_limits_on_metrics_say_how_many_keep_them():
    bound = Bound("accuracy", "maximize", 0.85)
    history = History((trial(0, 0.2), trial(1, 0.1)), bounds=(bound,))
    (note,) = bounds_notes(history, rows=False)
    assert note.startswith("the winner keeps the limit accuracy >= 0.85: 0.9")
    assert note.endswith("(1 of 2 trials keep all limits)")
    (note,) = bounds_notes(History((trial(0, 0.2),), bounds=(bound,)), rows=True)
    assert note.startswith("the winner breaks the limit")
    assert "validation rows" in note
    assert bounds_notes(History(history.trials), rows=True) == ()


def test_what_a_limit_forbids_is_no_failure():
    trials = (
        trial(0, 0.2),
        trial(1, 0.2, state="failed", cause=f"{OVER}: parameters 9, and 3 is the most"),
        trial(2, 0.2, state="failed", cause="nan_loss:\n the loss"),
    )
    assert failure_notes(History(trials)) == (
        f"1 of 3 trials were {OVER}: parameters 9, and 3 is the most",
        "1 of 3 trials failed, the last: nan_loss: the loss",
    )


def test_a_story_without_a_summary_tells_what_record_and_trials_say():
    bound = Bound("accuracy", "maximize", 0.85)
    about = {"task": "classification", "start": "smaller", "look": {"said": "stable", "epochs": 2}}
    record = StudyRecord("s", "val_loss", "minimize", Space({}, Recipe()), about=about)
    history = History((trial(0, 0.1),), bounds=(bound,))
    story = Story(record, history, Diagnosis("run"))
    first, second, third = story.notes
    assert (first, second) == ("smaller", "stable")
    assert third.startswith("the winner keeps the limit")
    assert replace(story, summary={"notes": ["told"]}).notes == ("told",)
