"""Idle and slow connections to a running server, and its rate-limited log."""

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from deepfake_core.ui.server.logs import MAX_PER_MINUTE, RepeatFilter
from tests.ui.server.conftest import API, ENVIRONMENT, Server, Visitor
from tests.ui.server.small_page import LATE_SECONDS, RUN, TICK

HALF = b"GET /config HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


def connect(server: Server, beginning: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=40)
    connection.sendall(beginning)
    return connection


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def seconds_until_closed(connection: socket.socket, drop: bytes = b"", each: float = 0.5) -> float:
    """How long the server keeps a connection that sends a byte now and then."""
    begun = time.monotonic()
    connection.settimeout(each)
    while time.monotonic() - begun < 40:
        try:
            if drop:
                connection.sendall(drop)
            if not connection.recv(1_000):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - begun


def test_half_requests_lock_nobody_out(server: Server, visitor: Visitor) -> None:
    """A thousand connections, far more than one address may hold; the address is still served."""
    log = server.log.stat().st_size
    with ExitStack() as stack:
        for _ in range(1_000):
            stack.enter_context(connect(server, HALF))
        assert visitor.ask(TICK, True) < 5
        assert Visitor(server).ask(RUN, 0.1) < 15
    assert server.log.stat().st_size < log + 100_000


def test_an_address_keeps_its_share(server: Server) -> None:
    most = int(ENVIRONMENT["DEEPFAKE_CONNECTIONS_ADDRESS"])
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(server, HALF)) for _ in range(2 * most)]
        end = time.monotonic() + LATE_SECONDS - 0.5  # then they are closed because they are late
        while (kept := sum(map(is_open, opened))) > most and time.monotonic() < end:
            time.sleep(0.1)
    assert kept <= most


def test_a_request_has_a_time_to_arrive(server: Server) -> None:
    slow_body = (
        f"POST {API}/queue/join HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 100000\r\n\r\n{"
    ).encode()
    with connect(server, HALF) as head, connect(server, b"") as nothing, connect(server, slow_body) as body:
        with ThreadPoolExecutor(3) as threads:
            heads = threads.submit(seconds_until_closed, head, b"x")
            nothings = threads.submit(seconds_until_closed, nothing)
            bodies = threads.submit(seconds_until_closed, body, b" ")
        assert LATE_SECONDS - 1 < heads.result() < LATE_SECONDS + 8
        assert LATE_SECONDS - 1 < nothings.result() < LATE_SECONDS + 8
        assert LATE_SECONDS - 1 < bodies.result() < LATE_SECONDS + 8


def test_a_head_is_bounded(server: Server) -> None:
    with connect(server, HALF) as connection:
        connection.settimeout(20)
        try:
            for _ in range(100):
                connection.sendall(b"x" * 10_000)
            answer = connection.recv(100)
        except OSError:
            answer = b""
        assert not answer or b" 400 " in answer


def test_who_listens_for_long_stays_connected(server: Server) -> None:
    session = Visitor(server).session
    request = f"GET {API}/heartbeat/{session} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with connect(server, request) as connection:
        assert b"ALIVE" in connection.recv(4_096) + connection.recv(4_096)
        connection.settimeout(LATE_SECONDS + 1)
        with suppress(TimeoutError):
            assert connection.recv(100)  # the next heartbeat, if it comes by then


def test_forty_ticks_and_a_run_in_one_connection_each_are_served(server: Server) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: Visitor(server).ask(TICK, True) < 20, range(40)))


def test_a_message_that_repeats_itself_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    kept = RepeatFilter()

    def record(line: int, message: str = "Invalid HTTP request received.") -> logging.LogRecord:
        return logging.LogRecord("uvicorn.error", logging.WARNING, "a.py", line, message, None, None)

    assert sum(kept.filter(record(1)) for _ in range(1_000)) == MAX_PER_MINUTE
    assert kept.filter(record(2)) and kept.filter(record(1, "another"))
    now[0] = 61.0
    following = record(1)
    assert kept.filter(following)
    assert following.getMessage() == f"Invalid HTTP request received. (and {1_000 - MAX_PER_MINUTE} similar messages)"
