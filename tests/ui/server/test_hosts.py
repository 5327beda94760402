"""Requests with other hosts and origins to a running server."""

import socket

import httpx
import pytest

from deepfake_core.ui.server.hosts import is_allowed, name_of
from tests.ui.server.conftest import API, Server, Visitor
from tests.ui.server.small_page import AT_ONCE, TICK

POLICY = ("default-src 'self'", "frame-ancestors 'self'", "object-src 'none'", "base-uri 'self'")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "10.1.2.3", "[::2]", "a b", ""]
)
def test_another_name_is_refused(server: Server, visitor: Visitor, host: str) -> None:
    """DNS rebinding: another site's host name resolves to this server, and its page sends requests."""
    for path in ("/", "/config", f"{API}/queue/data?session_hash=a"):
        answer = httpx.get(server.address + path, headers={"Host": host})
        assert answer.status_code in (400, 421) and len(answer.text) < 200
    assert visitor.ask(TICK, True) < 5


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}"])
def test_the_machines_own_names_are_served(server: Server, host: str) -> None:
    answer = httpx.get(f"{server.address}/config", headers={"Host": host.format(port=server.port)})
    assert answer.status_code == 200


def test_two_hosts_are_none(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            b"GET /config HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )
        assert b" 400 " in connection.recv(100)


def test_settings_and_spaces_add_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_HOST", raising=False)
    assert not is_allowed("lab.example.org")
    monkeypatch.setenv("DEEPFAKE_HOSTS", "Lab.example.org, *.school.example")
    assert is_allowed("lab.example.org") and is_allowed("a.school.example")
    assert not is_allowed("school.example.evil") and not is_allowed("example.org") and not is_allowed("school.example")
    monkeypatch.setenv("SPACE_HOST", "me-lab.hf.space")
    assert is_allowed("me-lab.hf.space") and not is_allowed("you-lab.hf.space")


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("localhost:7860", "localhost"),
        ("[::1]:7860", "::1"),
        ("A.b", "a.b"),
        (None, None),
        ("", None),
        ("a@b", None),
        ("a:b", None),
        ("::1", None),
        ("a/b", None),
    ],
)
def test_the_name_in_a_host(authority: str | None, name: str | None) -> None:
    assert name_of(authority) == name


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "file://127.0.0.1:{port}"},
        {"Origin": "chrome-extension://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_post_from_another_site_is_rejected(server: Server, visitor: Visitor, headers: dict[str, str]) -> None:
    headers = {name: value.format(port=server.port) for name, value in headers.items()}
    body = visitor.body(AT_ONCE)
    answer = visitor.post("run/predict", body, headers=headers)
    assert answer.status_code == 403 and "other sites" in answer.json()["detail"]
    files = {"files": ("a.png", b"a")}
    assert httpx.post(f"{server.address}{API}/upload", files=files, headers=headers).status_code == 403
    assert visitor.post("run/predict", body, headers={"Origin": server.address}).status_code == 200


def test_no_answer_lets_another_origin_read_it(server: Server, visitor: Visitor) -> None:
    for host in (f"127.0.0.1:{server.port}", "localhost"):
        headers = {"Origin": "https://evil.example", "Host": host}
        for answer in (
            httpx.get(f"{server.address}/config", headers=headers),
            httpx.options(f"{server.address}/config", headers=headers | {"Access-Control-Request-Method": "POST"}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/", "/config", "/nothing", f"{API}/queue/join", "/assets/nothing.js", "/theme.css"])
def test_every_answer_has_the_headers(server: Server, path: str) -> None:
    for answer in (httpx.get(server.address + path), httpx.get(server.address + path, headers={"Host": "evil"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert all(directive in policy for directive in POLICY)


def test_an_uploaded_page_runs_nothing(server: Server) -> None:
    files = {"files": ("a.html", b"<script>alert(1)</script>")}
    path = httpx.post(f"{server.address}{API}/upload", files=files).json()[0]
    policy = httpx.get(f"{server.address}{API}/file={path}").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "script-src" not in policy


def test_a_forged_address_or_name_of_a_proxy_is_dropped(server: Server) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4"}
    answer = httpx.get(f"{server.address}/config", headers=headers)
    assert answer.status_code == 200 and "evil.example" not in answer.text
    assert answer.json()["root"] == server.address
