"""Item 12: what a server leaves that is told to stop, or is killed."""

import asyncio
import signal
import tempfile
from pathlib import Path

from benchmarks.load.server import serving
from benchmarks.load.visitor import Visitor
from benchmarks.robustness.attacks.paths import secret_picture
from benchmarks.robustness.attacks.record import Attack, AttackResult, Target
from benchmarks.robustness.watch import Cellar, files

SECONDS = 30.0


async def _upload(target: Target) -> None:
    async with target.client() as client:
        sent = await Visitor(client, target.page).upload("mine.png", secret_picture())
        sent.raise_for_status()


def _left(folder: Path) -> list[Path]:
    return [path for path in files(folder) if path.suffix == ".png" and path.name == "mine.png"]


async def _ended(target: Target, how: signal.Signals) -> bool:
    target.server.process.send_signal(how)
    try:
        await asyncio.to_thread(target.server.process.wait, target.longer(SECONDS))
    except Exception:
        return False
    return True


async def terminated(target: Target) -> AttackResult:
    """SIGTERM, as every supervisor and container sends it."""
    await _upload(target)
    if not await _ended(target, signal.SIGTERM):
        return AttackResult(True, f"it does not end within {target.longer(SECONDS):.0f} s")
    left = _left(target.cellar.temporary)
    return AttackResult(bool(left), f"{len(left)} uploads were left" if left else "nothing was left")


async def killed(target: Target) -> AttackResult:
    """SIGKILL, and a start with another folder for temporary files."""
    await _upload(target)
    await _ended(target, signal.SIGKILL)
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        other = Cellar(Path(folder))
        environment = other.environment | {"DEEPFAKE_HOME": target.cellar.environment["DEEPFAKE_HOME"]}
        await asyncio.to_thread(_start_and_stop, Path(folder), environment)
    left = _left(target.cellar.temporary)
    return AttackResult(
        bool(left), f"{len(left)} uploads outlived the next start" if left else "the next start cleaned"
    )


def _start_and_stop(folder: Path, environment: dict[str, str]) -> None:
    with serving(folder, environment):
        pass


ATTACKS = (
    Attack(name="SIGTERM", item="12", harm="uploads stay on the disk", run=terminated, ends_server=True),
    Attack(name="SIGKILL", item="12", harm="uploads stay after the next start", run=killed, ends_server=True),
)
