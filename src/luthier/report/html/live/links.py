"""Addresses of the dashboard's pages, and buttons that act."""

from __future__ import annotations

from urllib.parse import quote

from luthier.report.html.markup import Markup, tag

HOME = ("/", "All studies")


def address(study: str, trial: int | None = None) -> str:
    """Return where a study, or one of its trials, is shown.

    >>> address("a/b", 3)
    '/studies/a%2Fb/trials/3'
    """
    of_study = f"/studies/{quote(study, safe='')}"
    return of_study if trial is None else f"{of_study}/trials/{trial}"


def button(text: str, where: str) -> Markup:
    """Return a button that sends a wish to an address."""
    return tag("button", text, type="button", data_post=where)
