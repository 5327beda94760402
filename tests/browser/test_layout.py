"""One layout from a phone to a projector, light and dark: what is in view, how large it is, and how it is used."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal
from zipfile import ZipFile

import pytest

from tests.browser.actions import LOADED, SECOND, WIDER_THAN_WINDOW, check_accessibility, open_tab, run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENS = ((360, 740), (768, 1024), (1280, 800), (1920, 1080))
STARTS = {
    "Image Animation": "#start",
    "CycleGAN": "#translation-start",
    "StarGAN": "#attributes-start",
    "StarGAN v2": "#styles-start",
    "Training": "#plane-run",
    "Spot the fake": "#quiz-start",
}
TABS = (*STARTS, "Verify", "Weights", "For programs")
FINGER = 40  # pixels
SMALL_TARGETS = """least => [...document.querySelectorAll("button, input, select, [role=tab], [role=button]")]
    .map(one => one.closest("label") ?? one)
    .filter(one => one.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && one.offsetParent)
    .filter(one => !one.closest(".mirror-wrap + .controls")) // shown over a video while it is touched
    .map(one => [one.ariaLabel || one.innerText || one.outerHTML.slice(0, 150), one.getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && (box.width < least || box.height < least))
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
BOLD_TABS = """[...document.querySelectorAll("[role=tab]")]
    .filter(tab => getComputedStyle(tab).fontWeight >= 700).map(tab => tab.innerText)"""
SPLIT = "document.querySelector('#translation-compare').style.getPropertyValue('--split')"
PLAYS = """() => {
    const video = document.querySelector("#driver video");
    return video?.loop && video.muted && !video.paused && video.currentTime > 0.2;
}"""


@pytest.fixture(scope="module")
def errors() -> list[str]:
    return []


@pytest.fixture(scope="module")
def lab(browser: "Browser", server: str, errors: list[str]) -> Iterator["Page"]:
    """One page for the tests that start no run; each resizes it."""
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.locator("#animation-about", has_text="Installed:").wait_for()
    for tab in TABS:  # Gradio renders a tab when it is first opened
        page.get_by_role("tab", name=tab, exact=True).click()
        if tab in STARTS:
            page.locator(STARTS[tab]).wait_for()
    yield page
    context.close()


def at(page: "Page", width: int, height: int) -> Iterator[str]:
    """Open every tab at this size of the window, at its top."""
    page.set_viewport_size({"width": width, "height": height})
    for tab in TABS:
        page.get_by_role("tab", name=tab, exact=True).click()
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(0.1 * SECOND)
        yield tab


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_every_tab_fits_and_its_button_is_in_view(lab: "Page", width: int, height: int, errors: list[str]):
    for tab in at(lab, width, height):
        assert not lab.evaluate(WIDER_THAN_WINDOW), tab
        tops = {round(box["y"]) for box in map(box_of, lab.get_by_role("tab").all())}
        assert len(tops) == 1, f"the tabs stand in {len(tops)} rows"
        assert box_of(lab.locator("#footer"))["width"] > 0.85 * width, tab
        if tab in STARTS:
            button = box_of(lab.locator(STARTS[tab]))
            assert button["x"] >= 0 and button["x"] + button["width"] <= width, tab
            assert button["y"] >= 0 and button["y"] + button["height"] <= height, tab
    assert errors == []


def box_of(locator: Any) -> dict[str, float]:
    box = locator.bounding_box()
    assert box is not None
    return box


def test_a_finger_meets_every_target_on_a_phone(lab: "Page"):
    small = {tab: lab.evaluate(SMALL_TARGETS, FINGER) for tab in at(lab, 360, 740) if tab in STARTS}
    assert {tab: found for tab, found in small.items() if found} == {}


@pytest.mark.parametrize(("scheme", "width", "height"), [("light", 1280, 800), ("dark", 360, 740)])
def test_no_accessibility_finding_in_any_tab(lab: "Page", scheme: Literal["light", "dark"], width: int, height: int):
    lab.emulate_media(color_scheme=scheme)
    for tab in at(lab, width, height):
        assert lab.evaluate(BOLD_TABS) == [tab]
        check_accessibility(lab)


def test_the_driving_clip_plays_and_loops(page: "Page", server: str):
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.wait_for_function(PLAYS)


def test_a_comparison_is_dragged_shown_alone_and_reached_on_a_phone(page: "Page", server: str, page_errors: list[str]):
    page.set_viewport_size({"width": 360, "height": 740})
    open_tab(page, server, "CycleGAN", "translation-")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    run(page, "translation-")
    picture = page.locator("#translation-after img")
    picture.wait_for()
    page.wait_for_function("() => scrollY < 500")  # the page has scrolled to the result
    page.wait_for_timeout(SECOND)
    box = box_of(picture)
    assert box["y"] < 740 and box["width"] > 250

    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 70, steps=4)
    page.mouse.up()
    assert 15 <= float(page.evaluate(SPLIT).rstrip("%")) <= 25
    before, after = (box_of(page.locator(f"#translation-{name} label")) for name in ("before", "after"))
    assert before["x"] < after["x"]  # the clipped picture, After, is on the right of the divider

    page.set_viewport_size({"width": 1920, "height": 1080})
    page.locator(".to-stage:visible").click()
    page.locator(".results.on-stage").wait_for()
    assert not page.locator("#translation-start").is_visible()
    assert box_of(picture)["height"] > 800
    page.locator(".to-stage:visible").click()
    page.wait_for_function("() => !document.querySelector('.on-stage')")
    assert page.locator("#translation-start").is_visible()
    assert page_errors == []


def test_several_results_are_downloaded_as_one_zip(page: "Page", server: str, page_errors: list[str]):
    open_tab(page, server, "StarGAN", "attributes-")
    page.locator("#attributes-certainty", has_text="Read from the portrait").wait_for()
    run(page, "attributes-")
    with page.expect_download() as download:
        page.locator("#attributes-strip").get_by_text("Download all").click()
    with ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == page.locator("#attributes-strip img").count() > 2
        assert all(b"AI-generated media" in archive.read(name) for name in archive.namelist())
    assert re.search(r"\.zip$", download.value.suggested_filename)
    assert page_errors == []


def test_one_click_opens_the_webcam_for_a_drawn_portrait(page: "Page", server: str, page_errors: list[str]):
    page.set_viewport_size({"width": 360, "height": 740})
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.locator("#animation-about", has_text="Installed:").wait_for()
    page.get_by_role("button", name="photo astronaut").click()
    page.locator("#portrait img[src*=photo]").wait_for()
    page.locator("#own-face").click()
    page.locator("#driver").get_by_text("Record").wait_for()
    assert page.locator("#driver video").evaluate("video => video.srcObject !== null")
    page.locator("#portrait img:not([src*=photo])").wait_for()
    assert page.locator("#consent.wanted").is_visible()  # the clip may be used once the box is ticked
    assert page_errors == []
