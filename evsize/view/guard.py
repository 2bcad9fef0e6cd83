"""Lets only requests through that carry the token and mean this machine."""

from __future__ import annotations

import secrets

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
REFUSED = "Refused. Open the address that evsize printed in the terminal."
POLICY_VIOLATION = 1008
"""Code that closes a websocket, RFC 6455, section 7.4.1."""


class Guard:
    """An application behind a secret first part of its paths.

    Any page that a browser shows can make it send requests to 127.0.0.1, and a page whose name is
    made to point there (DNS rebinding) can read the answers. Neither knows the token, and such
    requests give themselves away by another name in ``Host`` or ``Origin``.

    Parameters
    ----------
    app : ASGI application
        Sees the paths without the token.
    token : str
        The secret.
    port : int
        Where it is served.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._start = f"/{token}/".encode()
        self._hosts = {f"{name}:{port}".encode() for name in NAMES}
        self._origins = {b"http://" + host for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it; there are no websockets here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        elif self._is_ours(scope):
            inside = scope["path"][len(self._start) - 1 :]
            await self._app({**scope, "path": inside, "raw_path": None}, receive, send)
        else:
            await PlainTextResponse(REFUSED, 403)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        headers = [(name.lower(), value.lower()) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == b"host"]
        origins = {value for name, value in headers if name == b"origin"}
        start = scope["path"].encode()[: len(self._start)]
        return (
            secrets.compare_digest(start, self._start)
            and len(hosts) == 1
            and hosts[0] in self._hosts
            and origins <= self._origins
        )
