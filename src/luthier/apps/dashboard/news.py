"""News: the parts of a page that changed, as server-sent events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from luthier.report.html.page import Section, section

_NAP = 0.2  # seconds: how soon a stream notices that its server ends
Sections = Callable[[], Sequence[Section]]


@dataclass(eq=False)
class News:
    """Draws a page's parts when its study has changed, once for all who look.

    Args:
        changed: Tells the study's count of changes.
        sections: Draws the parts.
        ending: Tells whether the server is about to end: then streams end by themselves.
        every: Seconds between two looks; drawing takes at most a fifth of the time.
    """

    changed: Callable[[], int]
    sections: Sections
    ending: Callable[[], bool]
    every: float = 1.0
    _drawn: dict[str, str] = field(default_factory=dict)
    _at: int = -1
    _rest: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def stream(self, gone: Callable[[], Awaitable[bool]]) -> AsyncIterator[str]:
        """Yield events: first nothing but a sign of life, then each part that differs."""
        yield ": hello\n\n"
        told = dict(await self._parts())
        while not await gone():
            looked = time.monotonic()
            while time.monotonic() - looked < max(self.every, self._rest):
                await asyncio.sleep(_NAP)
                if self.ending():
                    return
            for name, html in (await self._parts()).items():
                if told.get(name) != html:
                    told[name] = html
                    yield f"event: part\ndata: {json.dumps({'id': name, 'html': html})}\n\n"
            yield ": still here\n\n"

    async def _parts(self) -> dict[str, str]:
        async with self._lock:
            now = await run_in_threadpool(self.changed)
            if now != self._at:
                begun = time.perf_counter()
                self._drawn = await run_in_threadpool(self._draw)
                self._at, self._rest = now, 4 * (time.perf_counter() - begun)
            return self._drawn

    def _draw(self) -> dict[str, str]:
        return {one[0]: str(section(*one)) for one in self.sections()}
