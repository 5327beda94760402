"""The real page in a real browser: all tests of this folder share one Chromium and one `python app.py`."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.browser.standins import write_missing_starters

if TYPE_CHECKING:  # a run of the other tests needs no playwright
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 120  # a cold import of torch on two busy cores takes most of it
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


def _do_without(reason: str) -> NoReturn:
    """Skip with one sentence, or fail if the browser tests are required, as in CI."""
    if os.environ.get("DEEPFAKE_REQUIRE_BROWSER"):
        pytest.fail(f"{reason}, although DEEPFAKE_REQUIRE_BROWSER is set", pytrace=False)
    pytest.skip(f"{reason}; the browser tests were skipped")


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The machine's own Chromium; no browser is downloaded."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        _do_without("there is no Chromium on this machine (on Debian: apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        _do_without("playwright is not installed (pip install -r requirements-dev.txt)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of imported weights: small random ones replace starters that are missing from the repository."""
    home = tmp_path_factory.mktemp("weights")
    write_missing_starters(home)
    return home


@pytest.fixture(scope="session")
def server(browser: "Browser", weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running `python app.py` in offline mode; requires the browser, to start only if there is one."""
    home = tmp_path_factory.mktemp("server")
    log = home / "log.txt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "DEEPFAKE_HOME": str(weights),
        "GRADIO_TEMP_DIR": str(home / "gradio"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_until_it_answers(url, process, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    state = "did not answer" if process.poll() is None else f"ended with status {process.returncode}"
    pytest.fail(f"app.py {state}; the end of its log:\n{log.read_text()[-4000:]}", pytrace=False)


@pytest.fixture
def page_errors() -> list[str]:
    """Errors from the page's console and scripts; tests end with `assert page_errors == []`."""
    return []


@pytest.fixture
def page(browser: "Browser", page_errors: list[str]) -> Iterator["Page"]:
    """A new page, 1280 pixels wide, without cookies; the only permission is the fake webcam's."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["camera", "microphone"])
    page = context.new_page()
    page.on("console", lambda message: page_errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page_errors.append(str(error)))
    yield page
    context.close()
