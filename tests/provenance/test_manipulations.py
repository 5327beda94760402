"""What becomes of a signed result when it is changed, and that only such results are changed and stay labelled."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import BadRequest
from deepfake_core.media.images import read_image
from deepfake_core.provenance.keys import signing_pair
from deepfake_core.provenance.label import patch_for, position_of
from deepfake_core.provenance.manipulations import MANIPULATIONS, manipulate, why
from deepfake_core.provenance.origin import Origin
from deepfake_core.provenance.verdict import verdict_of
from deepfake_core.provenance.verify import verify
from deepfake_core.provenance.writer import save_image
from tests.pipelines.conftest import EXAMPLES
from tests.provenance.declared import shows_label

MODEL = "stargan-starter"
PHOTO = EXAMPLES / "portraits" / "photo-astronaut.jpg"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A result of 256 pixels."""
    face = np.asarray(Image.fromarray(read_image(PHOTO)).resize((256, 256)))
    return save_image(face, tmp_path / "ours.png", origin=Origin(model=MODEL))


def changed(path: Path, how: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return manipulate(path, how, folder, found=verify(path))


@pytest.mark.parametrize(
    ("how", "state", "watermark", "reason"),
    [
        ("save-again", "marked", True, "so it came along"),
        ("screenshot", "marked", True, "so it came along"),
        ("shrink", "marked", True, "so it came along"),
        ("crop", "silent", False, "no longer lies where it is looked for"),
        ("paint", "changed", False, "covers every byte"),
        ("forge", "untrusted", True, "anyone can make a key with any name"),
    ],
)
def test_each_change_has_its_verdict(
    how: str, state: str, watermark: bool, reason: str, ours: Path, tmp_path: Path
) -> None:
    before = ours.read_bytes()
    path = changed(ours, how, tmp_path / "out")
    after = verify(path, [MODEL])
    assert verdict_of(after).state == state
    assert (after.watermark is not None) is watermark
    assert reason in why(how, after)
    assert ours.read_bytes() == before and [*path.parent.iterdir()] == [path]


def test_a_watermark_that_got_lost_is_not_said_to_have_come_along(tmp_path: Path) -> None:
    Image.open(PHOTO).save(tmp_path / "plain.png")
    assert "too weak to be found again" in why("save-again", verify(tmp_path / "plain.png"))


@pytest.mark.parametrize("place", ["bottom-right", "top-left"])
@pytest.mark.parametrize("how", MANIPULATIONS)
def test_the_label_stays(how: str, place: str, ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_LABEL_PLACE", place)
    ours = save_image(read_image(PHOTO)[:256, 100:356], tmp_path / "placed.png", origin=Origin(model=MODEL))
    picture = read_image(changed(ours, how, tmp_path / "out"))
    if how == "crop":
        assert picture.shape == (218, 218, 3)
        rest = np.s_[-218:, -218:] if place == "bottom-right" else np.s_[:218, :218]
        np.testing.assert_array_equal(picture, read_image(ours)[rest])
    elif how == "shrink":
        assert picture.shape == (192, 192, 3)
        enlarged = np.asarray(Image.fromarray(picture).resize((256, 256)))
        plate = position_of(patch_for(256, 256), 256, 256, place)
        text = np.corrcoef(enlarged[plate].ravel(), read_image(ours)[plate].ravel())[0, 1]
        assert text > 0.8
    else:
        assert shows_label(picture, place=place)


def test_a_painted_picture_differs_in_the_dot_alone(ours: Path, tmp_path: Path) -> None:
    before, after = read_image(ours), read_image(changed(ours, "paint", tmp_path / "out"))
    rows, columns = np.nonzero((before != after).any(-1))
    assert {*rows, *columns} <= {*range(118, 139)}
    assert tuple(after[128, 128]) == (214, 40, 40)


def test_a_forged_signature_bears_the_name_and_not_the_key(ours: Path, tmp_path: Path) -> None:
    forged = verify(changed(ours, "forge", tmp_path / "out")).credential
    own = signing_pair().certificates
    assert forged and forged.signer == own.name and forged.serial != own.serial and not forged.trusted
    assert forged.model == MODEL and forged.source_type.endswith("/trainedAlgorithmicMedia")


@pytest.mark.parametrize("how", MANIPULATIONS)
def test_only_unchanged_pictures_that_were_signed_here_are_taken(how: str, ours: Path, tmp_path: Path) -> None:
    others = [EXAMPLES / "portraits" / "amara.png", PHOTO, changed(ours, "paint", tmp_path / "a")]
    others.append(changed(ours, "screenshot", tmp_path / "b"))
    others.append(save_image(read_image(PHOTO)[:256, :256], tmp_path / "ours.jpg", origin=Origin(model=MODEL)))
    for other in others:
        with pytest.raises(BadRequest, match="not an unchanged picture that was signed here"):
            changed(other, how, tmp_path / "out")
    assert [*(tmp_path / "out").iterdir()] == []


def test_an_unknown_change_is_refused(ours: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"one of save-again, .*, got 'melt'"):
        changed(ours, "melt", tmp_path / "out")
