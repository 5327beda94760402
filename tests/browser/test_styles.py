"""The StarGAN v2 tab in a real browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.actions import (
    LOADED,
    agree,
    check_accessibility,
    check_phone,
    is_labelled,
    look_inside,
    noise_file,
    open_tab,
    picture_of,
    run,
    unfold,
    wait_for_alert,
    wait_until_done,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

PREFIX = "styles-"


@pytest.fixture
def lab(page: "Page", server: str) -> "Page":
    open_tab(page, server, "StarGAN v2", PREFIX)
    page.locator("#styles-references img").nth(2).wait_for()
    return page


def test_references_make_a_grid_and_an_interpolation(lab: "Page", page_errors: list[str]):
    run(lab, PREFIX)
    assert is_labelled(lab, lab.locator("#styles-grid img"))
    assert lab.locator("#styles-cards img").count() == 3

    unfold(lab, "Interpolation between two styles")
    lab.locator("#styles-prepare").click()
    between = lab.locator("#styles-between img")
    between.wait_for(timeout=LOADED)
    first = between.get_attribute("src")
    lab.locator("#styles-share input[type=range]").focus()
    lab.keyboard.press("End")
    lab.wait_for_function("first => document.querySelector('#styles-between img').src !== first", arg=first)
    assert is_labelled(lab, between)

    check_accessibility(lab)
    picture_of(lab, "starganv2.png")
    check_phone(lab)
    assert page_errors == []


def test_the_styles_can_be_looked_into(lab: "Page", page_errors: list[str]):
    look_inside(
        lab, PREFIX, "Style codes", "Map of styles", "Style mixing", "Where the style enters", "Painted and kept"
    )
    assert is_labelled(lab, lab.locator("#styles-inside img").first)
    check_accessibility(lab)
    check_phone(lab)
    assert page_errors == []


def test_a_random_seed_draws_a_strip_and_a_video(lab: "Page", page_errors: list[str]):
    lab.locator("#styles-way").get_by_label("From a seed").check()
    lab.locator("#styles-random").click()
    wait_until_done(lab, PREFIX)
    assert lab.locator("#styles-cards img").count() == 6

    unfold(lab, "Interpolation between two styles")
    lab.locator("#styles-video-start").click()
    video = lab.locator("#styles-video video")
    video.wait_for(timeout=LOADED)
    lab.wait_for_function("document.querySelector('#styles-video video').videoWidth > 0")
    assert page_errors == []


def test_a_reference_without_a_face_is_named(lab: "Page", page_errors: list[str], tmp_path: Path):
    agree(lab)
    slot = lab.locator("#styles-references input[type=file]").last
    slot.set_input_files(noise_file(tmp_path))
    lab.locator("#styles-references img").nth(3).wait_for()
    lab.locator("#styles-start").click()
    wait_for_alert(lab, "no face found in reference 4 noise.png")
    assert page_errors == []
