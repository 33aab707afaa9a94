"""Elements of a page, escaped as they are made: what is no `Markup` can only become text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from html import escape
from typing import Any

_VOID = frozenset({"br", "circle", "img", "input", "line", "link", "meta", "path", "rect"})


class Markup(str):
    """Text that is markup already. `tag` and `joined` make it; nothing else needs to."""

    __slots__ = ()


Child = str | int | float | None


def tag(name: str, /, *children: Child, **attributes: str | int | float | bool | None) -> Markup:
    """Return an element; text in it and in its attributes is escaped.

    Args:
        name: Of the element.
        children: Text and other elements; None is left out.
        attributes: An underscore at the end is dropped, others become hyphens; True stands for an
            attribute without a value, None and False for none.

    >>> tag("p", "1 < 2 ", tag("b", "!"), class_="x", aria_label='"')
    '<p class="x" aria-label="&quot;">1 &lt; 2 <b>!</b></p>'
    """
    pairs = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID and not children:
        return Markup(f"<{name}{pairs}/>")
    return Markup(f"<{name}{pairs}>{joined(children)}</{name}>")


def joined(children: Iterable[Child]) -> Markup:
    """Return elements and texts one after the other."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(str(child))
            for child in children
            if child is not None
        )
    )


def data(value: Any, **attributes: str) -> Markup:
    r"""Return data for the page's script, as JSON that no text in it can break out of.

    >>> data({"a": ["</script>", float("nan")]})
    '<script type="application/json">{"a":["\\u003c/script>",null]}</script>'
    """
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    pairs = "".join(_attribute(key, one) for key, one in attributes.items())
    safe = text.replace("<", "\\u003c").replace("&", "\\u0026")
    return Markup(f'<script type="application/json"{pairs}>{safe}</script>')


def _attribute(key: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-") if key != "viewBox" else key
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
