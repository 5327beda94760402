"""Uploads to a running server: limits per request, and no leftovers of failed uploads."""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.formparsers import MultiPartException

from deepfake_core.ui.server.uploads import MAX_FILES, UploadForm, is_file_name
from tests.ui.server.conftest import API, Server, Visitor
from tests.ui.server.small_page import TICK

BOUNDARY = "b0undary"
KIND = f"multipart/form-data; boundary={BOUNDARY}"
MEGABYTE = 2**20


def part(name: str = "files", filename: str | None = "a.png") -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()


END = f"\r\n--{BOUNDARY}--\r\n".encode()


def upload(server: Server, *parts: bytes, kind: str = KIND, query: str = "") -> tuple[int, str]:
    """Status and text of the response; (0, "") if the server closed the connection."""
    try:
        answer = httpx.post(
            f"{server.address}{API}/upload{query}", content=iter(parts), headers={"Content-Type": kind}, timeout=60
        )
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


@pytest.fixture(autouse=True)
def nothing_is_left(server: Server, visitor: Visitor) -> Iterator[None]:
    before = set(server.uploads())
    yield
    for _ in range(30):
        left = [path for path in server.uploads() if path not in before and not path.name.startswith("sound")]
        if not left:
            break
        time.sleep(0.1)
    assert not left
    assert visitor.ask(TICK, True) < 5


def test_an_upload_within_its_bounds_is_kept(server: Server) -> None:
    status, text = upload(server, part(filename="sound.png"), b"x" * (MEGABYTE - 1), END, query="?upload_id=u1")
    assert status == 200 and text.endswith('sound.png"]')


def test_a_thousand_files_are_refused_at_the_first_too_many(server: Server) -> None:
    """The attack that filled the disk: many files, each within its limit."""

    def files() -> Iterator[bytes]:
        for number in range(1000):
            yield part(filename=f"{number}.png") + b"x\r\n"
        yield END[2:]

    status, text = upload(server, *files())
    assert status in (0, 400) and (not text or f"{MAX_FILES} files" in text)


@pytest.mark.parametrize("files", [1, 4])
def test_the_bytes_of_all_files_count(server: Server, files: int) -> None:
    parts = [part() + b"x" * (3 * MEGABYTE // files) + b"\r\n" for _ in range(files)]
    status, text = upload(server, *parts, END[2:])
    assert status in (0, 413) and (not text or "1 MB in total" in text)


@pytest.mark.parametrize(
    "parts",
    [
        (part() + b"x\r\n", part(filename=None), b"no file", END),
        (part() + b"x\r\n", part(name="other"), b"x", END),
        (part() + b"x\r\n", part(filename=".."), b"x", END),
        (part() + b"x\r\n", part(filename="a/"), b"x", END),
        (part() + b"x\r\n", b"--" + BOUNDARY.encode() + b"\r\n\r\nno headers", END),
        (part() + b"x\r\n", b"--" + BOUNDARY.encode() + b"\r\n" + b"a: b\r\n" * 5000, END),
        (part(), b"x" * 100_000),  # it ends in the middle
        (b"nothing of the kind",),
    ],
)
@pytest.mark.parametrize("query", ["", "?upload_id=u2"])
def test_a_broken_form_leaves_nothing(server: Server, parts: tuple[bytes, ...], query: str) -> None:
    status, _ = upload(server, *parts, query=query)
    assert status in (0, 400)


@pytest.mark.parametrize(
    "kind", ["", "multipart/form-data", "application/json", KIND + "; charset=utf-16", KIND + 300 * "b"]
)
def test_another_kind_of_body_is_refused(server: Server, kind: str) -> None:
    assert upload(server, part(), b"x", END, kind=kind)[0] in (0, 400)


def test_who_hangs_up_leaves_nothing(server: Server) -> None:
    head = f"POST {API}/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: {KIND}\r\nContent-Length: 900000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + part() + b"x" * 300_000)
        time.sleep(0.3)
        assert [path for path in server.uploads() if path.name.startswith("tmp")]


def test_free_space_is_looked_at_while_it_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([10 * 2**30, 10 * 2**30, 2**20])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=next(free)))
    form = UploadForm(KIND, tmp_path / "not" / "yet")
    form.check({"type": "http.request", "body": part(), "more_body": True})
    with pytest.raises(MultiPartException):
        form.check({"type": "http.request", "body": b"x", "more_body": True})
    assert form.refusal == (507, "the server's disk is full; try again later")


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/..", b"a\\..", b"a/", b"a\0", b"\xff", b"x" * 1025])
def test_a_file_has_a_name(name: bytes) -> None:
    assert not is_file_name(name)
    assert is_file_name(b"photo \xc3\xa9.png") and is_file_name(b"C:\\a\\b.png")
