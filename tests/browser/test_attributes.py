"""The StarGAN tab in a real browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.actions import (
    check_accessibility,
    check_phone,
    is_labelled,
    look_inside,
    noise_file,
    open_tab,
    picture_of,
    press,
    run,
    upload,
    wait_for_alert,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

PREFIX = "attributes-"
HAIR = ("Black hair", "Blond hair", "Brown hair")


@pytest.fixture
def lab(page: "Page", server: str) -> "Page":
    open_tab(page, server, "StarGAN", PREFIX)
    page.locator("#attributes-certainty", has_text="Read from the portrait").wait_for()
    return page


def check(page: "Page", colour: str) -> None:
    """Check a hair colour, and wait until the others are unchecked."""
    box = page.locator("#attributes-boxes").get_by_label(colour)
    if box.is_checked():
        box.uncheck()
    box.check()
    others = [page.locator("#attributes-boxes").get_by_label(other) for other in HAIR if other != colour]
    page.wait_for_function("boxes => boxes.every(box => !box.checked)", arg=[one.element_handle() for one in others])


def test_an_example_gets_blond_hair_and_every_single_change(lab: "Page", page_errors: list[str]):
    for colour in (*HAIR, "Blond hair"):
        check(lab, colour)
        assert lab.locator("#attributes-boxes").get_by_label(colour).is_checked()
    run(lab, PREFIX)
    assert is_labelled(lab, lab.locator("#attributes-after img"))
    strip = lab.locator("#attributes-strip")
    assert strip.locator("img").count() == 5
    assert is_labelled(lab, strip.locator("img").first)
    assert all(strip.get_by_text(colour).first.is_visible() for colour in HAIR)

    check_accessibility(lab)
    picture_of(lab, "stargan.png")
    check_phone(lab)
    assert page_errors == []


def test_the_edit_can_be_looked_into(lab: "Page", page_errors: list[str]):
    look_inside(
        lab, PREFIX, "Where the change is", "What the generator gets", "There and back", "What the classifier reads"
    )
    assert is_labelled(lab, lab.locator("#attributes-inside img").first)
    check_accessibility(lab)
    check_phone(lab)
    assert page_errors == []


def test_a_picture_without_a_face_can_be_used_whole(lab: "Page", page_errors: list[str], tmp_path: Path):
    upload(lab, f"{PREFIX}source", noise_file(tmp_path))
    alert = wait_for_alert(lab, "no face found in noise.png")
    press(lab, "Use the whole picture")
    alert.wait_for(state="detached")
    lab.locator("#attributes-certainty", has_text="no attributes are read").wait_for()  # starters know drawings alone
    lab.get_by_label("Blond hair", exact=True).check()
    run(lab, PREFIX)
    lab.locator("#attributes-after img").wait_for()
    assert page_errors == []
