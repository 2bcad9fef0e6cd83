"""Serves the page to this machine alone."""

from __future__ import annotations

import secrets
import socket
import sys
import tempfile
import traceback
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from evsize.errors import OutputError, describe
from evsize.physics import MEDIA
from evsize.report.templates import fill, page_style
from evsize.view.guard import HOST, Guard
from evsize.view.session import Session, Wanted
from evsize.view.values import FIELDS

_HERE = Path(__file__).parent
_ALLOWED = "img-src 'self' data:; connect-src 'self'"
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def application(session: Session, debug: bool = False) -> Starlette:
    """Make the application behind the guard.

    Parameters
    ----------
    session : Session
        What it shows.
    debug : bool
        Print the traceback of an error of ours on stderr; the page never shows one.
    """

    def answering(work: Callable[[Wanted], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                wanted = Wanted.model_validate_json(await request.body())
                return JSONResponse(await run_in_threadpool(work, wanted), headers=_HEADERS)
            except Exception as error:
                if debug:
                    traceback.print_exc(file=sys.stderr)
                return JSONResponse({"error": describe(error)[0]}, headers=_HEADERS)

        return endpoint

    def opened(wanted: Wanted) -> dict[str, Any]:
        session.open(wanted.path)
        return session.state()

    def started(wanted: Wanted) -> dict[str, Any]:
        session.start(wanted)
        return session.state()

    def looked(wanted: Wanted) -> dict[str, Any]:
        return asdict(session.look(wanted))

    async def page(_: Request) -> Response:
        return HTMLResponse(_page(), headers=_HEADERS)

    async def state(_: Request) -> Response:
        return JSONResponse(session.state(), headers=_HEADERS)

    def picture(request: Request) -> Response:
        try:
            contrast = float(request.query_params.get("contrast", "1"))
            content = session.picture(request.path_params["frame"], contrast)
        except Exception as error:
            return PlainTextResponse(describe(error)[0], 404, headers=_HEADERS)
        return Response(content, media_type="image/png", headers=_HEADERS)

    def report(_: Request) -> Response:
        path = session.report
        if path is None or not path.is_file():
            return PlainTextResponse("There is no report yet.", 404, headers=_HEADERS)
        return HTMLResponse(path.read_bytes(), headers=_HEADERS)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/state", state),
            Route("/frame/{frame:int}.png", picture),
            Route("/report", report),
            Route("/open", answering(opened), methods=["POST"]),
            Route("/look", answering(looked), methods=["POST"]),
            Route("/save", answering(session.save), methods=["POST"]),
            Route("/run", answering(started), methods=["POST"]),
        ]
    )


def _page() -> str:
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("view.css", "view.js"))
    return fill(
        _HERE,
        "view.html",
        page_style() + style,
        script,
        _ALLOWED,
        name="Look at a recording",
        fields=FIELDS,
        media=list(MEDIA),
    )


class Page:
    """A session served on this machine, at an address that nobody can guess.

    Parameters
    ----------
    session : Session
        What it shows.
    port : int
        Where; 0 for any that is free.
    debug : bool
        Print tracebacks on stderr.

    Raises
    ------
    OutputError
        If the port is taken.
    """

    def __init__(self, session: Session, port: int = 0, debug: bool = False) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.bind((HOST, port))
            self._socket.listen()  # who comes before the server runs waits
        except OSError as error:
            self._socket.close()
            raise OutputError(
                f"port {port} cannot be used: {error.strerror}",
                "a free port",
                "give another --port",
            ) from error
        self.port = int(self._socket.getsockname()[1])
        token = secrets.token_urlsafe(24)
        self.address = f"http://{HOST}:{self.port}/{token}/"
        guarded = Guard(application(session, debug), token, self.port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                guarded, ws="none", log_config=None, log_level="critical", access_log=False
            )
        )

    def serve(self) -> None:
        """Serve until the program is interrupted or `stop` is called."""
        with self._socket:
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Let `serve` end."""
        self._server.should_exit = True

    @property
    def ready(self) -> bool:
        """Whether requests are answered."""
        return self._server.started


def serve(
    session: Session,
    port: int = 0,
    browser: bool = True,
    debug: bool = False,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve a session until the program is interrupted.

    Parameters
    ----------
    session : Session
        What is shown.
    port : int
        Where; 0 for any that is free.
    browser : bool
        Open the page in the user's browser.
    debug : bool
        Print tracebacks on stderr.
    tell : callable
        Given the address of the page.
    """
    page = Page(session, port, debug)
    with ExitStack() as stack:
        stack.callback(session.close)
        stack.enter_context(suppress(KeyboardInterrupt))  # the usual way to end it
        tell(page.address)
        if browser:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="evsize-"))
            webbrowser.open(_leading_to(page.address, Path(folder)))
        page.serve()


def _leading_to(address: str, folder: Path) -> str:
    """Write a file that leads to the page; its name alone shows in the list of processes."""
    path = folder / "open.html"
    path.write_text(
        f'<!doctype html><meta http-equiv="refresh" content="0; url={escape(address)}">'
        f'<a href="{escape(address)}">evsize</a>\n',
        encoding="utf-8",
    )
    return path.as_uri()
