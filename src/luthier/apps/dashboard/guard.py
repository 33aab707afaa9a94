"""Who may look, and whose wishes count.

Pages on this machine are for whoever sits at it; elsewhere a look takes the token. A wish takes it
always, in a header that no other site's page can send, and comes from a page of this server.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

COOKIE = "luthier_token"
HEADER = "x-luthier-token"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Guard:
    """Lets requests through, or answers them itself.

    Args:
        token: What wishes must have, and looks from elsewhere.
        host: What the server listens on.
    """

    token: str
    host: str = LOOPBACK[0]

    @property
    def open(self) -> bool:
        """Whether whoever reaches the server sits at this machine."""
        return self.host in LOOPBACK

    def refuses(self, request: Request) -> Response | None:
        """Return the answer to what may not pass; None where it may."""
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        if self.open and name not in LOOPBACK:
            # A site whose name was made to lead here would read what is shown.
            return _no(f"this server answers to {self.host}, and was called '{name}'")
        if request.method == "POST":
            return self._refuses_wish(request)
        if self.open or self._same(request.cookies.get(COOKIE)):
            return None
        if self._same(request.query_params.get("token")):
            answer = RedirectResponse(str(request.url.remove_query_params("token")), 303)
            answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
            return answer
        return _no("a token is needed: open the address that luthier serve printed")

    def _refuses_wish(self, request: Request) -> Response | None:
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            return _no(f"a page of {origin} may not ask this server for anything")
        if not self._same(request.headers.get(HEADER)):
            return _no("the token is missing or another server's: load the page again")
        return None

    def _same(self, given: str | None) -> bool:
        return given is not None and secrets.compare_digest(given.encode(), self.token.encode())


def _no(why: str) -> Response:
    return PlainTextResponse(f"{why}\n", 403)
