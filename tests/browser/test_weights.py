"""The Weights tab in a real browser, and the same download in another tab."""

from typing import TYPE_CHECKING

import pytest

from deepfake_core.hub.manifest import entry, manifest
from deepfake_core.ui.widgets.downloads import label
from tests.browser.actions import (
    LOADED,
    check_accessibility,
    check_phone,
    open_tab,
    picture_of,
    press,
    unfold,
    wait_for_alert,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

OFFLINE = "HF_HUB_OFFLINE disables downloads"  # set for the server of these tests


@pytest.fixture
def lab(page: "Page", server: str) -> "Page":
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.get_by_role("tab", name="Weights", exact=True).click()
    page.locator("#weights-table table").wait_for()
    page.locator("#weights-fetch input").wait_for()
    return page


def choose(page: "Page", prefix: str, name: str) -> None:
    page.locator(f"#{prefix}fetch input").click()
    page.get_by_role("option", name=label(entry(name)), exact=True).click()


def test_all_weights_are_listed_and_the_installed_ones_are_intact(lab: "Page", page_errors: list[str]):
    names = lab.locator("#weights-table th[scope=row] code").all_inner_texts()
    assert names == list(manifest())
    assert lab.locator("#weights-table", has_text="included in the repository").is_visible()
    assert "GB are free" in lab.locator("#weights-room").inner_text()

    press(lab, "Verify")
    lab.locator("#weights-verified", has_text="All files are intact.").wait_for()
    assert "fomm-starter: OK (checksum matches)" in lab.locator("#weights-verified").inner_text()

    check_accessibility(lab)
    picture_of(lab, "weights.png")
    check_phone(lab)
    assert page_errors == []


def test_a_licence_is_accepted_before_the_source_is_contacted(lab: "Page", page_errors: list[str]):
    choose(lab, "weights-", "cyclegan-horse2zebra")
    accept = lab.locator("#weights-accept input")
    accept.wait_for(state="hidden")
    choose(lab, "weights-", "fomm-vox-adv")
    accept.wait_for()
    press(lab, "Download")
    wait_for_alert(lab, "accept it to download the file")
    check_accessibility(lab)
    accept.check()
    press(lab, "Download")
    wait_for_alert(lab, OFFLINE)
    lab.wait_for_selector("#weights-fetch-start:enabled")
    assert page_errors == []


def test_another_tab_offers_the_download_and_keeps_its_starters(page: "Page", server: str, page_errors: list[str]):
    open_tab(page, server, "CycleGAN", "translation-")
    page.get_by_text("Installed: Horse to zebra, drawn.").filter(visible=True).wait_for()
    unfold(page, "More weights")
    page.locator("#translation-fetch input").wait_for()
    press(page, "Download")
    wait_for_alert(page, OFFLINE)
    check_accessibility(page)
    check_phone(page)
    assert page_errors == []


def test_a_photograph_under_starter_weights_is_said_and_other_weights_are_offered(
    page: "Page", server: str, page_errors: list[str]
):
    open_tab(page, server, "StarGAN", "attributes-")
    page.locator("#attributes-example-portraits").get_by_role("button", name="photo astronaut").click()
    advice = page.locator("#attributes-preview-advice", has_text="This looks like a photograph")
    advice.wait_for()
    page.locator("#attributes-certainty", has_text="no attributes are read").wait_for()
    assert "%" not in page.locator("#attributes-certainty").inner_text()
    check_accessibility(page)
    page.locator("#attributes-preview-advice-button").click()
    page.locator("#attributes-fetch").wait_for()
    page.wait_for_function("document.querySelector('#attributes-fetch input').value.startsWith('CelebA faces')")
    check_phone(page)
    assert page_errors == []
