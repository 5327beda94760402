"""The real app as a process, ended by a signal with an upload in it and a job at work: nothing of a visitor's stays."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from benchmarks.load.server import Server, serving
from benchmarks.load.visitor import Visitor, opened

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts processes as Linux shows them")
NAME = "deepfake-lab-server-*"


def children(process: int) -> list[int]:
    """Running processes whose parent is this one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == process and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


async def at_work(server: Server, temporary: Path, kind: signal.Signals) -> list[int]:
    """Upload a picture, start an animation, and end the server meanwhile; returns the decoders it had then."""
    async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
        page = await opened(client)
        sent = await client.post("/gradio_api/upload", files={"files": ("mine.png", b"private picture", "image/png")})
        assert sent.status_code == 200, sent.text
        assert list(temporary.rglob("mine.png"))
        start = page.of("start", "click")
        assert start is not None
        visitor = Visitor(client, page)
        await visitor.ask(start, {})
        run = asyncio.create_task(visitor.ask(page.chain(start)[1], {}))
        end = time.monotonic() + 180
        while not list(temporary.rglob(".*.part-*")) and time.monotonic() < end:
            await asyncio.sleep(0.02)
        decoders = children(server.process.pid)
        server.process.send_signal(kind)
        await asyncio.gather(run, return_exceptions=True)
        return decoders


def left_in(folder: Path) -> list[Path]:
    """Folders of servers, and all files; Gradio makes an empty folder of its own when it is imported."""
    return [path for path in folder.rglob("*") if path.match(NAME) or not path.is_dir()]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGHUP], ids=lambda kind: kind.name)
def test_a_terminated_server_leaves_no_upload_and_no_process(
    kind: signal.Signals, temporary: Path, tmp_path: Path
) -> None:
    environment = {"TMPDIR": str(temporary), "DEEPFAKE_HOME": str(tmp_path / "home")}
    with serving(tmp_path, environment) as server:
        decoders = asyncio.run(at_work(server, temporary, kind))
        assert server.process.wait(timeout=60) == 128 + kind
        assert decoders, "it was ended too late to show anything"
        assert left_in(temporary) == []
        assert not [one for one in decoders if Path(f"/proc/{one}").exists()]
        assert list((tmp_path / "home" / "servers").iterdir()) == []


@pytest.mark.timeout(600)
def test_a_killed_server_is_cleaned_up_by_one_with_another_place_for_temporary_files(
    temporary: Path, tmp_path: Path
) -> None:
    environment = {"TMPDIR": str(temporary), "DEEPFAKE_HOME": str(tmp_path / "home")}
    with serving(tmp_path, environment) as server:
        asyncio.run(at_work(server, temporary, signal.SIGKILL))
        server.process.wait()
    assert list(temporary.rglob("mine.png"))
    other = tmp_path / "other"
    other.mkdir()
    with serving(tmp_path, {**environment, "TMPDIR": str(other)}):
        assert left_in(temporary) == []
        assert len(list(other.glob(NAME))) == 1
    assert left_in(other) == []
