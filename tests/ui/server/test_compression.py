"""Compression of the page's texts, and how long browsers may keep what."""

import gzip
import json
from collections.abc import Callable

import brotli
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from deepfake_core.ui.server import compression
from deepfake_core.ui.server.compression import Compression, Store, accepted
from deepfake_core.ui.server.headers import SecurityHeaders, cache_control

TEXT = b"a page that repeats itself, " * 200
Answer = Callable[[Request], Response]


def client_of(answer: Answer) -> TestClient:
    app = Starlette(routes=[Route("/{path:path}", answer)])
    return TestClient(SecurityHeaders(Compression(app)))


def page(request: Request) -> Response:
    assert "accept-encoding" not in request.headers  # Gradio would compress again for each visitor
    return Response(TEXT, media_type="text/html", headers={"ETag": '"abc"', "Access-Control-Allow-Origin": "*"})


@pytest.mark.parametrize(
    ("offered", "encoding", "decoded"),
    [
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip, deflate", "gzip", gzip.decompress),  # browsers offer Brotli over HTTPS alone
        ("br;q=0, gzip;q=0.5", "gzip", gzip.decompress),
        ("gzip;q=0.0, identity", None, bytes),
        ("", None, bytes),
    ],
)
def test_the_body_is_compressed_as_the_browser_accepts(
    offered: str, encoding: str | None, decoded: Callable[[bytes], bytes]
) -> None:
    with client_of(page).stream("GET", "/", headers={"Accept-Encoding": offered}) as response:
        body = b"".join(response.iter_raw())
    assert decoded(body) == TEXT and int(response.headers["content-length"]) == len(body)
    assert response.headers.get("content-encoding") == encoding and (len(body) < 200) == bool(encoding)
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["etag"] == ('W/"abc"' if encoding else '"abc"')
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    ("path", "body", "kind", "status"),
    [
        ("/gradio_api/file=/tmp/x/gradio/0a1b/notes.json", TEXT, "application/json", 200),  # a visitor's
        ("/gradio_api/queue/data", TEXT, "text/event-stream", 200),
        ("/assets/picture-0a1b2c3d.png", TEXT, "image/png", 200),
        ("/static/ffmpeg/ffmpeg-core.wasm", TEXT, "application/wasm", 200),
        ("/assets/missing.js", TEXT, "text/html", 404),
        ("/", b"short", "text/html", 200),
        ("/", b"x" * (compression.MAX_BYTES + 1), "text/html", 200),
    ],
)
def test_what_is_not_worth_it_passes_unchanged(path: str, body: bytes, kind: str, status: int) -> None:
    response = client_of(lambda _: Response(body, status, media_type=kind)).get(path)
    assert response.content == body and response.status_code == status and "content-encoding" not in response.headers


def test_a_stream_is_not_held_back() -> None:
    async def parts() -> object:
        yield TEXT

    response = client_of(lambda _: StreamingResponse(parts(), media_type="text/html")).get("/")  # type: ignore[arg-type]
    assert response.content == TEXT and "content-encoding" not in response.headers


def test_the_same_body_is_compressed_once_and_a_changed_one_again(monkeypatch: pytest.MonkeyPatch) -> None:
    compressed, bodies = list[bytes](), [TEXT, TEXT, TEXT + b"changed"]
    compress = compression.compress

    def counting(body: bytes, encoding: str) -> bytes:
        compressed.append(body)
        return compress(body, encoding)

    monkeypatch.setattr(compression, "compress", counting)
    client = client_of(lambda _: Response(bodies.pop(0), media_type="text/html"))
    assert [client.get("/").content for _ in range(3)] == [TEXT, TEXT, TEXT + b"changed"]
    assert compressed == [TEXT, TEXT + b"changed"]


def test_the_store_keeps_the_newest_within_its_limit() -> None:
    store = Store(100)
    for name in (b"1", b"2", b"3"):
        store.put((name, "br"), bytes(40))
        store.get((b"1", "br"))
    assert [store.get((name, "br")) is not None for name in (b"1", b"2", b"3")] == [True, False, True]
    store.put((b"4", "br"), bytes(101))
    assert store.get((b"4", "br")) is None and store.get((b"3", "br")) is not None


def test_offers_without_a_known_encoding_are_none() -> None:
    assert accepted("deflate, zstd, *") is None and accepted("GZIP ; q=0.1") == "gzip"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/assets/index-DphvyggB.js", "public, max-age=31536000, immutable"),
        ("/assets/Index-DAx5Uzyn2.js", "public, max-age=31536000, immutable"),
        ("/assets/plain.js", "public, max-age=86400"),
        ("/static/ffmpeg/ffmpeg-core.wasm", "public, max-age=86400"),
        ("/theme.css", "public, max-age=86400"),
        ("/gradio_api/file=/tmp/x/gradio/0a1b/result.mp4", "private, max-age=3600"),
        ("/", "no-cache"),
        ("/config", "no-cache"),
        ("/gradio_api/queue/data", None),
    ],
)
def test_how_long_a_browser_may_keep_it(path: str, value: str | None) -> None:
    assert cache_control(path) == ([(b"cache-control", value.encode())] if value else [])


def test_errors_are_not_kept() -> None:
    response = client_of(lambda _: Response(json.dumps({}), 404)).get("/assets/index-DphvyggB.js")
    assert response.status_code == 404 and "cache-control" not in response.headers
