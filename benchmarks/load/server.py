"""`python app.py` in a process of its own, on this machine alone."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup would have it ignored
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
    port = free_port()
    own = {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
        "DEEPFAKE_EXAMPLES": "off",  # nothing runs in the background unless that is what is measured
    }
    log = folder / "server.log"
    with started([sys.executable, "-c", START], {**own, **environment}, log) as process:
        server = Server(f"http://127.0.0.1:{port}", process, log)
        wait_for(server.alive, process, log)
        yield server


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def started(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the repository's folder that writes to `log`, ended with the block: killed if it takes over 30 s."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a started process answers. Raises `BadRequest` with the end of its log if it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if answers():
            return
        time.sleep(0.2)
    last = log.read_text(errors="replace")[-4000:]
    raise BadRequest(f"the server did not start; its log ends with: {last}")
