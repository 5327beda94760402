"""What the middleware forwards to Gradio, and a running server under long bodies."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from deepfake_core.ui.server.asgi import Receive, Scope, Send
from deepfake_core.ui.server.body import MAX_CALL_BYTES, MAX_EVENT_BYTES
from deepfake_core.ui.server.middleware import RequestCheck
from deepfake_core.ui.server.queue import FULL, supervise
from deepfake_core.ui.server.uploads import Uploads
from deepfake_core.ui.wiring import ON_NETWORK
from tests.ui.server.conftest import API, Server, Visitor
from tests.ui.server.small_page import AT_ONCE, FAIL, RUN, TICK

QUEUED, AT_ONE, SESSION = 0, 1, "4fzyo82mvyr"
INPUTS = {True: {QUEUED: 2}, False: {AT_ONE: 1}}
UNKNOWN = "unknown function; reload the page and try again"


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"reached {len(await request.body())}")


def client_of(answer: object, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    everything = Route("/{path:path}", answer, methods=["GET", "POST", "HEAD"])  # type: ignore[arg-type]
    app = RequestCheck(Starlette(routes=[everything]), INPUTS, Uploads(tmp_path_factory.mktemp("uploads")), {})
    return TestClient(app)


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return client_of(echo, tmp_path_factory)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/config",
        "/assets/index.js",
        "/static/img/logo.svg",
        "/theme.css",
        "/gradio_api/upload_progress?upload_id=u1",
        "/gradio_api/heartbeat/abc123",
        "/gradio_api/queue/data?session_hash=abc123",
        "/gradio_api/file=/tmp/x/gradio/0a1b/result.mp4",
        "/gradio_api/file=C:/Temp/gradio/result.mp4",
        "/gradio_api/startup-events",
    ],
)
def test_the_pages_own_routes_are_open_for_reading_alone(client: TestClient, path: str) -> None:
    assert client.get(path).text == "reached 0"
    assert client.post(path).status_code == client.put(path).status_code == client.options(path).status_code == 405


def test_whether_the_page_is_up_is_answered_without_rendering_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    rendered = list[str]()

    async def render(request: Request) -> PlainTextResponse:
        rendered.append(request.method)
        return PlainTextResponse("the page")

    client = client_of(render, tmp_path_factory)
    assert client.head("/").status_code == 200 and rendered == []
    assert client.head("/config").status_code == client.get("/").status_code == 200 and rendered == ["HEAD", "GET"]


@pytest.mark.parametrize(
    "path",
    [
        "/login",
        "/logout",
        "/gradio_api/token",
        "/gradio_api/user",
        "/monitoring",
        "/pwa_icon/9999",
        "/docs",
        "/openapi.json",
        "/gradio_api/openapi.json",
        "/gradio_api/proxy=http://127.0.0.1:9/x",
        "/gradio_api/process_recording",
        "/gradio_api/vibe-edit/",
        "/gradio_api/deep_link?session_hash=a",
        "/gradio_api/runs",
        "/gradio_api/run-history/records",
        "/gradio_api/stream/a/1/2/playlist.m3u8",
        "/gradio_api/api/predict",
        "/gradio_api/component_server/",
        "/gradio_api/queue/status",
        "/gradio_api/file=http://127.0.0.1:9/x",
        "/gradio_api/file=file:///etc/passwd",
        "/gradio_api/dev/reload",
        "/gradio_api/run/",
        "/x/gradio_api/queue/join",
    ],
)
def test_all_others_are_not_there(client: TestClient, path: str) -> None:
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 404 and answer.json() == {"detail": "unknown endpoint"}


@pytest.mark.parametrize(
    "path", ["info", "mcp", "mcp/", "mcp/http", "call/echo", "call/v2/echo", f"call/echo/{'0' * 32}"]
)
def test_a_page_without_endpoints_says_that_it_is_closed_to_programs(client: TestClient, path: str) -> None:
    for answer in (client.get(f"/gradio_api/{path}"), client.post(f"/gradio_api/{path}")):
        assert answer.status_code == 403 and "closed on this server" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/queue/data",
        "/gradio_api/queue/data?session_hash=",
        "/gradio_api/queue/data?session_hash=a&session_hash=b",
        "/gradio_api/queue/data?session_hash=../a",
        "/gradio_api/upload_progress?upload_id=" + "u" * 100,
    ],
)
def test_names_in_the_query_are_checked(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 400


def test_a_heartbeat_has_a_name(client: TestClient) -> None:
    assert client.get("/gradio_api/heartbeat/" + "a" * 17).status_code == 404


def call(client: TestClient, endpoint: str, **changes: object) -> Any:
    body = {"data": [1, 2], "fn_index": QUEUED, "session_hash": SESSION} | changes
    return client.post(f"/gradio_api/{endpoint}", content=json.dumps(body))


def test_a_file_is_never_an_address(client: TestClient) -> None:
    def ask(value: object) -> int:
        return call(client, "queue/join", data=[1, value]).status_code

    assert ask({"path": "/tmp/gradio/a.png", "url": "http://127.0.0.1/gradio_api/file=/tmp/gradio/a.png"}) == 200
    assert ask({"path": "C:\\Temp\\a.png"}) == 200
    for address in (
        "http://127.0.0.1:9/a.png",
        "HTTPS://x",
        "file:///etc/passwd",
        "data:image/png;base64,AA",
        "/tmp/a\0.png",
    ):
        assert ask({"path": address}) == ask([[{"deep": {"path": address}}]]) == 400


@pytest.mark.parametrize("number", [2, -1, None, "0", 0.0, False, [0], 10**30])
def test_an_unknown_function_gets_one_sentence(client: TestClient, number: object) -> None:
    for endpoint in ("queue/join", "run/predict"):
        answer = call(client, endpoint, fn_index=number)
        assert answer.status_code == 404 and answer.json() == {"detail": UNKNOWN}


def test_a_function_is_called_the_way_it_is_wired_and_with_all_its_values(client: TestClient) -> None:
    assert call(client, "queue/join").status_code == call(client, "run/x", fn_index=AT_ONE, data=[1]).status_code == 200
    assert call(client, "run/predict").status_code == call(client, "queue/join", fn_index=AT_ONE).status_code == 404
    for data in ([], [1], [1, 2, 3], "ab", None, {"a": 1}):
        assert call(client, "queue/join", data=data).status_code == 400


@pytest.mark.parametrize(("endpoint", "limit"), [("queue/join", MAX_CALL_BYTES), ("cancel", MAX_EVENT_BYTES)])
def test_a_body_is_bounded_and_json(client: TestClient, endpoint: str, limit: int) -> None:
    def ask(body: bytes) -> Any:
        return client.post(f"/gradio_api/{endpoint}", content=body)

    def filled(length: int) -> bytes:
        start = b'{"session_hash": "a", "fn_index": 0, "data": [1, "'
        return start + b"x" * (length - len(start) - 3) + b'"]}'

    assert ask(filled(limit)).text == f"reached {limit}"
    assert ask(filled(limit + 1)).status_code == 413
    for broken in (b"", b"\xff\xfe", b"[" * 1_000, b"{", b"[]", b'"a"', b"{}"):
        assert ask(broken).status_code == 400


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        ({"error": None}, 400, "the values could not be processed"),
        ({"error": "the queue is full"}, 500, "the queue is full"),
        (None, 500, "Something went wrong here"),
    ],
)
def test_an_error_without_words_gets_a_sentence(
    error: object, status: int, message: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def failing(request: Request) -> PlainTextResponse | JSONResponse:
        return JSONResponse(error, 500) if error else PlainTextResponse("Internal Server Error", 500)

    answer = call(client_of(failing, tmp_path_factory), "queue/join")
    assert answer.status_code == status and answer.json()["error"].startswith(message)


def endless(beginning: bytes, megabytes: int) -> Iterator[bytes]:
    yield beginning
    for _ in range(16 * megabytes):
        yield b"x" * 65_536


@pytest.mark.parametrize("endpoint", ["cancel", "reset", "queue/join", "run/predict", "login", "upload"])
def test_a_long_body_is_refused_while_it_streams(server: Server, visitor: Visitor, endpoint: str) -> None:
    """Attacks with 300 MB of JSON, and with 600 MB in a form field without a file name."""
    before, kept = server.resident_megabytes(), set(server.uploads())
    field = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\n'
    kinds = {"upload": (field, "multipart/form-data; boundary=b"), "login": (b"username=", "application/json")}
    beginning, kind = kinds.get(endpoint, (b'{"session_hash": "', "application/json"))
    prefix = "" if endpoint == "login" else API
    try:
        answer = httpx.post(
            f"{server.address}{prefix}/{endpoint}",
            content=endless(beginning, 200),
            headers={"Content-Type": kind},
            timeout=60,
        )
        assert answer.status_code in (400, 404, 413)
    except httpx.TransportError:
        pass  # it hung up on us
    assert server.resident_megabytes() < before + 50
    assert set(server.uploads()) <= kept
    assert visitor.ask(TICK, True) < 5


def test_a_running_server_answers_unknown_functions_with_a_sentence(visitor: Visitor) -> None:
    for endpoint in ("queue/join", "run/predict", "run/nothing"):
        answer = visitor.post(endpoint, visitor.body(999))
        assert (answer.status_code, answer.json()) == (404, {"detail": UNKNOWN})
    assert visitor.post("run/predict", visitor.body(RUN, 1)).status_code == 404
    failed = visitor.post("run/predict", visitor.body(FAIL, {"a": 1}))
    assert failed.status_code == 400 and "reload the page" in failed.json()["detail"]
    assert visitor.post("run/predict", visitor.body(AT_ONCE)).json()["data"] == ["at once"]


def test_a_stopped_run_is_reset_by_the_id_of_its_event_alone(client: TestClient) -> None:
    """As Gradio's client does it; any other id is malformed."""
    assert client.post("/gradio_api/reset", json={"event_id": "0" * 32}).status_code == 200
    for body in ({}, {"event_id": "../x"}, {"event_id": None}, {"session_hash": "a"}):
        assert client.post("/gradio_api/reset", json=body).status_code == 400


