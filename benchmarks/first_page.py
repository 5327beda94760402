"""What a first visit to the page costs: bytes over the wire, and seconds until the start button can be pressed."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.load.server import serving
from benchmarks.report import Figure, Report, Row
from deepfake_core.errors import BadRequest

if TYPE_CHECKING:  # the other benchmarks need no playwright
    from playwright.sync_api import Browser, Page

START_BUTTON = "#start:enabled"
ENCODINGS = {"HTTPS (Brotli)": "br, gzip", "HTTP (gzip)": "gzip"}
"""Browsers offer Brotli over HTTPS only."""
BYTES_BAR, SECONDS_BAR = 1_500_000, 4.0
SETTLE_SECONDS, TIMEOUT_SECONDS = 5.0, 120.0
"""What is fetched for so long after the start button counts too."""
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")


@dataclass(slots=True)
class Response:
    """A response that a page received."""

    url: str
    bytes: int
    """Over the wire, headers included; of one that is still coming in, what came so far."""
    cached: bool
    """Whether the browser had it already."""


Traffic = dict[str, Response]
"""By the request's id."""


def watched(page: "Page", encodings: str) -> Traffic:
    """Record the page's traffic from now on; the browser accepts these encodings."""
    traffic: Traffic = {}
    session = page.context.new_cdp_session(page)

    def responded(event: dict[str, Any]) -> None:
        found = event["response"]
        size, cached = int(found.get("encodedDataLength", 0)), bool(found.get("fromDiskCache"))
        traffic[event["requestId"]] = Response(found["url"], size, cached)

    def received(event: dict[str, Any]) -> None:
        if response := traffic.get(event["requestId"]):
            response.bytes += int(event["encodedDataLength"])

    def finished(event: dict[str, Any]) -> None:
        if response := traffic.get(event["requestId"]):
            response.bytes = int(event["encodedDataLength"])

    session.on("Network.responseReceived", responded)
    session.on("Network.dataReceived", received)
    session.on("Network.loadingFinished", finished)
    session.send("Network.enable")
    session.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": encodings}})
    return traffic


def size_of(traffic: Traffic) -> int:
    """Bytes over the wire, in all."""
    return sum(response.bytes for response in traffic.values())


def largest(traffic: Traffic) -> list[Response]:
    """The eight largest responses, the largest first."""
    return sorted(traffic.values(), key=lambda response: -response.bytes)[:8]


def measure_first_page(rounds: int = 3) -> Report:
    """Start the app, then open it in `rounds` new browser profiles for each encoding."""
    visits: dict[str, list[tuple[float, Traffic]]] = {name: [] for name in ENCODINGS}
    with tempfile.TemporaryDirectory() as home, chromium() as browser:
        begun = time.monotonic()
        with serving(Path(home), {"DEEPFAKE_HOME": home}) as server:
            started = time.monotonic() - begun
            visit(browser, server.address)  # warm: the networks are loaded, the texts compressed
            for name in visits:
                visits[name] = [visit(browser, server.address, ENCODINGS[name]) for _ in range(rounds)]
    return report(visits, started)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """The machine's own Chromium. Raises `BadRequest` if it or playwright is missing."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        raise BadRequest("playwright is missing; pip install -r requirements-dev.txt") from error
    if path is None:
        raise BadRequest("there is no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


def visit(browser: "Browser", address: str, encodings: str = "br, gzip") -> tuple[float, Traffic]:
    """Open the page in a new profile; the seconds until the start button can be pressed, and the traffic."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    traffic = watched(page, encodings)
    begun = time.monotonic()
    page.goto(address, timeout=1000 * TIMEOUT_SECONDS)
    page.locator(START_BUTTON).wait_for(timeout=1000 * TIMEOUT_SECONDS)
    seconds = time.monotonic() - begun
    page.wait_for_timeout(1000 * SETTLE_SECONDS)
    context.close()
    return seconds, traffic


def report(visits: dict[str, list[tuple[float, Traffic]]], started: float) -> Report:
    """The table, the largest responses, and the targets."""
    seconds = {name: statistics.median(one for one, _ in many) for name, many in visits.items()}
    sizes = {name: max(size_of(traffic) for _, traffic in many) for name, many in visits.items()}
    counts = {name: len(many[0][1]) for name, many in visits.items()}
    _, heaviest = max((one for many in visits.values() for one in many), key=lambda one: size_of(one[1]))
    parts = ", ".join(f"{name_of(one.url)} {one.bytes / 1e3:.0f} kB" for one in largest(heaviest))
    bars = (
        ("bytes over the wire", max(sizes.values()) / 1e6, BYTES_BAR / 1e6, " MB", 2),
        ("start button usable after", max(seconds.values()), SECONDS_BAR, " s", 1),
    )
    return Report(
        title="page: a first visit, from a new browser profile",
        columns=("MB", "responses", "seconds"),
        rows=tuple(
            Row(name=name, values=(f"{sizes[name] / 1e6:.2f}", str(counts[name]), f"{seconds[name]:.1f}"))
            for name in visits
        ),
        notes=(
            "Seconds until the start button can be pressed (median), on a server that had one visitor before; "
            f"`python app.py` answered after {started:.1f} s. Bytes include the {SETTLE_SECONDS:g} s after it.",
            f"The largest: {parts}.",
        ),
        bars=tuple(
            Figure(measure=measure, result=result, target=target, more_is_better=False, unit=unit, digits=digits).bar()
            for measure, result, target, unit, digits in bars
        ),
        figures={
            "bytes": sizes,
            "seconds": seconds,
            "server_seconds": started,
            "received": [asdict(one) for one in heaviest.values()],
        },
    )


def name_of(url: str) -> str:
    """The last part of the URL's path; `/` for the page itself."""
    return urlsplit(url).path.rpartition("/")[2] or "/"
