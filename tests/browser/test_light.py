"""What a first visit fetches, what a second one keeps, and ffmpeg, which waits for the scissors."""

from typing import TYPE_CHECKING

import pytest

from benchmarks.first_page import BYTES_BAR, START_BUTTON, Traffic, largest, size_of, watched
from tests.browser.actions import LOADED, SECOND, wait_for_crops

if TYPE_CHECKING:
    from playwright.sync_api import Page

DURATION = "document.querySelector('#driver video').duration"


@pytest.fixture
def lab(page: "Page", server: str) -> tuple["Page", Traffic]:
    """The page after its first visit, and what it fetched from a browser that offers gzip only, as over HTTP."""
    traffic = watched(page, "gzip")
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.locator(START_BUTTON).wait_for()
    wait_for_crops(page)
    page.wait_for_timeout(3 * SECOND)  # ffmpeg would be fetched now
    return page, traffic


def test_a_first_page_is_small_and_a_second_one_comes_from_the_browser(
    lab: tuple["Page", Traffic], server: str, page_errors: list[str]
) -> None:
    page, traffic = lab
    assert size_of(traffic) <= BYTES_BAR, largest(traffic)
    urls = {response.url for response in traffic.values()}
    assert all(url.startswith((server, "data:", "blob:")) for url in urls)
    assert not any("ffmpeg" in url for url in urls)
    assert page_errors == []
    traffic.clear()
    page.reload()  # which Gradio reports as aborted requests
    page.locator(START_BUTTON).wait_for()
    assets = [response for response in traffic.values() if "/assets/" in response.url]
    assert len(assets) > 20 and all(response.cached for response in assets)


def test_the_scissors_fetch_ffmpeg_and_trim(lab: tuple["Page", Traffic], page_errors: list[str]) -> None:
    page, traffic = lab
    whole = page.evaluate(DURATION)
    page.locator("#driver").get_by_label("Trim video to selection").click()
    end = page.get_by_label("end drag handle for trimming video")
    box = end.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 100, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.locator("#driver").get_by_role("button", name="Trim", exact=True).click()  # before ffmpeg is there
    page.wait_for_function(f"{DURATION} < {whole} - 0.3", timeout=LOADED)
    assert any(response.url.endswith("ffmpeg-core.wasm") for response in traffic.values())
    assert page_errors == []
