"""Actions on the page that the tests of all tabs share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

REPOSITORY = Path(__file__).parents[2]
SECOND = 1000  # milliseconds, playwright's unit
LOADED = 60 * SECOND  # on two busy cores
WIDER_THAN_WINDOW = "document.documentElement.scrollWidth > window.innerWidth"


def press(page: "Page", name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def unfold(page: "Page", name: str) -> None:
    """Open an accordion; the name of its button is the label and an arrow."""
    page.get_by_role("button", name=name).click()


def open_tab(page: "Page", server: str, title: str, prefix: str) -> None:
    """Open a tab of the page, and wait until weights are selected and the crop is previewed."""
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.get_by_role("tab", name=title, exact=True).click()
    page.locator(f"#{prefix}model input").wait_for(timeout=LOADED)
    page.wait_for_function(f"document.querySelector('#{prefix}model input').value !== ''", timeout=LOADED)
    wait_for_crops(page)


def wait_for_crops(page: "Page") -> None:
    """Wait until the crop of every visible picture has been read."""
    for note in page.locator(".crop-preview .prose").filter(visible=True).all():
        note.filter(has_not_text="Reading").wait_for(timeout=LOADED)


def run(page: "Page", prefix: str) -> None:
    """Press the tab's button and wait for the result."""
    page.locator(f"#{prefix}start").click()
    wait_until_done(page, prefix)


def wait_until_done(page: "Page", prefix: str) -> None:
    """Wait for the end of the page's first run; after a second run the old status would match too."""
    page.locator(f"#{prefix}progress", has_text="Done").wait_for(timeout=LOADED)


def agree(page: "Page") -> None:
    """Tick the consent box."""
    page.locator("#consent input").check()


def upload(page: "Page", prefix: str, path: Path) -> None:
    """Upload a file with consent, in the place of any other."""
    agree(page)
    replace(page, prefix, path)


def replace(page: "Page", prefix: str, path: Path) -> None:
    """Upload a file in the place of any other."""
    clear = page.locator(f"#{prefix} button[aria-label='Remove Image'], #{prefix} button[aria-label='Clear']")
    if clear.count():
        clear.first.click()
        page.wait_for_timeout(SECOND / 2)  # the server's answer to the removal may reset the field
    page.locator(f"#{prefix} input[type=file]").first.set_input_files(path)


def look_inside(page: "Page", prefix: str, *titles: str) -> None:
    """Open the look inside, wait for its figures, and check that each has its equation drawn; no other is visible."""
    panel = page.locator(f"#{prefix}inside")
    assert panel.locator("img").count() == 0  # nothing is computed before
    panel.get_by_role("button", name="Look inside").click()
    for title in titles:
        panel.locator(".media", has_text=title).locator("img").wait_for(timeout=LOADED)
    assert panel.locator(".media img").count() == len(titles)
    assert panel.locator(".katex-display").filter(visible=True).count() == len(titles)
    assert not panel.locator(".katex-error").count()


def wait_for_alert(page: "Page", text: str) -> "Locator":
    """The error message with this text, once it is shown."""
    alert = page.get_by_role("alert").filter(has_text=text).first
    alert.wait_for()
    return alert


def noise_file(folder: Path) -> Path:
    """A picture without a face."""
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    return folder / "noise.png"


def picture_of(page: "Page", name: str) -> None:
    """Write a screenshot for the README if DEEPFAKE_SCREENSHOTS=1."""
    if os.environ.get("DEEPFAKE_SCREENSHOTS"):
        page.mouse.move(0, 0)
        page.wait_for_timeout(SECOND)
        page.screenshot(path=REPOSITORY / "docs" / name, full_page=True)


def is_labelled(page: "Page", picture: "Locator") -> bool:
    """Whether the served file of a picture carries its Content Credentials."""
    file = page.request.get(picture.get_attribute("src") or "").body()
    return b"AI-generated media" in file


def check_accessibility(page: "Page") -> None:
    """Check that axe finds nothing; buttons fade between their colours, which takes longer on a busy machine."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.mouse.move(0, 0)
    problems: list[tuple[str, list[str]]] = []
    for _ in range(3):
        page.wait_for_timeout(SECOND)
        found = axe.Axe().run(page).response["violations"]
        problems = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
        if not problems:
            return
    raise AssertionError(problems)


def check_phone(page: "Page") -> None:
    """Check that nothing is wider than the screen of a phone."""
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_timeout(SECOND / 2)
    assert not page.evaluate(WIDER_THAN_WINDOW)
