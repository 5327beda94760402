"""What the gate lets through to Gradio, asked as a client would."""

import json

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from deepfake_core.ui.gate import LARGEST_QUESTION, Gate


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"reached {len(await request.body())}")


@pytest.fixture
def client() -> TestClient:
    everything = Route("/{path:path}", echo, methods=["GET", "POST", "HEAD"])
    return TestClient(Starlette(routes=[everything], middleware=[Middleware(Gate)]))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/config",
        "/assets/index.js",
        "/gradio_api/info",
        "/gradio_api/upload_progress",
        "/gradio_api/heartbeat/abc123",
        "/gradio_api/queue/data",
        "/gradio_api/file=/tmp/x/gradio/0a1b/result.mp4",
        "/gradio_api/file=C:/Temp/gradio/result.mp4",
        "/mounted/gradio_api/startup-events",
    ],
)
def test_the_pages_own_endpoints_are_open(client, path):
    assert client.get(path).text == "reached 0"


@pytest.mark.parametrize(
    "endpoint",
    [
        "proxy=http://127.0.0.1:9/x",
        "process_recording",
        "vibe-edit/",
        "undo-vibe-edit",
        "vibe-code/",
        "deep_link?session_hash=a",
        "runs",
        "run-history/records",
        "stream/a/1/2/playlist.m3u8",
        "call/predict",
        "component_server/",
        "monitoring",
        "file=http://127.0.0.1:9/x",
        "file=file:///etc/passwd",
        "dev/reload",
    ],
)
def test_all_others_are_not_there(client, endpoint):
    for answer in (client.get(f"/gradio_api/{endpoint}"), client.post(f"/gradio_api/{endpoint}")):
        assert answer.status_code == 404 and answer.json() == {"detail": "there is no such endpoint"}


@pytest.mark.parametrize("endpoint", ["queue/join", "run/predict"])
def test_a_file_is_never_an_address(client, endpoint):
    def ask(value: object) -> int:
        return client.post(f"/gradio_api/{endpoint}", content=json.dumps({"data": [1, value]})).status_code

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


def test_a_question_is_bounded_and_json(client):
    def ask(body: bytes) -> tuple[int, str]:
        answer = client.post("/gradio_api/queue/join", content=body)
        return answer.status_code, answer.text

    fitting = b'{"data": ["' + b"x" * (LARGEST_QUESTION - 13) + b'"]}'
    assert len(fitting) == LARGEST_QUESTION - 13 + 14
    assert ask(fitting[:11] + fitting[12:]) == (200, f"reached {LARGEST_QUESTION}")
    assert ask(fitting)[0] == 413
    assert ask(b"\xff\xfe")[0] == ask(b"[" * 100_000)[0] == ask(b"{")[0] == 400


def test_a_full_disk_takes_no_uploads(client, monkeypatch):
    assert client.post("/gradio_api/upload", content=b"a").text == "reached 1"
    monkeypatch.setenv("DEEPFAKE_FREE_MEGABYTES", str(10**9))
    answer = client.post("/gradio_api/upload", content=b"a")
    assert answer.status_code == 507 and "disk is full" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [(None, 400, "that could not be done with these values"), ("too many runs are waiting", 500, "too many runs")],
)
def test_an_error_without_words_gets_a_sentence(error: str | None, status: int, told: str) -> None:
    async def failing(request: Request) -> JSONResponse:
        return JSONResponse({"error": error}, 500)

    routes = [Route("/gradio_api/run/predict", failing, methods=["POST"])]
    answer = TestClient(Starlette(routes=routes, middleware=[Middleware(Gate)])).post(
        "/gradio_api/run/predict", content=b"{}"
    )
    assert answer.status_code == status and answer.json()["error"].startswith(told)
