"""The Weights tab in a real browser, and the same download in another tab."""

from typing import TYPE_CHECKING

import pytest

from deepfake_core.hub.manifest import manifest
from tests.browser.actions import (
    LOADED,
    check_accessibility,
    check_phone,
    open_tab,
    picture_of,
    press,
    said,
    unfold,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

OFFLINE = "HF_HUB_OFFLINE disables downloads"  # as the server of these tests is started


@pytest.fixture
def lab(page: "Page", server: str) -> "Page":
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.get_by_role("tab", name="Weights", exact=True).click()
    page.locator("#weights-table table").wait_for()
    page.locator("#weights-fetch input").wait_for()
    return page


def choose(page: "Page", place: str, name: str) -> None:
    page.locator(f"#{place}fetch input").click()
    page.get_by_role("option", name=name, exact=True).click()


def test_everything_is_listed_and_what_is_here_is_sound(lab: "Page", page_errors: list[str]):
    names = lab.locator("#weights-table th[scope=row]").all_inner_texts()
    assert names == list(manifest())
    assert lab.locator("#weights-table", has_text="comes with the repository").is_visible()
    assert "GB are free" in lab.locator("#weights-room").inner_text()

    press(lab, "Verify")
    lab.locator("#weights-verified", has_text="No file here is damaged.").wait_for()
    assert "fomm-starter: OK (checksum matches)" in lab.locator("#weights-verified").inner_text()

    check_accessibility(lab)
    picture_of(lab, "weights.png")
    check_phone(lab)
    assert page_errors == []


def test_a_licence_is_accepted_before_the_source_is_asked(lab: "Page", page_errors: list[str]):
    choose(lab, "weights-", "cyclegan-horse2zebra")
    accept = lab.locator("#weights-accept input")
    accept.wait_for(state="hidden")
    choose(lab, "weights-", "fomm-vox-adv")
    accept.wait_for()
    press(lab, "Download")
    said(lab, "accept it to download the file")
    check_accessibility(lab)
    accept.check()
    press(lab, "Download")
    said(lab, OFFLINE)
    lab.wait_for_selector("#weights-fetch-start:enabled")
    assert page_errors == []


def test_another_tab_has_the_download_and_goes_on_with_its_starters(page: "Page", server: str, page_errors: list[str]):
    open_tab(page, server, "CycleGAN", "translation-")
    page.get_by_text("Starter weights, which come with the app").filter(visible=True).wait_for()
    unfold(page, "More weights")
    page.locator("#translation-fetch input").wait_for()
    press(page, "Download")
    said(page, OFFLINE)
    check_accessibility(page)
    check_phone(page)
    assert page_errors == []
