"""A server that is killed in the middle of a job: no half file has a final name, and the next start cleans up."""

import asyncio
import time
from pathlib import Path

import httpx

from benchmarks.load.server import Server, serving
from benchmarks.load.visitor import Visitor, opened


async def kill_in_the_middle(server: Server, temporary: Path) -> None:
    """Start an animation of the first examples, and kill the server while its video is being written."""
    async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
        page = await opened(client)
        start = page.of("start", "click")
        assert start is not None
        visitor = Visitor(client, page)
        await visitor.ask(start, {})
        run = asyncio.create_task(visitor.ask(page.chain(start)[1], {}))
        end = time.monotonic() + 180
        while not list(temporary.rglob(".*.part-*")) and time.monotonic() < end:
            await asyncio.sleep(0.02)
        server.process.kill()
        await run


def videos(folder: Path) -> list[Path]:
    """Those that a program or a person would take for results: not what was uploaded, or put into the cache."""
    inputs = ("gradio", "deepfake-lab-upload-")
    return [
        path
        for path in folder.rglob("*.mp4")
        if not path.name.startswith(".") and not any(part.startswith(inputs) for part in path.parts)
    ]


def test_a_killed_server_leaves_no_half_file_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {"TMPDIR": str(temporary), "DEEPFAKE_HOME": str(tmp_path / "home")}
    with serving(tmp_path, environment) as server:
        asyncio.run(kill_in_the_middle(server, temporary))
        server.process.wait()
    assert list(temporary.rglob(".*.part-*")), "it was killed too late to show anything"
    assert videos(temporary) == []
    (killed,) = temporary.glob("deepfake-lab-server-*")
    with serving(tmp_path, environment):
        assert not killed.exists()
    assert list(temporary.glob("deepfake-lab-server-*")) == []