def test_calls_that_the_queue_would_refuse_never_reach_gradio() -> None:
    """80 at once: the limit counts those that are on their way, and none of the others costs Gradio's time."""
    queue = supervise(page_with_a_run())
    reached, finish = list[str](), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["path"])
        await finish.wait()
        await PlainTextResponse("queued")(scope, receive, send)

    app = RequestCheck(slow, {True: {0: 0}, False: {}}, Uploads(Path("unused")), {}, queue)

    async def joins(session: str, address: str) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(f"{API}/queue/join", json={"data": [], "fn_index": 0, "session_hash": session})

    async def flood() -> list[httpx.Response]:
        one = [asyncio.create_task(joins("a", "10.0.0.1")) for _ in range(40)]
        many = [asyncio.create_task(joins(f"b{number}", "10.0.0.1")) for number in range(40)]
        other = asyncio.create_task(joins("c", "10.0.0.2"))
        while not all(task.done() for task in one[3:] + many[12:]) or len(reached) < 16:
            await asyncio.sleep(0.01)
        finish.set()
        return await asyncio.gather(*one, *many, other)

    answers = asyncio.run(asyncio.wait_for(flood(), 30))
    assert [answer.status_code for answer in answers] == [200] * 3 + [503] * 37 + [200] * 12 + [503] * 28 + [200]
    assert answers[3].json() == {"detail": "3 of your runs are already in the queue; wait for one of them, or stop it"}
    assert answers[60].json() == {"detail": FULL}
    assert len(reached) == 16 and queue.full_for(0, "a", "10.0.0.1") is None, "a place is free again after the answer"


def page_with_a_run() -> gr.Blocks:
    def run() -> Iterator[None]:
        yield None

    with gr.Blocks() as page:
        gr.Button().click(run, **ON_NETWORK)
    return page.queue()
