"""The Image Animation tab in a real browser: typical use and errors."""

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deepfake_core.media.decode import read_frames
from deepfake_core.media.probe import sounds_of
from tests.browser.actions import (
    LOADED,
    REPOSITORY,
    SECOND,
    WIDER_THAN_WINDOW,
    agree,
    check_accessibility,
    is_labelled,
    noise_file,
    picture_of,
    press,
    unfold,
    upload,
    wait_for_alert,
    wait_for_crops,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

CLIPS = REPOSITORY / "examples" / "clips"
ANIMATED = 120 * SECOND  # on two busy cores
PLAYED = "video => video.currentTime > 0.2 && video.webkitAudioDecodedByteCount > 0 && video.videoWidth > 0"
SEEK = "for (const video of document.querySelectorAll('video')) { video.pause(); video.currentTime = 1.4; }"


@pytest.fixture
def lab(page: "Page", server: str) -> "Page":
    """The page with its network loaded and the crops of the first examples previewed."""
    page.set_default_timeout(30 * SECOND)
    page.goto(server)
    page.locator("#animation-about", has_text="Installed:").wait_for(timeout=LOADED)
    wait_for_crops(page)
    return page


def screenshot(page: "Page", name: str) -> None:
    """A screenshot for the README, with all videos at the same time."""
    page.evaluate(SEEK)
    picture_of(page, name)


def working_folders() -> set[Path]:
    """The folders in which the app keeps unfinished results."""
    return set(Path(tempfile.gettempdir()).glob("deepfake-lab-server-*/deepfake-lab-*"))


def is_ready(page: "Page") -> bool:
    """Whether Animate can be pressed and Stop cannot."""
    page.wait_for_selector("#start:enabled")
    return page.locator("#stop").is_disabled()


def test_the_examples_make_a_playing_video_with_sound(lab: "Page", page_errors: list[str], tmp_path: Path):
    clip = next(path for path in sorted(CLIPS.glob("*.mp4")) if sounds_of(path))
    lab.locator("#example-portraits button").nth(1).click()
    lab.locator("#example-clips").get_by_role("button", name=clip.stem.replace("-", " ")).click()
    lab.locator(f"#driver video[src*='{clip.name}']").wait_for()

    press(lab, "Animate")
    lab.locator("#live img").wait_for(timeout=ANIMATED)
    lab.locator("#progress", has_text="frames/s").wait_for(timeout=ANIMATED)

    video = lab.locator("#result video")
    video.wait_for(timeout=ANIMATED)
    video.evaluate("video => video.play()")
    lab.wait_for_function(f"({PLAYED})(document.querySelector('#result video'))")
    assert lab.locator("#side-by-side video").is_visible()
    assert lab.locator("#notes li").count() >= 2
    assert is_ready(lab)
    screenshot(lab, "app.png")

    made = tmp_path / "made.mp4"
    made.write_bytes(lab.request.get(video.evaluate("video => video.currentSrc")).body())
    assert sum(1 for _ in read_frames(made)) == sum(1 for _ in read_frames(clip))
    assert sounds_of(made)
    assert page_errors == []


def test_stop_ends_the_work_and_leaves_no_file(lab: "Page", page_errors: list[str]):
    before = working_folders()
    press(lab, "Animate")
    lab.locator("#progress", has_text=re.compile(r"frame \d+ of")).wait_for(timeout=ANIMATED)
    press(lab, "Stop")
    lab.locator("#progress", has_text="Stopped").wait_for(timeout=5 * SECOND)
    assert is_ready(lab)
    lab.wait_for_timeout(1.5 * SECOND)  # longer than a batch: nothing may arrive any more
    assert "Stopped" in lab.locator("#progress").inner_text()
    assert lab.locator("#result video").count() == 0
    assert working_folders() == before
    assert page_errors == []


def test_a_text_file_named_mp4_gives_one_sentence(lab: "Page", page_errors: list[str], tmp_path: Path):
    text = tmp_path / "notes <i>for Zoë.mp4"
    text.write_text("This is no video.\n")
    agree(lab)
    lab.locator("#driver").get_by_label("Clear").click()
    lab.locator("#driver input[type=file]").first.set_input_files(text)
    alert = lab.get_by_role("alert").filter(has_text="is not a readable video")
    alert.wait_for()
    press(lab, "Animate")
    lab.wait_for_function("document.querySelectorAll('[role=alert]').length === 2")
    assert is_ready(lab)
    assert len(set(alert.all_inner_texts())) == 1
    assert "Traceback" not in lab.content()
    assert page_errors == []


def test_a_picture_without_a_face_can_be_used_whole(lab: "Page", page_errors: list[str], tmp_path: Path):
    upload(lab, "portrait", noise_file(tmp_path))
    alert = wait_for_alert(lab, "no face found in noise.png")
    press(lab, "Use the whole picture")
    alert.wait_for(state="detached")
    lab.locator(".crop-preview:visible", has_text="centre square is used").wait_for()
    assert page_errors == []


def test_the_network_can_be_looked_into(lab: "Page", page_errors: list[str]):
    unfold(lab, "How it works")
    for title in ("Portrait points", "Driver points", "Masks", "Deformation", "Occlusion", "Result"):
        lab.locator("#inside .media", has_text=title).locator("img").wait_for(timeout=30 * SECOND)
    screenshot(lab, "inside.png")
    assert page_errors == []


def test_a_portrait_is_driven_by_hand(lab: "Page", page_errors: list[str]):
    picture = lab.locator("#by-hand-picture img")
    assert picture.count() == 0  # nothing is computed before
    unfold(lab, "Drive by hand")
    picture.wait_for(timeout=LOADED)
    at_rest = picture.get_attribute("src")
    lab.locator("#by-hand-yaw input[type=range]").fill("20")
    lab.wait_for_function("before => document.querySelector('#by-hand-picture img').src !== before", arg=at_rest)
    assert is_labelled(lab, picture)
    press(lab, "Add this pose")
    poses = lab.locator("#by-hand-poses textarea")
    lab.wait_for_function("document.querySelector('#by-hand-poses textarea').value === 'yaw 20'")
    poses.fill("yaw 20\nfrown 1")
    press(lab, "Make a clip")
    wait_for_alert(lab, "unknown control 'frown'")
    poses.fill("yaw 20\nsmile 1, pitch -10")
    press(lab, "Make a clip")
    lab.locator("#by-hand-video video").wait_for(timeout=LOADED)
    press(lab, "Back to rest")
    lab.wait_for_function("document.querySelector('#by-hand-yaw input').value === '0'")
    check_accessibility(lab)
    lab.set_viewport_size({"width": 360, "height": 800})
    lab.locator("#by-hand-smile").scroll_into_view_if_needed()
    assert picture.bounding_box()["y"] >= 0  # type: ignore[index]  # it stays in view
    assert not lab.evaluate(WIDER_THAN_WINDOW)
    assert page_errors == []


def test_nothing_overflows_on_a_phone(page: "Page", server: str, page_errors: list[str]):
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(server)
    page.locator("#animation-about", has_text="Installed:").wait_for(timeout=LOADED)
    unfold(page, "Options")
    wait_for_crops(page)
    assert not page.evaluate(WIDER_THAN_WINDOW)
    screenshot(page, "app-narrow.png")
    assert page_errors == []


def test_the_page_is_accessible(lab: "Page"):
    unfold(lab, "Options")
    check_accessibility(lab)
