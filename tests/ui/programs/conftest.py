"""A running server with endpoints, and programs that call it."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client

from benchmarks.load.server import free_port, started, wait_for

API = "/gradio_api"
ENVIRONMENT = {
    "DEEPFAKE_UPLOAD_MEGABYTES": "1",
    "DEEPFAKE_FREE_MEGABYTES": "1",
    "DEEPFAKE_PAGES_PER_MINUTE_ADDRESS": "100000",
    "DEEPFAKE_RUNS_PER_MINUTE": "100000",
    "DEEPFAKE_RUNS_PER_MINUTE_ADDRESS": "100000",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class Programs:
    """A server, and the ways in which programs call it."""

    address: str
    log: Path

    def client(self) -> Client:
        """Gradio's own client."""
        return Client(self.address, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": 120})

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return httpx.post(f"{self.address}{API}/{path}", json=body, timeout=120, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(f"{self.address}{API}/{path}", timeout=120, **more)

    def rpc(self, method: str, params: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """The answer to an MCP request, which holds `result` or `error`."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        accepted = {"Accept": "application/json, text/event-stream"}
        return self.post("mcp", message, headers=accepted | headers).json()

    def tool(self, name: str, /, **arguments: Any) -> Any:
        """The result of an MCP tool."""
        return self.rpc("tools/call", {"name": name, "arguments": arguments})["result"]

    def refusal(self, name: str, /, **arguments: Any) -> str:
        """The sentence with which an MCP tool refuses."""
        result = self.tool(name, **arguments)
        assert result["isError"], result
        return str(result["content"][0]["text"])

    def curl(self, name: str, **arguments: Any) -> tuple[str, Any]:
        """The last event of a call as curl makes it, and its data."""
        answer = self.post(f"call/v2/{name}", arguments)
        assert answer.status_code == 200, answer.text
        events = self.get(f"call/v2/{name}/{answer.json()['event_id']}").text.strip().split("\n\n")
        kind, _, data = events[-1].partition("\n")
        return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))

    def uploaded(self, content: bytes, name: str = "me.png") -> str:
        """The path of a new upload."""
        answer = httpx.post(f"{self.address}{API}/upload", files={"files": (name, content)}, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()[0])


@contextmanager
def serving_small_page(folder: Path, **environment: str) -> Iterator[Programs]:
    """The small page with these settings."""
    port, log = free_port(), folder / "log.txt"
    running = Programs(f"http://127.0.0.1:{port}", log)
    command = [sys.executable, "-m", "tests.ui.programs.small_page", str(port)]

    def answers() -> bool:
        try:
            return "Running on" in log.read_text() and httpx.get(running.address, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    with started(command, ENVIRONMENT | environment, log) as process:
        wait_for(answers, process, log)
        yield running


@pytest.fixture(scope="package")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    with serving_small_page(tmp_path_factory.mktemp("programs")) as running:
        yield running
