"""Attack a server in each way, one after the other, and measure what it costs the server and its other visitors."""

import asyncio
import os
import random
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import httpx

from benchmarks.load.server import Server, serving
from benchmarks.load.visitor import Page, Visitor
from benchmarks.robustness.attacks.bystander import Bystander, Visits, visit
from benchmarks.robustness.attacks.monitor import Monitor, memory_of
from benchmarks.robustness.attacks.record import Attack, AttackResult, Site, Target
from benchmarks.robustness.watch import Cellar

MEMORY_BAR = 300_000_000
"""Bytes over rest."""
WAIT_BAR = 2.0
"""Times the quiet time of another visitor's run."""
QUIET_VISITS = 3
ATTACKER_NICE = 10
SETTLED, SETTLING_SECONDS = 5_000_000, 60.0
"""Bytes by which a server's memory may still change when it counts as started, and how long that is waited for."""
FILES, SPACE = 1024, 16_000_000_000
"""Open files and bytes of address space of the server: what a system gives a process, and a guard for this machine."""

MANY_PAGES = {"DEEPFAKE_PAGES_PER_MINUTE_ADDRESS": "100000"}
"""An attack opens a page for each of its questions; the attack on that limit has the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One attack, and what it did."""

    attack: Attack
    result: AttackResult
    memory: int
    """Bytes over rest, at most."""
    disk: int
    wait: float | None
    """The other visitor's median time by the quiet one; None when no run was answered."""
    errors: tuple[str, ...]
    """Why other visitors got nothing."""
    well: bool
    """Whether the server answers a visitor afterwards."""
    seconds: float

    def harms(self, wait_bar: float = WAIT_BAR) -> tuple[str, ...]:
        """What went wrong, in words; empty when the attack failed."""
        found = {
            self.result.detail: self.result.harmed,
            f"{self.memory / 1e6:.0f} MB over rest": self.memory > MEMORY_BAR,
            f"{self.disk / 1e6:.0f} MB on disk": self.disk > self.attack.disk_megabytes * 1_000_000,
            f"another visitor got nothing ({next(iter(self.errors), '')})": bool(self.errors),
            f"another visitor waited {self.wait or 0:.1f} times as long": (self.wait or 0) > wait_bar,
            "the server does not answer afterwards": not self.well,
        }
        return tuple(words for words, wrong in found.items() if wrong)


class Range:
    """A server to attack; a new one takes its place when it is unwell, or when an attack needs other settings."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._settings: dict[str, str] | None = None
        self._quiet: list[float] = []
        self.target: Target | None = None

    def __enter__(self) -> "Range":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server and remove its folders."""
        self.target = None
        self._stack.close()
        self._stack = ExitStack()

    def attacked(self, attack: Attack) -> Trial:
        """Measure quiet, attack, look again."""
        target = self._ready(dict(attack.settings))
        bystander = Bystander(Site(target.address, target.page, target.quiet), QUIET_VISITS)
        rest = self._rest(target, None if attack.ends_server else bystander)
        monitor = Monitor(target.server, target.cellar)
        begun = time.monotonic()
        with monitor.looking():
            before = monitor.disk
            if attack.ends_server:
                result = _attacked(attack, target)
            else:
                with bystander.visiting():
                    result = _attacked(attack, target)
        seconds = time.monotonic() - begun
        well = attack.ends_server or (_answers(target) and not monitor.killed)
        visits = bystander.visits.attacked
        trial = Trial(
            attack=attack,
            result=result,
            memory=max(0, monitor.memory - rest.memory),
            disk=max(0, monitor.disk - max(before, rest.disk)),
            wait=_wait(bystander.visits),
            errors=tuple(one.error for one in visits if one.error),
            well=well,
            seconds=seconds,
        )
        if attack.ends_server or not well or memory_of(target.server.process.pid) > rest.memory + MEMORY_BAR / 2:
            self.stop()
        return trial

    def _ready(self, settings: dict[str, str]) -> Target:
        if self.target is not None and self._settings == settings and self.target.server.process.poll() is None:
            return self.target
        self.stop()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="attacks-")))
        (folder / "server").mkdir()
        (folder / "attacker").mkdir()
        cellar = Cellar(folder / "server")
        server = self._stack.enter_context(serving(folder, cellar.environment | MANY_PAGES | settings))
        _bound(server)
        page = Page(httpx.get(f"{server.address}/config", timeout=30).json())
        self._quiet = []
        self.target = Target(
            server.address, page, self._quiet, server=server, cellar=cellar, folder=folder / "attacker"
        )
        self._settings = settings
        asyncio.run(_warm_up(self.target))
        return self.target

    def _rest(self, target: Target, bystander: Bystander | None) -> Monitor:
        """What the server uses for one visitor, which also tells how fast this machine is."""
        with Monitor(target.server, target.cellar).looking() as monitor:
            one = asyncio.run(visit(target, random.Random()))
            if not one.error:
                self._quiet.append(one.seconds)
            if bystander is not None:
                bystander.settle()
        return monitor


