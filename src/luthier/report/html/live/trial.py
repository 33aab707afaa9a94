"""One trial while it trains: its curves and signals, its recipe against another trial's."""

from __future__ import annotations

from luthier.core import LIVE_STATES, Diagnosis, Trial
from luthier.report.html.findings import findings_list
from luthier.report.html.live.links import HOME, address, button
from luthier.report.html.markup import Child, Markup, joined, tag
from luthier.report.html.page import Section, Served, page, table
from luthier.report.html.signals_chart import signal_charts
from luthier.report.html.training_chart import loss_chart, metric_charts
from luthier.report.story import Story
from luthier.report.text import number, setting


def live_trial_page(
    story: Story, trial: Trial, diagnosis: Diagnosis, token: str, beside: Trial | None = None
) -> str:
    """Return one trial's page: its curves and signals, its recipe against another trial's."""
    name = story.record.name
    events = f"{address(name, trial.number)}/events"
    if beside is not None:
        events += f"?beside={beside.number}"
    above = (HOME, (address(name), name))
    sections = live_trial_sections(story, trial, diagnosis, beside)
    title = f"Trial {trial.number} of {name}"
    return page(title, sections, None, Served(token, events, above))


def live_trial_sections(
    story: Story, trial: Trial, diagnosis: Diagnosis, beside: Trial | None = None
) -> list[Section]:
    """Return the parts of a trial's page."""
    other = beside or story.baseline or story.history.trials[0]
    charts = _curves(trial, diagnosis, other, story.kept(trial))
    return [
        ("state", "State", _state(story, trial)),
        ("training", "How it trains", charts),
        ("findings", "What is wrong", findings_list(diagnosis)),
        ("recipe", "Its recipe", _recipe(story, trial, other)),
    ]


def _state(story: Story, trial: Trial) -> Markup:
    history = story.history
    words = [f"{trial.state}, {trial.epochs} epochs, seed {trial.seed}"]
    if trial.engine:
        words.append(f"engine {trial.engine}")
    if trial.purpose != "search":
        words.append(f"trained to {trial.purpose}")
    stop = None
    if trial.state in LIVE_STATES:
        stop = button("Stop this trial", f"{address(story.record.name, trial.number)}/stop")
    return joined(
        [
            tag("p", ", ".join(words) + "."),
            tag("p", f"{history.metric} {number(history.score(trial))}", class_="verdict"),
            tag("p", trial.cause) if trial.cause else None,
            tag("p", stop) if stop else None,
        ]
    )


def _curves(trial: Trial, diagnosis: Diagnosis, other: Trial, kept: int | None) -> Markup:
    if not trial.epochs:
        return tag("p", "It has not trained an epoch yet.")
    its = None if other.number == trial.number else other.curves
    name = f"trial {other.number}"
    charts: list[Child] = [
        loss_chart(trial.curves, diagnosis.findings, best_epoch=kept, baseline=its, beside=name),
        *metric_charts(trial.curves, baseline=its, beside=name, best_epoch=kept),
    ]
    signals = signal_charts(trial.curves)
    parts: list[Child] = [tag("div", *charts, class_="grid-2")]
    if signals:
        parts += [
            tag("h3", "Signals, by part of the network"),
            tag("div", *signals, class_="grid-2"),
        ]
    return joined(parts)


def _recipe(story: Story, trial: Trial, other: Trial) -> Markup:
    name = story.record.name
    others = [one for one in story.history.trials if one.number != trial.number]
    options = [
        tag("option", f"trial {one.number}", value=one.number, selected=one.number == other.number)
        for one in others
    ]
    choose = tag(
        "label",
        "Against ",
        tag("select", *options, data_go=f"{address(name, trial.number)}?beside="),
    )
    mine, its = _settings(trial), _settings(other)
    changed: list[list[Child]] = [
        [key, its.get(key, "–"), mine.get(key, "–")]
        for key in {**its, **mine}
        if its.get(key) != mine.get(key)
    ]
    same: list[list[Child]] = [[key, mine[key]] for key in mine if its.get(key) == mine[key]]
    head = ["changed", f"trial {other.number}", f"trial {trial.number}"]
    return joined(
        [
            tag("p", choose) if others else None,
            table(head, changed, class_="changes") if changed else tag("p", "They are the same."),
            tag("details", tag("summary", "All that is the same"), table(["key", "value"], same)),
        ]
    )


def _settings(trial: Trial) -> dict[str, str]:
    values = trial.recipe.to_json()
    flat = {key: value for key, value in values.items() if key not in ("version", "model")}
    return {key: setting(value) for key, value in {**flat, **trial.recipe.model}.items()}
