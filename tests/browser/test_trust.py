"""Consent, the Verify tab and the marks of all results, in a real browser."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

import pytest
from PIL import Image

from deepfake_core.provenance.verify import verify
from tests.browser.actions import (
    LOADED,
    REPOSITORY,
    SECOND,
    check_accessibility,
    check_phone,
    is_labelled,
    open_tab,
    picture_of,
    press,
    replace,
    run,
    unfold,
    wait_for_alert,
    wait_until_done,
)
from tests.provenance.declared import assert_declared

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

HORSE = sorted((REPOSITORY / "examples" / "fields").glob("horse*.png"))[0]
PHOTO = REPOSITORY / "examples" / "portraits" / "photo-astronaut.jpg"  # the drawn examples carry a mark
ANIMATED = 120 * SECOND


@pytest.fixture(autouse=True)
def signers_of_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's signing key lies in its own home: this process needs it too."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(home))


def saved(page: "Page", media: "Locator", folder: Path) -> Path:
    """Download the file of a picture or video of the page."""
    address = media.get_attribute("src") or ""
    path = folder / f"{len(list(folder.iterdir()))}-{unquote(Path(urlparse(address).path).name)}"
    path.write_bytes(page.request.get(address).body())
    return path


def own_file(folder: Path) -> Path:
    """A changed example, which no longer counts as one."""
    Image.open(HORSE).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mine.png")
    return folder / "mine.png"


def test_an_own_file_is_used_only_with_consent_and_a_new_tab_of_the_browser_asks_again(
    page: "Page", server: str, page_errors: list[str], tmp_path: Path
):
    open_tab(page, server, "CycleGAN", "translation-")
    replace(page, "translation-source", own_file(tmp_path))
    wait_for_alert(page, "tick the consent box")
    page.locator("#translation-start").click()
    page.wait_for_function("document.querySelectorAll('[role=alert]').length === 2")
    assert not page.locator("#translation-after img").is_visible()

    page.locator("#consent input").check()
    page.locator(".crop-preview:visible", has_text="is used").wait_for()  # previewed again automatically
    run(page, "translation-")
    assert page.locator("#translation-after img").is_visible()
    assert page_errors == []

    page.reload()  # which breaks off the open streams of the page that is left; Gradio's script may log that
    page.locator("#consent input:checked").wait_for()  # kept in this tab, and told to the server's new session
    page.get_by_role("tab", name="CycleGAN", exact=True).click()
    replace(page, "translation-source", own_file(tmp_path))
    page.locator(".crop-preview:visible", has_text="is used").wait_for()
    other = page.context.new_page()
    other.goto(server)
    other.wait_for_function("window.lab?.ready", timeout=LOADED)
    other.wait_for_timeout(SECOND)
    assert not other.locator("#consent input").is_checked()


def test_the_verify_tab_tells_a_result_from_a_changed_and_a_plain_one(
    page: "Page", server: str, page_errors: list[str], tmp_path: Path
):
    open_tab(page, server, "CycleGAN", "translation-")
    run(page, "translation-")
    result = saved(page, page.locator("#translation-after img"), tmp_path)
    page.get_by_role("tab", name="Verify", exact=True).click()
    drop, verdict = page.locator("#verify-file input[type=file]"), page.locator("#verify-verdict")
    found = page.locator("#verify-found")
    drop.set_input_files(result)
    verdict.get_by_text("Valid: signed and unchanged").wait_for(timeout=LOADED)
    page.locator("#verify-picture img").wait_for()
    assert not found.locator("td", has_text="cyclegan-starter-horse2zebra").first.is_visible()
    found.get_by_text("Details").click()
    found.locator("td", has_text="cyclegan-starter-horse2zebra").first.wait_for()
    check_accessibility(page)
    picture_of(page, "verify.png")
    check_phone(page)

    with Image.open(result) as picture:
        picture.save(tmp_path / "saved-anew.png")
    expected = {
        tmp_path / "saved-anew.png": ("Not signed, but marked as generated", "found in the pixels"),
        PHOTO: ("Says nothing about its origin", "none found in the pixels"),
    }
    for other, (title, watermark) in expected.items():
        page.locator("#verify-file").get_by_label("Clear").first.click()
        verdict.get_by_text("Choose any picture").wait_for()
        drop.set_input_files(other)
        verdict.get_by_text(title).wait_for()
        found.get_by_text(watermark).wait_for()
        assert page.locator("#fool-crop").is_disabled()

    (tmp_path / "notes.mp4").write_text("This is no video.\n")
    page.locator("#verify-file").get_by_label("Clear").first.click()
    drop.set_input_files(tmp_path / "notes.mp4")
    wait_for_alert(page, "notes.mp4")
    assert page_errors == []


def test_a_result_is_changed_by_buttons_and_the_verdicts_stand_side_by_side(
    page: "Page", server: str, page_errors: list[str], tmp_path: Path
):
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.get_by_role("tab", name="Verify", exact=True).click()
    page.locator("#verify-example").click()
    before, after = page.locator("#verdict-original"), page.locator("#verdict-changed")
    for how, title in (("paint", "Changed after signing"), ("crop", "Says nothing about its origin")):
        page.locator(f"#fool-{how}:enabled").click()
        after.get_by_text(title).wait_for()
        assert "Valid: signed and unchanged" in before.inner_text()
    assert is_labelled(page, page.locator("#picture-original img"))
    page.set_viewport_size({"width": 1280, "height": 900})
    check_accessibility(page)
    check_phone(page)
    path = saved(page, page.locator("#picture-changed img"), tmp_path)
    assert path.name.endswith("-blond-cropped.png") and verify(path).credential is None
    assert page_errors == []


def test_every_picture_and_video_of_image_animation_says_what_it_is(page: "Page", server: str, tmp_path: Path):
    page.set_default_timeout(LOADED)
    page.goto(server)
    page.locator("#animation-about", has_text="Installed:").wait_for()
    press(page, "Animate")
    page.locator("#live img").wait_for()
    assert_declared(saved(page, page.locator("#live img"), tmp_path), model="fomm-starter")
    for name in ("result", "side-by-side"):
        video = page.locator(f"#{name} video")
        video.wait_for(timeout=ANIMATED)
        assert_declared(saved(page, video, tmp_path), model="fomm-starter")
    unfold(page, "How it works")
    inside = page.locator("#inside .media img")
    inside.nth(5).wait_for()
    for number in range(6):
        title = page.locator("#inside .media").nth(number).inner_text()
        labelled = "Deformation" in title or "Result" in title
        assert_declared(saved(page, inside.nth(number), tmp_path), model="fomm-starter", label=labelled)


@pytest.mark.parametrize(
    ("title", "prefix", "model", "results"),
    [
        (
            "CycleGAN",
            "translation-",
            "cyclegan-starter-horse2zebra",
            ["#translation-after img", "#translation-back img"],
        ),
        ("StarGAN", "attributes-", "stargan-starter", ["#attributes-after img", "#attributes-strip img"]),
        ("StarGAN v2", "styles-", "starganv2-starter-heads", ["#styles-cards img", "#styles-grid img"]),
    ],
)
def test_every_picture_of_the_translators_says_what_it_is(
    page: "Page", server: str, tmp_path: Path, title: str, prefix: str, model: str, results: list[str]
):
    open_tab(page, server, title, prefix)
    page.wait_for_timeout(2 * SECOND)  # until all inputs are filled in
    run(page, prefix)
    for result in results:
        for picture in page.locator(result).all():
            assert_declared(saved(page, picture, tmp_path), model=model)


def test_an_interpolation_says_what_it_is(page: "Page", server: str, tmp_path: Path):
    open_tab(page, server, "StarGAN v2", "styles-")
    page.wait_for_timeout(2 * SECOND)
    unfold(page, "Interpolation between two styles")
    press(page, "Prepare the slider")
    between = page.locator("#styles-between img")
    between.wait_for(timeout=LOADED)
    model = "starganv2-starter-heads"
    assert_declared(saved(page, between, tmp_path), model=model)
    press(page, "Render a video")
    wait_until_done(page, "styles-")
    assert_declared(saved(page, page.locator("#styles-video video"), tmp_path), model=model)