async def _warm_up(target: Target) -> None:
    """Ask for what every page asks for, and wait until all networks are loaded: memory is compared from then on."""
    async with target.client() as client:
        for place, happening in (("portrait", "change"), ("driver", "change"), ("inside", "expand")):
            await Visitor(client, target.page).ask(target.event(place, happening), {})
    end, before, now = time.monotonic() + SETTLING_SECONDS, 0, memory_of(target.server.process.pid)
    while abs(now - before) > SETTLED and time.monotonic() < end:
        await asyncio.sleep(2)
        before, now = now, memory_of(target.server.process.pid)


def _wait(visits: Visits) -> float | None:
    """The median time of visits during an attack by that of the quiet ones."""
    attacked, quiet = ([one.seconds for one in some if not one.error] for some in (visits.attacked, visits.quiet))
    return statistics.median(attacked) / statistics.median(quiet) if attacked and quiet else None


def _attacked(attack: Attack, target: Target) -> AttackResult:
    """Attack in a thread of low priority: an attacker's own work is not done on the server's cores."""
    with ThreadPoolExecutor(1, initializer=_step_back) as attacker:
        return attacker.submit(asyncio.run, _attack(attack, target)).result()


def _step_back() -> None:
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), ATTACKER_NICE)


async def _attack(attack: Attack, target: Target) -> AttackResult:
    try:
        async with asyncio.timeout(target.longer(attack.seconds)):
            return await attack.run(target)
    except TimeoutError:
        return AttackResult(True, f"not over after {target.longer(attack.seconds):.0f} s")
    except (httpx.HTTPError, OSError) as error:
        return AttackResult(True, f"cut off, which proves nothing ({type(error).__name__})")


def _answers(target: Target) -> bool:
    """Whether a visitor is served within a while."""
    end = time.monotonic() + 20
    while target.server.process.poll() is None:
        if not asyncio.run(visit(target, random.Random())).error:
            return True
        if time.monotonic() > end:
            break
        time.sleep(1)
    return False


def _bound(server: Server) -> None:
    """Give the server's process the bounds of an ordinary one, where the system can (Linux)."""
    if hasattr(resource, "prlimit"):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (FILES, hard))
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (SPACE, SPACE))


def trials(attacks: Sequence[Attack]) -> Iterator[Trial]:
    """Every attack, those with the same settings at the same server."""
    with Range() as attacked:
        for attack in sorted(attacks, key=lambda one: sorted(one.settings.items())):
            yield attacked.attacked(attack)


def figures(trial: Trial) -> dict[str, object]:
    """A trial for JSON."""
    attack = trial.attack
    numbers = {name: value for name, value in asdict(trial).items() if name not in ("attack", "result")}
    return {
        "name": attack.name,
        "item": attack.item,
        "harm": attack.harm,
        "detail": trial.result.detail,
        "harms": trial.harms(),
        **numbers,
    }
