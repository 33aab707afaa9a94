"""The dashboard's addresses, each a few lines around one call of the board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from luthier.apps.dashboard.guard import Guard
from luthier.apps.dashboard.news import News
from luthier.core import LuthierError, StudyNotFoundError, Trial
from luthier.loop.board import Board
from luthier.report.html import live
from luthier.report.html.page import Section

_KEPT = 64  # pages whose news are kept ready
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Site:
    """The pages of a board.

    Args:
        board: Reads studies and passes on wishes.
        guard: Knows the token.
        ending: Tells whether the server is about to end.
    """

    def __init__(self, board: Board, guard: Guard, ending: Callable[[], bool]) -> None:
        self.board, self.guard, self.ending = board, guard, ending
        self._news: dict[str, News] = {}
        self._pages: dict[str, tuple[int, str]] = {}  # drawn at a count of changes

    def studies(self, request: Request) -> Response:
        """All studies."""
        return HTMLResponse(
            live.studies_page(self.board.studies(), self.board.storage.url, self.guard.token)
        )

    def study(self, request: Request) -> Response:
        """A study's story and its buttons."""
        study = request.path_params["study"]
        changed, known = self.board.history(study).changed, self._pages.get(study)
        if known is None or known[0] != changed:
            story = self.board.story(study)
            page = live.live_study_page(story, story.record.space, self.guard.token)
            known = self._pages[study] = changed, page
        return HTMLResponse(known[1])

    def trial(self, request: Request) -> Response:
        """One trial, beside another one."""
        study, number = request.path_params["study"], request.path_params["trial"]
        story, trial, diagnosis = self.board.trial(study, number)
        beside = _beside(story.history.trials, request)
        return HTMLResponse(live.live_trial_page(story, trial, diagnosis, self.guard.token, beside))

    async def study_events(self, request: Request) -> Response:
        """What changes on a study's page."""
        study = request.path_params["study"]

        def sections() -> list[Section]:
            return live.live_study_sections(self.board.story(study))

        return self._stream(request, study, sections)

    async def trial_events(self, request: Request) -> Response:
        """What changes on a trial's page."""
        study, number = request.path_params["study"], request.path_params["trial"]

        def sections() -> list[Section]:
            story, trial, diagnosis = self.board.trial(study, number)
            beside = _beside(story.history.trials, request)
            return live.live_trial_sections(story, trial, diagnosis, beside)

        return self._stream(request, study, sections)

    async def stop(self, request: Request) -> Response:
        """Ask a study's workers to stop."""
        return await _done(partial(self.board.stop, request.path_params["study"]))

    async def stop_trial(self, request: Request) -> Response:
        """End a trial."""
        where = request.path_params
        return await _done(partial(self.board.stop_trial, where["study"], where["trial"]))

    async def queue(self, request: Request) -> Response:
        """Plan a trial by hand."""
        try:
            values = await request.json()
        except ValueError:
            values = None
        if not isinstance(values, dict):
            return JSONResponse({"said": "values by parameter were expected, as JSON"}, 400)
        given = {str(key): str(value) for key, value in values.items()}
        return await _done(partial(self.board.enqueue, request.path_params["study"], given))

    def _stream(
        self, request: Request, study: str, sections: Callable[[], list[Section]]
    ) -> Response:
        self.board.storage.record(study)  # a study that does not exist is told at once
        key = f"{request.url.path}?{request.url.query}"
        if key not in self._news:
            while len(self._news) >= _KEPT:
                self._news.pop(next(iter(self._news)))
            self._news[key] = News(lambda: self.board.history(study).changed, sections, self.ending)
        stream = self._news[key].stream(request.is_disconnected)
        return StreamingResponse(stream, media_type="text/event-stream")


def site(board: Board, guard: Guard, ending: Callable[[], bool]) -> Starlette:
    """Return the dashboard as an application that a server runs."""
    pages = Site(board, guard, ending)
    of_study, of_trial = "/studies/{study:path}", "/studies/{study:path}/trials/{trial:int}"
    return Starlette(
        routes=[
            Route("/", pages.studies),
            Route(f"{of_trial}/events", pages.trial_events),
            Route(f"{of_trial}/stop", pages.stop_trial, methods=["POST"]),
            Route(of_trial, pages.trial),
            Route(f"{of_study}/events", pages.study_events),
            Route(f"{of_study}/stop", pages.stop, methods=["POST"]),
            Route(f"{of_study}/queue", pages.queue, methods=["POST"]),
            Route(of_study, pages.study),
        ],
        middleware=[Middleware(_Guarded, guard=guard)],
        exception_handlers={StudyNotFoundError: _not_found, LuthierError: _not_found},
    )


class _Guarded:
    """Lets the guard answer first, and sets what every answer says to a browser."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app, self.guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refused = self.guard.refuses(Request(scope)) if scope["type"] == "http" else None
        await (refused or self.app)(scope, receive, say)


async def _done(act: Callable[[], str]) -> Response:
    try:
        return JSONResponse({"said": await run_in_threadpool(act)})
    except LuthierError as error:
        return JSONResponse({"said": str(error)}, 400)


def _not_found(request: Request, error: Exception) -> Response:
    return Response(f"{error}\n", 404, media_type="text/plain; charset=utf-8")


def _beside(trials: Sequence[Trial], request: Request) -> Trial | None:
    text = request.query_params.get("beside", "")
    return trials[int(text)] if text.isdecimal() and int(text) < len(trials) else None
