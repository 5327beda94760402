"""`python app.py` in a process of its own, on this machine alone."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deepfake_core.errors import BadRequest

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 180.0
"""A cold import of torch on two busy cores takes most of it."""
START = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore Ctrl-C
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and so would nohup SIGHUP
runpy.run_path("app.py", run_name="__main__")
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    address: str
    """Without a slash at its end."""
    process: subprocess.Popen[bytes]
    log: Path

    def alive(self) -> bool:
        """Whether its process runs and its page comes."""
        if self.process.poll() is not None:
            return False
        try:
            return httpx.get(f"{self.address}/config", timeout=30).status_code == 200
        except httpx.HTTPError:
            return False

    def traces(self) -> list[str]:
        """The last line of every trace in its log: what went wrong."""
        after = self.log.read_text(errors="replace").split("Traceback (most recent call last):\n")[1:]
        return [re.split(r"\n(?=\S)", f"\n{trace}", maxsplit=1)[-1].partition("\n")[0][:200] for trace in after]


@contextmanager
def serving(folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """A server whose log lies in `folder`, stopped at the end. Raises `BadRequest` when it does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", START],
            cwd=REPOSITORY,
            env={**os.environ, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait_for(server)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(server: Server) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        if server.alive():
            return
        time.sleep(0.5)
    last = server.log.read_text(errors="replace")[-2000:]
    raise BadRequest(f"the server did not start; its log ends with: {last}")
