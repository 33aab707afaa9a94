"""The page around the sections: styles and script in it, and a policy that lets nothing out."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from luthier.report.html.markup import Child, Markup, joined, tag


def page(title: str, sections: list[tuple[str, str, Markup]], lead: Child = None) -> str:
    """Return a whole document.

    The policy admits this style and this script by their hashes and nothing else, so that a page
    can neither ask a server for anything nor run what a text in it smuggles in.

    Args:
        title: Of the page.
        sections: Anchor, heading and content of each.
        lead: What stands below the title.
    """
    style, script = text_of("style.css"), text_of("script.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    links = [tag("a", heading, href=f"#{anchor}") for anchor, heading, _ in sections]
    body = [
        tag("section", tag("h2", heading), content, id=anchor)
        for anchor, heading, content in sections
    ]
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
            tag("header", tag("h1", title), lead),
            tag("nav", *links, aria_label="Sections"),
            tag("main", *body),
            tag("script", Markup(script)),
            class_="luthier",
        ),
        lang="en",
    )
    return f"<!doctype html>\n{document}\n"


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
