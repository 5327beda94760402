"""The endpoints as MCP tools: the protocol, files, consent, and a client that goes away."""

import base64
import json
import time
from typing import Any

import httpx
import pytest

from deepfake_core.ui.server.mcp import VERSIONS
from deepfake_core.ui.server.upload_check import UNUSABLE
from tests.ui.programs.conftest import API, Programs
from tests.ui.programs.small_page import PORTRAIT

OWN = b"a picture of mine"
INLINE = "data:image/png;base64," + base64.b64encode(OWN).decode()
NO_CONSENT = "consent must be true for files of your own"


def test_a_client_introduces_itself_and_lists_the_tools(programs: Programs) -> None:
    hello = {"protocolVersion": VERSIONS[1], "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    answer = programs.rpc("initialize", hello)["result"]
    assert answer["protocolVersion"] == VERSIONS[1] and answer["serverInfo"]["name"] == "deepfake-lab"
    assert (
        programs.rpc("initialize", hello | {"protocolVersion": "1999-01-01"})["result"]["protocolVersion"] in VERSIONS
    )
    assert programs.post("mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202
    assert programs.rpc("ping")["result"] == {}
    echo, wait, look = programs.rpc("tools/list")["result"]["tools"]
    assert (echo["name"], wait["name"], look["name"]) == ("echo", "wait", "look")
    schema = echo["inputSchema"]
    assert schema["required"] == ["picture", "consent"] and schema["additionalProperties"] is False
    assert schema["properties"]["share"] == {
        "type": "number", "minimum": 0, "maximum": 1, "description": "A share.", "default": 0.5,
    }  # fmt: skip
    assert schema["properties"]["picture"]["type"] == "string"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'{"method": "ping", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "method": "ping", "id": [1]}', -32600),
        (b'{"jsonrpc": "2.0", "method": "ping", "id": 1, "params": []}', -32600),
        (b'{"jsonrpc": "2.0", "method": "resources/read", "id": 1}', -32601),
        (b'{"jsonrpc": "2.0", "method": {"a": 1}, "id": 1}', -32601),
        (b'{"jsonrpc": "2.0", "method": "tools/call", "id": 1}', -32602),
        (b'{"jsonrpc": "2.0", "method": "tools/call", "id": 1, "params": {"name": "agree"}}', -32602),
        (b'{"jsonrpc": "2.0", "method": "tools/call", "id": 1, "params": {"name": "echo", "arguments": []}}', -32602),
        (b'{"jsonrpc": "2.0", "method": "tools/call", "id": 1, "params": {"name": ["echo"]}}', -32602),
    ],
)  # fmt: skip
def test_odd_messages_get_the_protocols_errors(programs: Programs, body: bytes, code: int) -> None:
    answer = httpx.post(f"{programs.address}{API}/mcp", content=body, timeout=60)
    assert answer.json()["error"]["code"] == code and len(answer.text) < 400


def test_other_verbs_versions_and_lengths_are_refused(programs: Programs) -> None:
    assert programs.get("mcp").status_code == 405  # there is no stream to listen to
    answer = programs.rpc("ping", None, **{"MCP-Protocol-Version": "1999-01-01"})
    assert "MCP-Protocol-Version must be one of" in answer["error"]["message"]
    assert programs.rpc("ping", None, **{"MCP-Protocol-Version": VERSIONS[0]})["result"] == {}
    assert programs.post("mcp", {"jsonrpc": "2.0", "id": 1, "method": "a" * 300_000}).status_code == 413


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}]
)
def test_other_sites_and_hosts_reach_nothing(programs: Programs, headers: dict[str, str]) -> None:
    for path in ("mcp", "call/v2/echo", "call/echo"):
        assert programs.post(path, {}, headers=headers).status_code in (403, 421)
    if "Host" in headers:
        assert programs.get("info", headers=headers).status_code == 421


