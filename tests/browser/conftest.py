"""The real page in a real browser: all tests of this folder share one Chromium and one `python app.py`."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from benchmarks.load.server import serving

if TYPE_CHECKING:  # a run of the other tests needs no playwright
    from playwright.sync_api import Browser, Page

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
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's own folder."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def server(browser: "Browser", home: Path) -> Iterator[str]:
    """The address of a running `python app.py` in offline mode; requires the browser, to start only if there is one."""
    with serving(home, {"DEEPFAKE_HOME": str(home), "GRADIO_TEMP_DIR": str(home / "gradio")}) as running:
        yield f"{running.address}/"


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
