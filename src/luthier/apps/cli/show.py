"""`luthier show`."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import Annotated

import typer

from luthier.apps.cli.options import STORAGE, AsJson, Storage


def show(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY", help="Whose story, or what --out wrote.  [default: all studies]"
        ),
    ] = None,
    storage: Storage = STORAGE,
    limit: Annotated[int, typer.Option(min=1, help="Trials to list, the best first.")] = 5,
    as_json: AsJson = False,
) -> None:
    """List the studies of a storage, or tell the story of one study on one screen.

    Example: luthier show digits-mlp
    """
    from luthier.apps.cli.output import say, say_json
    from luthier.loop.show import all_studies, open_study
    from luthier.report.listing import studies_json, studies_text, study_json
    from luthier.report.story_text import story_text

    if study is None:
        found = all_studies(storage)
        if as_json:
            say_json(studies_json(found))
        else:
            say(studies_text(found, storage))
        return
    found_one = open_study(storage, study)
    if as_json:
        say_json(study_json(found_one.record, found_one.history, found_one.proof))
    else:
        columns = get_terminal_size(fallback=(100, 24)).columns
        say(story_text(found_one.story({}), trials=limit, columns=columns))
