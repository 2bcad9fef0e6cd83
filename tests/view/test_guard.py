"""Who may ask, and what strangers get: tried over real connections."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from evsize.view.guard import REFUSED, Guard
from evsize.view.server import Page
from evsize.view.session import Session

Served = Callable[[Session], Page]


def ask(page: Page, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST" if body else "GET", path, body or None, given)
    response = connection.getresponse()
    text = response.read().decode("utf-8", "replace")
    connection.close()
    return response.status, text


def start_of(page: Page) -> str:
    return urlsplit(page.address).path


def test_the_page_is_for_those_who_know_its_address(served: Served) -> None:
    page = served(Session())
    start = start_of(page)
    assert len(start) > 30
    status, text = ask(page, start)
    assert status == 200
    assert "evsize" in text
    for path in ("/", "/state", f"/x{start[1:]}", start[:-2] + "/", start[:-1], f"/{start}state"):
        assert ask(page, path) == (403, REFUSED), path
    other = served(Session())
    assert start_of(other) != start


def test_another_name_for_this_machine_is_refused(served: Served) -> None:
    """What a browser sends after DNS rebinding carries the name of the attacker's page."""
    page = served(Session())
    start = start_of(page)
    assert ask(page, start, Host=f"localhost:{page.port}")[0] == 200
    for host in ("evil.example", f"evil.example:{page.port}", "127.0.0.1", f"0.0.0.0:{page.port}"):
        assert ask(page, start, Host=host)[0] == 403, host
    own = f"http://127.0.0.1:{page.port}"
    assert ask(page, start + "open", '{"path": ""}', Origin=own)[0] == 200
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{page.port}"):
        assert ask(page, start + "open", '{"path": ""}', Origin=origin)[0] == 403, origin


def test_a_request_without_or_with_two_hosts_is_refused(served: Served) -> None:
    page = served(Session())
    hosts = ("", f"Host: 127.0.0.1:{page.port}\r\nHost: evil.example\r\n")
    for lines in hosts:
        text = exchange(page, f"GET {start_of(page)} HTTP/1.0\r\n{lines}\r\n")
        assert text.split()[1] in ("400", "403"), lines


def test_no_websocket_is_opened(served: Served) -> None:
    page = served(Session())
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    for path, host, expected in (
        ("/", f"127.0.0.1:{page.port}", "403"),
        (start_of(page), "evil.example", "403"),
        (start_of(page), f"127.0.0.1:{page.port}", "200"),  # answered, as any other request
    ):
        text = exchange(page, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{upgrade}")
        assert text.split()[1] == expected


def test_the_guard_closes_a_websocket_itself() -> None:
    """Were the server ever to take one."""

    async def never(*_: Any) -> None:
        raise AssertionError("let through")

    async def connect() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        scope = {
            "type": "websocket",
            "path": "/secret/",
            "headers": [(b"host", b"127.0.0.1:80")],
        }
        await Guard(never, "secret", 80)(scope, receive, send)
        return sent

    assert asyncio.run(connect()) == [{"type": "websocket.close", "code": 1008}]


def test_only_this_machine_is_served(served: Served) -> None:
    page = served(Session())
    assert page.address.startswith(f"http://127.0.0.1:{page.port}/")
    assert page._socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("body", ["{", "[]", '{"frame": -1}', '{"surprise": 1}', '{"path": "no"}'])
def test_a_wrong_question_is_answered_in_one_line(served: Served, body: str) -> None:
    page = served(Session())
    for what in ("open", "look", "save", "run"):
        status, text = ask(page, f"{start_of(page)}{what}", body)
        assert status == 200
        error = json.loads(text)["error"]
        assert error
        assert "Traceback" not in error
        assert "\n" not in error


def test_what_is_not_there(served: Served) -> None:
    page = served(Session())
    for path in ("report", "frame/0.png", "nothing"):
        status, text = ask(page, start_of(page) + path)
        assert status == 404
        assert "Traceback" not in text


def exchange(page: Page, request: str) -> str:
    """Send a request as it is written; return what comes back first."""
    with socket.create_connection(("127.0.0.1", page.port), timeout=30) as connection:
        connection.sendall(request.encode())
        return connection.recv(4096).decode("utf-8", "replace")
