"""A study's story from top to bottom: the answer, why, how, what was tried, what is left."""

from __future__ import annotations

from collections.abc import Mapping

from luthier.core import Trial, pareto_front
from luthier.report.axis import Axis, axes, score_axis
from luthier.report.html.answer import answer
from luthier.report.html.best_so_far_chart import best_so_far_chart
from luthier.report.html.cost_chart import cost_chart
from luthier.report.html.findings import findings_list
from luthier.report.html.front_chart import front_charts
from luthier.report.html.importance_chart import importance_chart
from luthier.report.html.markup import Child, Markup, joined, tag
from luthier.report.html.page import Section, fragment, page, table
from luthier.report.html.parallel_chart import parallel_chart
from luthier.report.html.slice_chart import slice_chart
from luthier.report.html.training_chart import loss_chart, metric_charts
from luthier.report.html.trials_chart import trials_chart
from luthier.report.importance import Importances, importances
from luthier.report.story import Story
from luthier.report.text import changes, number, one_line

_ISOLATED = 4  # parameters whose plots stand beside the reasons; all others follow below
_WIDEST = 12  # axes of the parallel coordinates: more do not fit a screen


def study_page(story: Story) -> str:
    """Return a study's report as one HTML document."""
    lead = tag("p", study_lead(story), class_="lead")
    return page(f"luthier: {story.record.name}", study_sections(story), lead)


def study_sections(story: Story) -> list[Section]:
    """Return the parts of a study's story, from the answer to how it is repeated."""
    history, space = story.history.searched, story.record.space
    found = axes(space, history.trials)
    mattered = importances(story.record, history)
    found.sort(key=lambda axis: -mattered.shares.get(axis.name, 0.0))
    score = score_axis(history)
    return [
        ("answer", "The answer", answer(story)),
        ("why", "Why it won", _why(story, found, mattered, score)),
        ("training", "How it trained", training(story)),
        ("search", "What the search did", _search(story, found, score)),
        ("findings", "What is wrong, or left to do", findings_list(story.diagnosis)),
        ("again", "How to reproduce it", _again(story)),
    ]


def study_fragment(story: Story) -> str:
    """Return the answer and the winner's curves, for a notebook."""
    return fragment(tag("h2", story.record.name), answer(story), training(story))


def training(story: Story) -> Markup:
    """Return the winner's curves with findings where they began; else why there are none."""
    best = story.history.best
    trial = best or (story.history.trials[-1] if story.history.trials else None)
    if trial is None or not trial.epochs:
        return tag("p", "No trial has trained an epoch.")
    kept = story.kept(trial)
    baseline = story.baseline
    beside = None if baseline is None or baseline is trial else baseline.curves
    main = loss_chart(trial.curves, story.diagnosis.findings, best_epoch=kept, baseline=beside)
    others = metric_charts(trial.curves, baseline=beside, best_epoch=kept)
    words = [f"Trial {trial.number}, {trial.epochs} epochs, seed {trial.seed}, {trial.engine}."]
    if marked := [one for one in story.diagnosis.findings if one.since]:
        told = ", ".join(f"{one.problem} (epoch {one.since})" for one in marked)
        words.append(f"Marked where they began: {told}.")
    return joined(
        [tag("p", " ".join(words)), tag("div", main, *others, class_="grid-2")],
    )


def study_lead(story: Story) -> str:
    """Return in one line what a study is about."""
    about = story.record.about
    said = [f"{about.get('model') or 'a network'} on {about.get('data') or 'data from Python'}"]
    if story.written:
        said.append(f"written {story.written}")
    return ", ".join(said)


def _why(story: Story, found: list[Axis], mattered: Importances, score: Axis) -> Markup:
    best, baseline = story.history.best, story.baseline
    if best is None:
        return tag("p", "No trial has a score, so nothing won.")
    parts: list[Child] = [_changes(best, baseline, mattered.shares)]
    searched = story.history.searched
    charts = [importance_chart(mattered, found)]
    space = story.record.space
    charts += [slice_chart(space, searched, one, score) for one in found[:_ISOLATED]]
    if not mattered.shares and found:
        parts.append(tag("p", "Too few trials to say which parameter mattered.", class_="note"))
    parts.append(tag("div", *charts, class_="grid-2"))
    parts.append(
        tag(
            "p",
            "Line: the best score of each value, whatever else differed. Orange: the winner; "
            "square: the baseline. A trial that was stopped early counts with the score it had.",
            class_="note",
        )
    )
    return joined(parts)


def _changes(best: Trial, baseline: Trial | None, shares: Mapping[str, float]) -> Markup:
    if baseline is None:
        rows: list[list[Child]] = [[k, str(v)] for k, v in best.recipe.model.items()]
        return table(["parameter", "the winner's"], rows, class_="changes")
    if best.number == baseline.number:
        return tag("p", "The baseline itself is the best: nothing that was tried beats it.")
    by_title = {name.removeprefix("model."): share for name, share in shares.items()}
    rows = [
        [key, before, after, f"{by_title[key] * 100:.0f} %" if key in by_title else "–"]
        for key, before, after in changes(best.recipe, baseline.recipe)
    ]
    rows.sort(key=lambda row: -by_title.get(str(row[0]), -1.0))
    head = ["changed", "default", "the winner's", "mattered"]
    return table(head, rows, class_="changes")


def _search(story: Story, found: list[Axis], score: Axis) -> Markup:
    history, space = story.history.searched, story.record.space
    if not history.trials:
        return tag("p", "No trial was begun yet.")
    main = [
        best_so_far_chart(history, "epochs"),
        best_so_far_chart(history, "seconds"),
        trials_chart(history),
        cost_chart(story.history),
        *front_charts(history, story.goals, pareto_front(history, story.goals)),
    ]
    slices = [slice_chart(space, history, axis, score) for axis in found[_ISOLATED:]]
    return joined(
        [
            tag("div", *main, class_="grid-2"),
            parallel_chart(space, history, found[:_WIDEST], score),
            _trials(story),
            tag("h3", "The other parameters") if slices else None,
            tag("div", *slices, class_="grid-2 slices") if slices else None,
        ]
    )


def _trials(story: Story, limit: int = 200) -> Markup:
    history = story.history.searched
    base = story.record.space.baseline if story.baseline else history.trials[0].recipe
    ranked = sorted(history.trials, key=history.rank)
    rows: list[list[Child]] = [
        [
            _named(story, trial),
            trial.state,
            trial.epochs,
            number(history.score(trial)),
            trial.cause if trial.state == "failed" else one_line(trial.recipe, base),
        ]
        for trial in ranked[:limit]
    ]
    count = len(ranked)
    of = f"The best {limit} of {count:,}" if count > limit else f"All {count}"
    head = ["trial", "state", "epochs", history.metric, "what it changes, or why it failed"]
    return tag(
        "details",
        tag("summary", f"{of} trials" if count != 1 else "The only trial"),
        table(head, rows, id="table"),
    )


def _named(story: Story, trial: Trial) -> Child:
    where = story.address and f"{story.address}/trials/{trial.number}"
    return tag("a", trial.number, href=where) if where else trial.number


def _again(story: Story) -> Markup:
    commands = [
        tag("div", tag("pre", command, tabindex=0), tag("p", what, class_="note"))
        for command, what in story.commands
    ]
    versions = ", ".join(f"{name} {version}" for name, version in story.versions.items())
    return joined(
        [
            *commands,
            tag("h3", "recipe.yaml") if story.recipe else None,
            tag("pre", story.recipe, tabindex=0) if story.recipe else None,
            tag("p", f"Made with {versions}.", class_="note") if versions else None,
        ]
    )
