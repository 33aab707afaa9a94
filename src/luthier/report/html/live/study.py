"""A study while it runs: the report's own sections, with what one can do about them."""

from __future__ import annotations

from luthier.core import Categorical, Recipe, Space
from luthier.report.html.live.links import HOME, address, button
from luthier.report.html.markup import Child, Markup, joined, tag
from luthier.report.html.page import Section, Served, page, table
from luthier.report.html.study_page import study_lead, study_sections
from luthier.report.story import Story
from luthier.report.text import number, seconds, setting


def live_study_page(story: Story, space: Space, token: str) -> str:
    """Return a study's story, which goes on while one looks, and its buttons."""
    name = story.record.name
    served = Served(token, f"{address(name)}/events", (HOME,))
    sections = [
        *live_study_sections(story),
        ("try", "Try a recipe of your own", _form(story, space)),
    ]
    return page(name, sections, tag("p", study_lead(story), class_="lead"), served)


def live_study_sections(story: Story) -> list[Section]:
    """Return the parts of a study's page that change while it runs."""
    return [("now", "Now", _now(story)), *study_sections(story)]


def _now(story: Story) -> Markup:
    history, name = story.history, story.record.name
    counts = ", ".join(f"{n} {state}" for state, n in history.counts().items() if n)
    running = [trial for trial in history.trials if trial.state == "running"]
    shown: list[list[Child]] = [
        [
            tag("a", f"trial {trial.number}", href=address(name, trial.number)),
            f"epoch {trial.epochs} of {trial.until}",
            number(history.score(trial)),
            trial.purpose,
        ]
        for trial in running
    ]
    idle = "No worker is at it. The command that began the study goes on with it."
    stop = button("Stop the study after this epoch", f"{address(name)}/stop")
    return joined(
        [
            tag("p", f"{history.epochs:,} epochs in {seconds(history.seconds)}: {counts or '–'}."),
            table(["running", "epoch", history.metric, "for"], shown) if shown else tag("p", idle),
            tag("p", stop, "The same command goes on later.") if shown else None,
        ]
    )


def _form(story: Story, space: Space) -> Markup:
    name = story.record.name
    best = story.history.best
    recipe = space.baseline if best is None else best.recipe
    fields = [_field(space, parameter, recipe) for parameter in space.parameters]
    form = tag(
        "form",
        tag("div", *fields, class_="fields"),
        tag("button", "Queue this recipe", type="submit"),
        data_post=f"{address(name)}/queue",
    )
    return joined(
        [
            tag("p", "It is trained next. Values are the best trial's.", class_="note"),
            form if fields else tag("p", "This study searches nothing."),
        ]
    )


def _field(space: Space, name: str, recipe: Recipe) -> Markup:
    domain = space.active(name, recipe)
    value = recipe.get(name) if recipe.has(name) else None
    label = name.removeprefix("model.")
    if isinstance(domain, Categorical):
        options = [
            tag("option", setting(choice), value=str(index), selected=choice == value)
            for index, choice in enumerate(domain.choices)
        ]
        return tag("label", label, tag("select", *options, name=name))
    shown = "" if domain is None or value is None else f"{value:.6g}"
    return tag("label", label, tag("input", name=name, value=shown, inputmode="decimal"))
