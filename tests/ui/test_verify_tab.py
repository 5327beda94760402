"""The Verify tab through the page's own checks: verdicts, and which files may be changed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepfake_core.media.images import read_image
from deepfake_core.provenance.origin import Origin
from deepfake_core.provenance.verdict import TITLES
from deepfake_core.provenance.writer import save_image
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.sessions import EXAMINED
from deepfake_core.ui.server.validation import CheckedBlocks
from deepfake_core.ui.widgets.verdict import OF_STATE, SIGNS
from tests.ui.asking import ask, upload

pytestmark = pytest.mark.usefixtures("any_number_of_runs")
PHOTO = EXAMPLES / "portraits" / "photo-astronaut.jpg"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))


@pytest.fixture
def result(tmp_path: Path, upload_folder: Path) -> dict[str, Any]:
    """A signed result, as the page sends it."""
    face = np.asarray(Image.fromarray(read_image(PHOTO)).resize((128, 128)))
    path = save_image(face, tmp_path / "result.png", origin=Origin(model="stargan-starter"))
    return upload(upload_folder, path.read_bytes(), path.name)


def handler(page: CheckedBlocks, elem_id: str, event: str) -> Any:
    component = next(one for one in page.blocks.values() if getattr(one, "elem_id", None) == elem_id)
    return next(one for one in page.fns.values() if one.fn and (component._id, event) in one.targets)


def test_a_result_is_shown_with_its_verdict_and_may_be_changed(served: CheckedBlocks, result: dict[str, Any]) -> None:
    answer = ask(served, handler(served, EXAMINED, "change"), [result])
    assert TITLES["valid"] in answer and "examined.jpg" in answer and '"interactive": true' in answer
    changed = ask(served, handler(served, "fool-paint", "click"), [result])
    assert TITLES["valid"] in changed and TITLES["changed"] in changed and "result-painted.png" in changed


def test_a_picture_that_was_not_made_here_is_verified_but_never_changed(
    served: CheckedBlocks, upload_folder: Path
) -> None:
    """Neither needs consent: the first changes nothing, and the second takes only results."""
    own = upload(upload_folder, PHOTO.read_bytes(), "me.jpg")
    answer = ask(served, handler(served, EXAMINED, "change"), [own])
    assert TITLES["silent"] in answer and '"interactive": true' not in answer
    changed = ask(served, handler(served, "fool-crop", "click"), [own])
    assert "me.jpg is not an unchanged picture that was signed here" in changed and "cropped" not in changed
    assert "no picture is selected" in ask(served, handler(served, "fool-crop", "click"), [None])


def test_what_is_neither_picture_nor_video_is_refused_in_one_sentence(
    served: CheckedBlocks, upload_folder: Path
) -> None:
    answer = ask(served, handler(served, EXAMINED, "change"), [upload(upload_folder, b"words", "notes.mp4")])
    assert "notes.mp4 is not a picture or video of a supported format" in answer


def test_the_example_is_counted_as_a_run(served: CheckedBlocks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_RUNS_PER_MINUTE", "1")
    monkeypatch.setattr(Engine, "model", lambda *_: (_ for _ in ()).throw(LookupError("a network was used")))
    make = handler(served, "verify-example", "click")
    first, second = (ask(served, make, [None], session="example") for _ in range(2))
    assert "Something went wrong" in first and "the limit is 1 runs per minute" in second


def test_every_verdict_has_a_sign_of_its_own_shape() -> None:
    assert set(OF_STATE) == set(TITLES) and set(OF_STATE.values()) <= set(SIGNS)
    assert len({(outline, glyph) for outline, glyph, _ in SIGNS.values()}) == len(SIGNS)
    style = (EXAMPLES.parent / "deepfake_core" / "ui" / "style.css").read_text()
    assert all(f".sign-{name}" in style for name in SIGNS)
