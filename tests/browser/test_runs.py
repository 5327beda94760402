"""Runs in a real browser: pressed early, refused, remembered, and kept as the session's results."""

from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.actions import (
    LOADED,
    REPOSITORY,
    agree,
    check_accessibility,
    open_tab,
    press,
    replace,
    run,
    wait_for_alert,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

PORTRAIT = REPOSITORY / "examples" / "portraits" / "mei.png"
TRANSLATION = "translation-"


def opened(page: "Page", server: str, title: str) -> None:
    """The page with a tab open, without waiting for anything that it reads."""
    page.set_default_timeout(5 * LOADED)  # the first run of a network loads it
    page.goto(server)
    page.get_by_role("tab", name=title, exact=True).click()


def test_edit_pressed_before_the_boxes_are_read_waits_for_the_reading(
    page: "Page", server: str, page_errors: list[str]
):
    opened(page, server, "StarGAN")
    page.locator("#attributes-start").click()
    page.locator("#attributes-progress", has_text="Done").wait_for()
    assert page.locator("#attributes-strip img").count() == 5
    unchanged = page.locator("#attributes-strip").get_by_text("(unchanged)")
    assert unchanged.count() == 1 and unchanged.inner_text().startswith("Black hair")  # amara's: nothing else was asked
    assert page_errors == []


def test_draw_pressed_early_computes_its_references(page: "Page", server: str, page_errors: list[str]):
    opened(page, server, "StarGAN v2")
    page.locator("#styles-start").click()
    page.locator("#styles-progress", has_text="Done: 3 pictures").wait_for()
    assert "Made from picture mei, style amara, style ben and style chloe" in page.locator("#styles-notes").inner_text()
    assert page_errors == []


def test_the_refusal_for_want_of_consent_goes_with_the_tick(
    page: "Page", server: str, page_errors: list[str], tmp_path: Path
):
    page.set_default_timeout(2 * LOADED)
    page.goto(server)
    own = tmp_path / "me.png"
    own.write_bytes(PORTRAIT.read_bytes() + b"mine")
    replace(page, "portrait", own)
    page.locator("#portrait img").wait_for()
    press(page, "Animate")
    page.locator("#progress", has_text="Ready.").wait_for()
    wait_for_alert(page, "tick the consent box")
    agree(page)
    page.wait_for_function(
        "[...document.querySelectorAll('[role=alert]')].every(one => !one.innerText || one.offsetParent === null)"
    )
    assert page_errors == []


def test_results_are_kept_made_again_used_and_verified(page: "Page", server: str, page_errors: list[str]):
    open_tab(page, server, "CycleGAN", TRANSLATION)
    assert not page.locator("#your-results").is_visible()
    run(page, TRANSLATION)
    results = page.locator("#your-results")
    results.wait_for()
    results.get_by_role("button", name="Your results: 1 result").click()
    results.locator(".media img").first.wait_for()
    name = results.locator(".media a[download]").first.get_attribute("download") or ""
    assert name == "horse-black-as-zebra.png"
    check_accessibility(page)

    page.get_by_role("tab", name="Weights", exact=True).click()
    press(page, "Make it again")
    page.locator("#translation-progress", has_text="made before").wait_for()  # by the same values
    press(page, "Use as portrait")
    page.locator("#portrait img[src*='horse-black-as-zebra']").wait_for()
    press(page, "Verify this")
    page.locator("#verify-verdict", has_text="Valid: signed and unchanged").wait_for()
    assert page_errors == []


def test_a_file_of_another_kind_is_refused_in_our_words(page: "Page", server: str, tmp_path: Path):
    page.set_default_timeout(2 * LOADED)
    page.goto(server)
    text = tmp_path / "notes.txt"
    text.write_text("no video")
    page.locator("#driver").get_by_label("Clear").click()
    page.locator("#driver input[type=file]").first.set_input_files(text)
    toast = page.get_by_test_id("toast-text").first
    toast.wait_for()
    page.wait_for_function(
        "document.querySelector('[data-testid=toast-text]').innerText.includes('cannot be used here')"
    )
    assert "x-m4v" not in page.locator("body").inner_text()
