"""The Image Animation tab in a real browser: what a visitor does in the first minute, and what can go wrong there."""

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from deepfake_core.media.decode import read_frames
from deepfake_core.media.probe import has_sound

if TYPE_CHECKING:
    from playwright.sync_api import Page

REPOSITORY = Path(__file__).parents[2]
CLIPS = REPOSITORY / "examples" / "clips"
SECOND = 1000  # milliseconds, playwright's unit
LOADED, ANIMATED = 60 * SECOND, 120 * SECOND  # on two busy cores
PLAYED = "video => video.currentTime > 0.2 && video.webkitAudioDecodedByteCount > 0 && video.videoWidth > 0"
SEEK = "for (const video of document.querySelectorAll('video')) { video.pause(); video.currentTime = 1.4; }"
WIDER_THAN_WINDOW = "document.documentElement.scrollWidth > window.innerWidth"


@pytest.fixture
def lab(page: "Page", server: str) -> "Page":
    """The page with its network loaded and the crops of the first examples shown."""
    page.set_default_timeout(10 * SECOND)
    page.goto(server)
    page.locator("#weights", has_text="Weights:").wait_for(timeout=LOADED)
    for framing in page.locator(".framing").all():
        framing.locator("img").wait_for(timeout=LOADED)
    return page


def picture_of(page: "Page", name: str) -> None:
    """Write a screenshot for the README, when asked to by DEEPFAKE_SCREENSHOTS=1."""
    if os.environ.get("DEEPFAKE_SCREENSHOTS"):
        page.mouse.move(0, 0)
        page.evaluate(SEEK)
        page.wait_for_timeout(SECOND)
        page.screenshot(path=REPOSITORY / "docs" / name, full_page=True)


def press(page: "Page", name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def unfold(page: "Page", name: str) -> None:
    """Open an accordion, whose button is called by its label and an arrow."""
    page.get_by_role("button", name=name).click()


def working_folders() -> set[Path]:
    """Where the app keeps unfinished results."""
    return set(Path(tempfile.gettempdir()).glob("deepfake-lab-*"))


def is_ready(page: "Page") -> bool:
    """Whether Animate can be pressed and Stop cannot."""
    page.wait_for_selector("#animate:enabled")
    return page.locator("#stop").is_disabled()


def test_the_examples_make_a_playing_video_with_sound(lab: "Page", page_errors: list[str], tmp_path: Path):
    clip = next(path for path in sorted(CLIPS.glob("*.mp4")) if has_sound(path))
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
    picture_of(lab, "app.png")

    made = tmp_path / "made.mp4"
    made.write_bytes(lab.request.get(video.evaluate("video => video.currentSrc")).body())
    assert sum(1 for _ in read_frames(made)) == sum(1 for _ in read_frames(clip))
    assert has_sound(made)
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
    lab.locator("#driver").get_by_label("Clear").click()
    lab.locator("#driver input[type=file]").first.set_input_files(text)
    said = lab.get_by_role("alert").filter(has_text="is not a video that can be read")
    said.wait_for()
    press(lab, "Animate")
    lab.wait_for_function("document.querySelectorAll('[role=alert]').length === 2")
    assert is_ready(lab)
    assert len(set(said.all_inner_texts())) == 1
    assert "Traceback" not in lab.content()
    assert page_errors == []


def test_a_picture_without_a_face_can_be_used_whole(lab: "Page", page_errors: list[str], tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    lab.locator("#portrait button[aria-label='Remove Image'], #portrait button[aria-label='Clear']").first.click()
    lab.locator("#portrait input[type=file]").first.set_input_files(tmp_path / "noise.png")
    alert = lab.get_by_role("alert").filter(has_text="no face found in noise.png")
    alert.wait_for()
    press(lab, "Use the whole picture")
    alert.wait_for(state="detached")
    lab.locator(".framing", has_text="centre square is used").wait_for()
    assert page_errors == []


def test_the_network_can_be_looked_into(lab: "Page", page_errors: list[str]):
    unfold(lab, "How it works")
    for title in ("Portrait points", "Driver points", "Masks", "Deformation", "Occlusion", "Result"):
        lab.locator("#inside .media", has_text=title).locator("img").wait_for(timeout=30 * SECOND)
    picture_of(lab, "inside.png")
    assert page_errors == []


def test_nothing_overflows_on_a_phone(page: "Page", server: str, page_errors: list[str]):
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(server)
    page.locator("#weights", has_text="Weights:").wait_for(timeout=LOADED)
    unfold(page, "Options")
    for framing in page.locator(".framing").all():
        framing.locator("img").wait_for(timeout=LOADED)
    assert not page.evaluate(WIDER_THAN_WINDOW)
    picture_of(page, "app-narrow.png")
    assert page_errors == []


def test_the_page_is_accessible(lab: "Page"):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    unfold(lab, "Options")
    found = axe.Axe().run(lab).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
