"""A running server, shared by the tests in this folder, and clients that behave like browsers."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.load.server import free_port, started, wait_for

API = "/gradio_api"
ENVIRONMENT = {
    "DEEPFAKE_UPLOAD_MEGABYTES": "1",
    "DEEPFAKE_FREE_MEGABYTES": "1",
    "DEEPFAKE_CONNECTIONS_ADDRESS": "60",
    "DEEPFAKE_PAGES_PER_MINUTE_ADDRESS": "100000",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class Server:
    """Address, process and folders of the server."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    temporary: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Whether it has started, with all its limits."""
        try:
            return "Running on" in self.log.read_text() and httpx.get(self.address, timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def resident_megabytes(self) -> float:
        """The memory that its process holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def uploads(self) -> list[Path]:
        """Files that lie in its folder for uploads."""
        return [path for path in self.temporary.rglob("*") if path.is_file()]


@dataclass(slots=True)
class Visitor:
    """One open page."""

    server: Server
    session: str = field(default_factory=lambda: secrets.token_hex(6))

    def body(self, function: int, *values: Any, **others: Any) -> dict[str, Any]:
        return {"data": list(values), "fn_index": function, "session_hash": self.session} | others

    def post(self, endpoint: str, body: Any = None, **others: Any) -> httpx.Response:
        return httpx.post(f"{self.server.address}{API}/{endpoint}", json=body, timeout=20, **others)

    def join(self, function: int, *values: Any, **others: Any) -> httpx.Response:
        """Ask without listening."""
        return self.post("queue/join", self.body(function, *values, **others))

    def ask(self, function: int, *values: Any, seconds: float = 20) -> float:
        """Ask, listen until the answer is there, and return the seconds that it took."""
        begun = time.monotonic()
        answer = self.join(function, *values)
        assert answer.status_code == 200, answer.text
        address = f"{self.server.address}{API}/queue/data?session_hash={self.session}"
        with httpx.stream("GET", address, timeout=seconds) as stream:
            for line in stream.iter_lines():
                if '"process_completed"' in line:
                    assert '"success":true' in line, line
                    return time.monotonic() - begun
        raise AssertionError("the stream ended before the answer")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port, folder = free_port(), tmp_path_factory.mktemp("server")
    log, temporary = folder / "log.txt", folder / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "tests.ui.server.small_page", str(port)]
    with started(command, ENVIRONMENT | {"TMPDIR": str(temporary)}, log) as process:
        running = Server(port, process, log, temporary)
        wait_for(running.answers, process, log)
        yield running


@pytest.fixture
def visitor(server: Server) -> Visitor:
    return Visitor(server)
