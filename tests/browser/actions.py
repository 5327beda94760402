"""What the tests do on the page, whatever its tab."""

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
    """Open an accordion, whose button is called by its label and an arrow."""
    page.get_by_role("button", name=name).click()


def open_tab(page: "Page", server: str, title: str, place: str) -> None:
    """Open the page at one tab, and wait until its weights are chosen and its picture is looked at."""
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.get_by_role("tab", name=title, exact=True).click()
    page.locator(f"#{place}model input").wait_for(timeout=LOADED)
    page.wait_for_function(f"document.querySelector('#{place}model input').value !== ''", timeout=LOADED)
    page.locator(".framing img:visible").first.wait_for(timeout=LOADED)


def run(page: "Page", place: str) -> None:
    """Press the tab's button and wait until the result is there."""
    page.locator(f"#{place}start").click()
    wait_until_done(page, place)


def wait_until_done(page: "Page", place: str) -> None:
    """For the first run of a page: of a second one, the first's last line would do too."""
    page.locator(f"#{place}progress", has_text="Done").wait_for(timeout=LOADED)


def agree(page: "Page") -> None:
    """Say that the people in one's own files agree."""
    page.locator("#consent input").check()


def upload(page: "Page", place: str, path: Path) -> None:
    """Put a file of one's own, with consent, where there may be another."""
    agree(page)
    clear = page.locator(f"#{place} button[aria-label='Remove Image'], #{place} button[aria-label='Clear']")
    if clear.count():
        clear.first.click()
    page.locator(f"#{place} input[type=file]").first.set_input_files(path)


def said(page: "Page", text: str) -> "Locator":
    """The sentence about what went wrong, once it is there."""
    alert = page.get_by_role("alert").filter(has_text=text).first
    alert.wait_for()
    return alert


def noise_file(folder: Path) -> Path:
    """A picture without a face."""
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    return folder / "noise.png"


def picture_of(page: "Page", name: str) -> None:
    """Write a screenshot for the README, when asked to by DEEPFAKE_SCREENSHOTS=1."""
    if os.environ.get("DEEPFAKE_SCREENSHOTS"):
        page.mouse.move(0, 0)
        page.wait_for_timeout(SECOND)
        page.screenshot(path=REPOSITORY / "docs" / name, full_page=True)


def is_labelled(page: "Page", picture: "Locator") -> bool:
    """Whether the file behind a picture of the page says what made it: it was served as it was written."""
    file = page.request.get(picture.get_attribute("src") or "").body()
    return b"AI-generated media" in file


def check_accessibility(page: "Page") -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.mouse.move(0, 0)
    page.wait_for_timeout(SECOND)  # buttons fade between their colours
    found = axe.Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []


def check_phone(page: "Page") -> None:
    """Nothing is wider than a phone."""
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_timeout(SECOND / 2)
    assert not page.evaluate(WIDER_THAN_WINDOW)