def test_a_picture_comes_back_byte_for_byte(programs: Programs) -> None:
    result = programs.tool("echo", picture=PORTRAIT.name, consent=False, share=0.25)
    text, picture = result["content"]
    assert base64.b64decode(picture["data"]) == PORTRAIT.read_bytes() and picture["mimeType"] == "image/png"
    facts = result["structuredContent"]
    assert json.loads(text["text"]) == facts and facts["share"] == 0.25
    assert httpx.get(facts["files"][0]["url"], timeout=60).content == PORTRAIT.read_bytes()


def test_ones_own_file_comes_in_the_call_or_as_an_upload_and_needs_consent(programs: Programs) -> None:
    for picture in (INLINE, programs.uploaded(OWN)):
        assert NO_CONSENT in programs.refusal("echo", picture=picture, consent=False)
        result = programs.tool("echo", picture=picture, consent=True)
        assert result["structuredContent"]["bytes"] == len(OWN)
        assert programs.tool("look", file=picture)["structuredContent"] == {"bytes": len(OWN)}
    assert programs.refusal("echo", picture=INLINE) == "echo needs values for consent."


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("/etc/passwd", UNUSABLE),
        ("/proc/self/fd/3", UNUSABLE),
        (str(PORTRAIT), UNUSABLE),
        ("../amara.png", UNUSABLE),
        ("http://127.0.0.1:9/a.png", "URLs are not accepted"),
        ("file:///etc/passwd", "URLs are not accepted"),
        ("amara", "neither an upload nor the name of an example"),
        ("data:text/html;base64,YQ==", "must be data:KIND;base64"),
        ("data:image/svg+xml;base64,YQ==", "must be data:KIND;base64"),
        ("data:image/png;base64,a", "must be data:KIND;base64"),
        ("data:image/png,a", "must be data:KIND;base64"),
        ({"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, UNUSABLE),
        ({"path": "http://a/b", "meta": {"_type": "gradio.FileData"}}, "URLs are not accepted"),
        (5, UNUSABLE),
        ([INLINE], UNUSABLE),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_in_one_sentence(programs: Programs, value: Any, words: str) -> None:
    assert words in programs.refusal("echo", picture=value, consent=True)
    assert words in programs.refusal("look", file=value).replace("file must be data", "picture must be data")


def test_values_are_checked(programs: Programs) -> None:
    refused = programs.refusal("echo", picture=PORTRAIT.name, consent=False, share=2)
    assert refused == "share must be a number between 0 and 1, got 2."
    assert "got more" in programs.refusal("echo", picture=PORTRAIT.name, consent=False, more=1)


def test_progress_is_a_stream_for_those_who_ask(programs: Programs) -> None:
    params = {"name": "wait", "arguments": {"seconds": 0.6, "consent": False}, "_meta": {"progressToken": "p7"}}
    message = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params}
    answer = programs.post("mcp", message, headers={"Accept": "application/json, text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    sent = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]
    *progress, last = sent
    steps = [one["params"]["progress"] for one in progress]
    assert len(steps) >= 3 and steps == sorted(set(steps)) and progress[0]["params"]["progressToken"] == "p7"
    assert last["id"] == 9 and last["result"]["structuredContent"]["status"] == "done"
    plain = programs.post("mcp", message, headers={"Accept": "application/json"})
    assert plain.json() == last


@pytest.mark.parametrize(("seconds", "token"), [(41.0, None), (42.0, "p")])
def test_the_run_of_a_client_that_goes_away_is_stopped(programs: Programs, seconds: float, token: str | None) -> None:
    params = {"name": "wait", "arguments": {"seconds": seconds, "consent": False}, "_meta": {"progressToken": token}}
    with pytest.raises(httpx.TimeoutException):
        httpx.post(
            f"{programs.address}{API}/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            headers={"Accept": "application/json, text/event-stream"},
            timeout=httpx.Timeout(3.0, read=3.0) if token is None else httpx.Timeout(3.0, read=0.05),
        )
    end = time.monotonic() + 30
    while f"wait {seconds:g}: " not in programs.log.read_text() and time.monotonic() < end:
        time.sleep(0.2)
    assert f"wait {seconds:g}: stopped" in programs.log.read_text()
