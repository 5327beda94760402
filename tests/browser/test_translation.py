"""The CycleGAN tab in a real browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.actions import (
    agree,
    check_accessibility,
    check_phone,
    is_labelled,
    look_inside,
    noise_file,
    open_tab,
    picture_of,
    press,
    run,
    unfold,
    upload,
    wait_for_alert,
    wait_until_done,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

PREFIX = "translation-"
SPLIT = "element => getComputedStyle(element).getPropertyValue('--split')"


@pytest.fixture
def lab(page: "Page", server: str) -> "Page":
    open_tab(page, server, "CycleGAN", PREFIX)
    return page


def test_an_example_is_translated_there_and_back(lab: "Page", page_errors: list[str]):
    run(lab, PREFIX)
    assert is_labelled(lab, lab.locator("#translation-after img"))
    assert is_labelled(lab, lab.locator("#translation-back img"))
    assert "Cycle error" in lab.locator("#translation-words").inner_text()

    lab.get_by_label("Divider between before and after").focus()
    lab.keyboard.press("ArrowLeft")
    assert lab.locator("#translation-compare").evaluate(SPLIT) == "49%"

    check_accessibility(lab)
    picture_of(lab, "cyclegan.png")
    check_phone(lab)
    assert page_errors == []


def test_the_cycle_can_be_looked_into(lab: "Page", page_errors: list[str]):
    look_inside(lab, PREFIX, "Cycle consistency", "What the discriminator sees", "Identity mapping")
    assert is_labelled(lab, lab.locator("#translation-inside img").first)
    check_accessibility(lab)
    check_phone(lab)
    assert page_errors == []


def test_the_examples_follow_the_direction(lab: "Page", page_errors: list[str]):
    lab.locator("#translation-model input").click()
    lab.get_by_role("option", name="Zebra to horse, drawn", exact=True).click()
    zebra = lab.locator("#translation-example-zebras").get_by_role("button", name="zebra").first
    zebra.click()
    wait_until_done(lab, PREFIX)
    assert not lab.locator("#translation-example-horses").is_visible()
    assert page_errors == []


def test_a_batch_names_the_file_that_is_not_a_picture(lab: "Page", page_errors: list[str], tmp_path: Path):
    (tmp_path / "notes.png").write_text("This is no picture.\n")
    agree(lab)
    unfold(lab, "Batch")
    files = [tmp_path / "notes.png", noise_file(tmp_path)]
    lab.locator("#translation-files input[type=file]").set_input_files(files)
    lab.locator("#translation-files", has_text="noise").wait_for()
    press(lab, "Translate all")
    wait_until_done(lab, PREFIX)
    assert lab.locator("#translation-cards img").count() == 1
    assert "notes.png" in lab.locator("#translation-notes").inner_text()
    assert page_errors == []


def test_no_picture_and_a_bad_one_give_a_sentence_each(lab: "Page", page_errors: list[str], tmp_path: Path):
    bad = tmp_path / "not <i>one.png"
    bad.write_text("This is no picture.\n")
    upload(lab, f"{PREFIX}source", bad)
    wait_for_alert(lab, "is not a readable picture")
    lab.locator("#translation-source button[aria-label='Remove Image']").first.click()
    press(lab, "Translate")
    wait_for_alert(lab, "no picture is selected")
    assert "Traceback" not in lab.content()
    assert page_errors == []
