"""The real app as a process, ended by a signal in the middle of a job: no upload stays, and no half file."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.load.server import Server, serving
from benchmarks.load.visitor import Visitor, opened

pytestmark = pytest.mark.timeout(600)
NAME = "deepfake-lab-server-*"


@asynccontextmanager
async def animating(server: Server, temporary: Path) -> AsyncIterator[None]:
    """Start an animation of the first examples; the block runs while its video is being written, and is to end it."""
    async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
        page = await opened(client)
        start = page.of("start", "click")
        assert start is not None
        visitor = Visitor(client, page)
        await visitor.ask(start, {})
        run = asyncio.create_task(visitor.ask(page.chain(start)[2], {}))
        end = time.monotonic() + 180
        while not list(temporary.rglob(".*.part-*")) and time.monotonic() < end:
            await asyncio.sleep(0.02)
        yield
        await asyncio.gather(run, return_exceptions=True)


async def end_at_work(server: Server, temporary: Path, kind: signal.Signals) -> list[int]:
    """Upload a picture, start an animation, and end the server meanwhile; returns the decoders it had then."""
    sent = httpx.post(
        f"{server.address}/gradio_api/upload", files={"files": ("mine.png", b"private picture", "image/png")}
    )
    assert sent.status_code == 200, sent.text
    assert list(temporary.rglob("mine.png"))
    async with animating(server, temporary):
        decoders = children(server.process.pid)
        server.process.send_signal(kind)
    return decoders


def children(process: int) -> list[int]:
    """Running processes whose parent is this one; none where there is no /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == process and state not in "ZX":
            found.append(int(stat.parent.name))
    return found


def left_in(folder: Path) -> list[Path]:
    """Folders of servers, and all files; Gradio makes an empty folder of its own when it is imported."""
    return [path for path in folder.rglob("*") if path.match(NAME) or not path.is_dir()]


def videos(folder: Path) -> list[Path]:
    """Those that a program or a person would take for results: not what was uploaded, or put into the cache."""
    inputs = ("gradio", "deepfake-lab-upload-")
    return [
        path
        for path in folder.rglob("*.mp4")
        if not path.name.startswith(".") and not any(part.startswith(inputs) for part in path.parts)
    ]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(temporary: Path, tmp_path: Path) -> dict[str, str]:
    return {"TMPDIR": str(temporary), "DEEPFAKE_HOME": str(tmp_path / "home")}


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes as Linux shows them")
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGHUP], ids=lambda kind: kind.name)
def test_a_terminated_server_leaves_no_upload_and_no_process(
    kind: signal.Signals, temporary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with serving(tmp_path, environment) as server:
        decoders = asyncio.run(end_at_work(server, temporary, kind))
        assert server.process.wait(timeout=60) == 128 + kind
        assert decoders, "it was ended too late to show anything"
        assert left_in(temporary) == []
        assert not [one for one in decoders if Path(f"/proc/{one}").exists()]
        assert list((tmp_path / "home" / "servers").iterdir()) == []


def test_a_killed_server_leaves_no_half_file_and_the_next_one_cleans_up(
    temporary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with serving(tmp_path, environment) as server:
        asyncio.run(end_at_work(server, temporary, signal.SIGKILL))
        server.process.wait()
    assert list(temporary.rglob(".*.part-*")), "it was killed too late to show anything"
    assert videos(temporary) == []
    (killed,) = temporary.glob(NAME)
    with serving(tmp_path, environment):
        assert not killed.exists()
    assert left_in(temporary) == []


def test_a_killed_server_is_cleaned_up_by_one_with_another_place_for_temporary_files(
    temporary: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    with serving(tmp_path, environment) as server:
        asyncio.run(end_at_work(server, temporary, signal.SIGKILL))
        server.process.wait()
    assert list(temporary.rglob("mine.png"))
    other = tmp_path / "other"
    other.mkdir()
    with serving(tmp_path, {**environment, "TMPDIR": str(other)}):
        assert left_in(temporary) == []
        assert len(list(other.glob(NAME))) == 1
    assert left_in(other) == []
