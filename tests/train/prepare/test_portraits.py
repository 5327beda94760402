"""Portraits cut for training, and pools of their puppets. The one photograph is scikit-image's astronaut."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from PIL import Image

from deepfake_core.errors import BadRequest, MissingFile
from deepfake_core.faces import Box
from deepfake_core.faces.detector import FoundFace
from deepfake_core.networks.layers import warp
from train.__main__ import main
from train.prepare import portraits
from train.prepare.portraits import frame, is_held_out, prepare_portraits
from train.prepare.rows import listed
from train.recipes.fomm.pools import RenderPool, mixed_pairs, read_rows

POINTS = np.array([(203.2, 101.7), (247.0, 104.5), (223.3, 125.1), (203.4, 142.3), (241.3, 144.4)], np.float32)
TRAINED = next(f"{number:06d}" for number in range(100) if not is_held_out(f"{number:06d}"))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A portrait, the same one at a quarter of its size, one that is out of focus, and a name without a picture."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    photograph = Image.fromarray(np.asarray(skimage.data.astronaut()))
    photograph.save(folder / f"{TRAINED}.png")
    photograph.resize((128, 128)).save(folder / "small.png")
    photograph.resize((40, 40)).resize((512, 512), Image.Resampling.BICUBIC).save(folder / "blurred.png")
    rows = "\n".join(f"{name},F,1949,100" for name in (f"{TRAINED}.png", "small.png", "blurred.png", "missing.png"))
    (folder / "portraits.csv").write_text(f"file,sex,born,last_congress\n{rows}\n")
    monkeypatch.setattr(portraits, "find_faces", lambda image: [found(POINTS * (image.shape[0] / 512))])
    return folder


def found(points: np.ndarray, score: float = 0.9) -> FoundFace:
    return FoundFace(box=Box(left=0, top=0, side=10), points=points, score=score)


def test_portraits_are_cut_and_doubtful_ones_left_out_with_a_reason(checkout: Path, tmp_path: Path) -> None:
    report = prepare_portraits(checkout, tmp_path / "out")
    assert report.startswith("1 of 4 portraits kept (0 grey), 0 of them for measuring alone.")
    for reason in ("1 small", "1 blurred", "1 unreadable"):
        assert reason in report
    (row,) = listed(tmp_path / "out")
    assert (row["file"], row["sex"], row["born"], row["held_out"]) == (f"{TRAINED}.png", "F", "1949", "0")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [f"{TRAINED}-matte.png", f"{TRAINED}.png", "portraits.csv", "report.txt"]
    )


def test_who_asked_to_be_left_out_is_left_out(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "left_out.txt"
    asked.write_text(f"# a comment\n{TRAINED}\n\n")
    assert portraits.opted_out(asked) == {TRAINED}
    monkeypatch.setattr(portraits, "opted_out", lambda: {TRAINED})
    with pytest.raises(BadRequest, match="none of the 3 pictures"):
        prepare_portraits(checkout, tmp_path / "out")


def test_a_portrait_is_framed_as_the_app_frames_faces() -> None:
    box, unit = frame(POINTS, 512, 512)
    x, y = ((POINTS[:2].mean(0) + POINTS[3:].mean(0)) / 2 - (box.left, box.top)) / box.side
    assert unit * 1.25 / box.side == pytest.approx(0.45, abs=0.01)  # brows to chin fill .45 of the side
    assert (x, y) == pytest.approx((0.5, 0.52), abs=0.02)


def test_a_sixth_of_the_people_is_held_out_and_always_the_same() -> None:
    held = [is_held_out(f"{number:06d}") for number in range(3000)]
    assert 0.14 < np.mean(held) < 0.19
    assert held == [is_held_out(f"{number:06d}") for number in range(3000)]


def test_the_apps_detector_finds_the_five_points(monkeypatch: pytest.MonkeyPatch) -> None:
    astronaut = np.asarray(skimage.data.astronaut())
    assert np.abs(portraits.five_points(astronaut).numpy() - POINTS).max() < 6  # of 44 between the eyes
    for faces in ([], [found(POINTS)] * 2, [found(POINTS, score=0.55)]):
        monkeypatch.setattr(portraits, "find_faces", lambda image, faces=faces: faces)
        with pytest.raises(portraits.Doubtful, match="without one clear face"):
            portraits.five_points(astronaut)


def test_the_public_checkout_is_read_by_its_own_table(tmp_path: Path) -> None:
    (tmp_path / "members.csv").write_text(
        "Name,ICPSR,Congress,Born,Image\nDOE,15,100,1950,images/wiki/000015.jpg\nROE,16,101,,images/wiki/000016.jpg\n"
    )
    (tmp_path / "legislators.csv").write_text("icpsr_id,gender\n15,F\n")
    found = list(portraits.photographs(tmp_path, [tmp_path / "legislators.csv"]))
    assert [(one.number, one.sex, one.path) for one in found] == [
        ("000015", "F", tmp_path / "images/wiki/000015.jpg"),
        ("000016", "", tmp_path / "images/wiki/000016.jpg"),
    ]
    with pytest.raises(MissingFile, match=r"neither members\.csv nor portraits\.csv"):
        list(portraits.photographs(tmp_path / "none", []))


def test_puppets_of_a_portrait_become_pairs_whose_truth_is_true(checkout: Path, tmp_path: Path) -> None:
    folder, pool = tmp_path / "out", tmp_path / "pool"
    assert main(["prepare", "portraits", str(checkout), "-o", str(folder)]) == 0
    assert main(["prepare", "puppets", str(folder), "-o", str(pool), "--states", "2", "--seed", "3"]) == 0
    assert read_rows(str(pool)).images.shape == (1, 2, 3, 256, 256)
    pairs = mixed_pairs(2, [RenderPool(folder=str(pool))], torch.device("cpu"))(torch.Generator().manual_seed(0))
    assert pairs.truth is not None
    small = [F.interpolate(one, size=64, mode="bilinear", align_corners=True) for one in (pairs.source, pairs.driving)]
    shown = pairs.truth.shown[:, None]
    carried = ((warp(small[0], pairs.truth.flow) - small[1]).abs() * shown).mean()
    assert carried < 0.5 * ((small[0] - small[1]).abs() * shown).mean()
    assert main(["prepare", "puppets", str(folder), "-o", str(pool), "--held-out"]) == 2  # nobody is


def test_a_checkout_without_portraits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "portraits.csv").write_text("file,sex,born,last_congress\n")
    with pytest.raises(BadRequest, match="none of the 0 pictures"):
        prepare_portraits(tmp_path, tmp_path / "out")
    assert main(["prepare", "puppets", str(tmp_path / "none"), "-o", str(tmp_path / "pool")]) == 2
