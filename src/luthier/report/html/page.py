"""The page around the sections: styles and script in it, and a policy that lets nothing out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from luthier.report.html.markup import Child, Markup, joined, tag

Section = tuple[str, str, Markup]  # anchor, heading, content


@dataclass(frozen=True)
class Served:
    """What a page needs that a server shows, beside what it tells.

    Args:
        token: What its buttons must send, so that no other site's page can press them.
        events: Where it hears of news; empty where there is none.
        above: Links above the title, each an address and its name.
    """

    token: str
    events: str = ""
    above: tuple[tuple[str, str], ...] = ()


def page(
    title: str, sections: Sequence[Section], lead: Child = None, served: Served | None = None
) -> str:
    """Return a whole document.

    The policy admits this style and these scripts by their hashes and nothing else, so that a page
    can neither ask a server for anything nor run what a text in it smuggles in. A page that is
    `served` may ask its own server.

    Args:
        title: Of the page.
        sections: Anchor, heading and content of each.
        lead: What stands below the title.
        served: For a page of the dashboard.
    """
    style = text_of("style.css")
    scripts = [text_of(name) for name in ("script.js", *(["live.js"] if served else []))]
    admitted = " ".join(f"'{_hash(one)}'" for one in scripts)
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src {admitted}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    if served:
        policy += "; connect-src 'self'"
    links = [tag("a", heading, href=f"#{anchor}") for anchor, heading, _ in sections]
    body = [section(*one) for one in sections]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    document = tag(
        "html",
        head,
        tag(
            "body",
            tag("a", "Skip to the answer", href="#" + sections[0][0], class_="skip"),
            tag("header", _above(served), tag("h1", title), lead),
            tag("nav", *links, aria_label="Sections"),
            tag("main", *body),
            tag("output", id="said", aria_live="polite") if served else None,
            *(tag("script", Markup(script)) for script in scripts),
            class_="luthier",
            data_token=served.token if served else None,
            data_events=(served.events or None) if served else None,
        ),
        lang="en",
    )
    return f"<!doctype html>\n{document}\n"


def section(anchor: str, heading: str, content: Markup) -> Markup:
    """Return a part of a page, which the bar above it leads to."""
    return tag("section", tag("h2", heading), content, id=anchor)


def _above(served: Served | None) -> Markup | None:
    if served is None or not served.above:
        return None
    links = [tag("a", name, href=where) for where, name in served.above]
    return tag("p", *links, class_="above")


def fragment(*content: Child) -> str:
    """Return content for a notebook: it brings its style, and no script."""
    style = Markup(text_of("style.css"))
    return tag("div", tag("style", style), joined(content), class_="luthier notebook")


def table(head: list[str], rows: list[list[Child]], **attributes: str) -> Markup:
    """Return a table; first cells name their rows."""
    cells = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]))
        for row in rows
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("thead", tag("tr", *(tag("th", one, scope="col") for one in head))),
            tag("tbody", *cells),
            **attributes,
        ),
        class_="wide",
    )


@cache
def text_of(name: str) -> str:
    """Return a file that stands beside this one."""
    return files("luthier.report.html").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
