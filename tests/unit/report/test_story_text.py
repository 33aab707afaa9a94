"""`luthier show STUDY`: the whole story on one screen."""

from dataclasses import replace

import pytest

from luthier.core import Diagnosis, Finding, History, Proof, Verdict
from luthier.report.story_text import story_text
from luthier.testing import stories

LABELS = ("answer", "cost", "why", "trained", "search", "wrong", "next")
VERDICT = Verdict(
    "undecided", 0.01, (-0.01, 0.03), (-0.02, 0.04), 0.3, 0.025, 0.7, 2, 360, 0.05, 4.0
)
PROOF = Proof(VERDICT, best=(0.3, 0.31), baseline=(0.31, 0.32), against="the first recipe")


def labels(text: str) -> list[str]:
    """Return the words that begin a line."""
    return [line.split()[0] for line in text.splitlines()[1:] if line[:1].strip()]


def test_the_story_stands_in_its_order():
    text = story_text(stories.drawn_story())
    assert [one for one in labels(text) if one in LABELS] == list(LABELS)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_it_fits_a_screen(columns: int):
    story = stories.drawn_story(summary={"proof": PROOF.to_json()})
    lines = story_text(story, columns=columns).splitlines()
    commands = [command for command, _ in story.commands]
    assert max(len(one) for one in lines if one.split("  ")[-1] not in commands) <= columns
    assert len(lines) <= (60 if columns == 60 else 48)


def test_the_answer_names_the_winner_its_scores_and_the_baseline():
    story = stories.drawn_story()
    best, metric = story.history.best, story.record.metric
    text = " ".join(story_text(story).split())
    assert f"answer trial {best.number} reaches {metric} " in text
    assert "(accuracy " in text
    assert "the baseline log_loss" in text


def test_a_baseline_that_won_is_said_to_have_won():
    story = stories.drawn_story(1)
    text = story_text(story)
    assert "the baseline is the best: log_loss" in text
    assert "nothing that was tried beats the baseline" in text


def test_the_verdict_has_its_numbers_and_is_not_told_twice():
    finding = Finding("not_significant", "info", "The winner is not shown to be better.")
    story = stories.drawn_story(
        summary={"proof": PROOF.to_json()}, diagnosis=Diagnosis("study", (finding,))
    )
    text = " ".join(story_text(story).split())
    assert "verdict undecided: the difference may be chance." in text
    assert "p = 0.3" in text
    assert "not_significant" not in text
    assert "not_significant" in story_text(replace(story, summary={}))


def test_a_test_part_that_was_opened_before_is_said():
    proof = replace(PROOF, openings=2)
    text = story_text(stories.drawn_story(summary={"proof": proof.to_json()}))
    assert "Not confirmatory" in text


def test_findings_stand_with_what_to_do():
    text = story_text(stories.drawn_story())
    assert "warning: overfitting since epoch 3" in text
    assert "do: Raise <i>weight decay</i>. [weight_decay: 0 → 0.01]" in text


def test_more_trials_are_listed_on_demand_and_causes_are_told_in_full():
    story = stories.drawn_story(60)
    assert "and 55 more: --limit 60" in story_text(story)
    listed = story_text(story, trials=60)
    assert listed.count("<script>alert(1)</script>") == 4
    assert "--limit" not in listed


def test_a_study_without_a_score_says_why():
    story = stories.drawn_story(6)
    failed = tuple(one for one in story.history.trials if one.state == "failed")
    story = replace(story, history=replace(story.history, trials=failed))
    text = story_text(story)
    assert "no trial has a score. The last one: <script>alert(1)</script>." in text


def test_a_study_that_has_not_begun_says_so():
    story = stories.drawn_story(0, diagnosis=Diagnosis("study"))
    text = story_text(replace(story, history=History()))
    assert "no trial was begun yet" in text
    assert "Nothing wrong" not in text


def test_an_objective_has_no_baseline():
    story = stories.drawn_story()
    record = replace(story.record, about={"task": "objective"})
    text = story_text(replace(story, record=record))
    assert "the best of 60." in text
    assert ": an objective, " in text
    assert "are kept" not in text
    assert "baseline" not in text.split("search")[0]
