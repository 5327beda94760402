"""A motion template drives a portrait exactly as its clip does, holds no picture, and nothing in it is executed."""

import contextlib
import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepfake_core.errors import BadRequest, MissingFile
from deepfake_core.motion import Keypoints
from deepfake_core.pipelines import motion_template
from deepfake_core.pipelines.animation import AnimationRequest, animate
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.events import Finished
from deepfake_core.pipelines.motion_template import MotionTemplate, record
from deepfake_core.provenance.verify import verify
from tests.pipelines.conftest import EXAMPLES

CLIP = EXAMPLES / "clips" / "nod.mp4"
PORTRAIT = EXAMPLES / "portraits" / "amara.png"


@pytest.fixture(scope="module")
def template(animator: ImageAnimator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return animator.record(CLIP, tmp_path_factory.mktemp("templates") / "nod.npz")


@pytest.mark.parametrize(
    "how",
    [{}, {"transfer": "absolute"}, {"smoothing": 0.6, "strength": 1.5}, {"adapt_scale": False}],
    ids=["relative", "absolute", "smoothed", "own scale"],
)
def test_it_gives_the_frames_of_its_clip(animator: ImageAnimator, template: Path, how: dict[str, Any]) -> None:
    expected = np.stack(list(animator(PORTRAIT, CLIP, **how))).astype(int)
    made = np.stack(list(animator(PORTRAIT, template, **how))).astype(int)
    assert made.shape == expected.shape and np.abs(made - expected).max() <= 1


def test_holds_and_late_starts_are_kept(animator: ImageAnimator, tmp_path: Path) -> None:
    late = animator.record(CLIP, tmp_path / "late.npz", start=0.4)
    recorded = MotionTemplate.load(late)
    assert recorded.motions[:11] == ("hold",) * 10 + ("start",) and len(recorded.starts.position) == 1
    expected = list(animator(PORTRAIT, CLIP, start=0.4))
    for made, wanted in zip(animator(PORTRAIT, late), expected, strict=True):
        assert np.abs(made.astype(int) - wanted).max() <= 1


def test_motion_is_measured_from_the_start_that_it_names(
    animator: ImageAnimator, template: Path, tmp_path: Path
) -> None:
    """Which is another frame's than its own where a clip fades in."""
    recorded = MotionTemplate.load(template)
    moved = recorded.starts._replace(position=recorded.starts.position + 0.2)
    other = replace(recorded, starts=moved).save(tmp_path / "other.npz")
    pairs = zip(animator(PORTRAIT, template), animator(PORTRAIT, other), strict=True)
    assert all((first != second).any() for first, second in pairs)


def test_it_is_small_and_holds_keypoints_alone(animator: ImageAnimator, template: Path) -> None:
    assert template.stat().st_size < 40_000
    with np.load(template) as arrays:
        assert set(arrays) == {
            "weights", "rate", "motions", "moving_position", "moving_jacobian", "starts_position", "starts_jacobian",
        }  # fmt: skip
        assert arrays["moving_position"].shape[1:] == (animator.network.config.keypoints, 2)


def test_a_file_made_by_it_is_signed_and_names_it_as_an_input(
    animator: ImageAnimator, template: Path, tmp_path: Path
) -> None:
    request = AnimationRequest(source=PORTRAIT, driving=template, output=tmp_path / "made.mp4", paste_back=True)
    *steps, done = animate(animator, request)
    assert isinstance(done, Finished) and done.files[0].facts["frames"] == len(steps)
    credential = verify(tmp_path / "made.mp4").credential
    assert credential is not None and credential.state == "valid"


def test_weights_and_options_that_do_not_fit_are_told(animator: ImageAnimator, template: Path, tmp_path: Path) -> None:
    other = replace(MotionTemplate.load(template), weights="fomm-vox").save(tmp_path / "other.npz")
    with pytest.raises(BadRequest, match="recorded with fomm-vox"):
        list(animator(PORTRAIT, other))
    request = AnimationRequest(source=PORTRAIT, driving=template, output=tmp_path / "a.mp4")
    for wrong in ({"side_by_side": tmp_path / "b.mp4"}, {"best_frame": True}):
        with pytest.raises(BadRequest, match="holds no pictures"):
            list(animate(animator, replace(request, **wrong)))
    assert not list(tmp_path.glob("*.mp4"))


def test_recording_says_what_is_missing(animator: ImageAnimator, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="needs an output"):
        list(record(animator, AnimationRequest(source=PORTRAIT, driving=CLIP)))
    with pytest.raises(BadRequest, match=r"ends in \.npz"):
        animator.record(CLIP, tmp_path / "motion.txt")
    with pytest.raises(MissingFile):
        MotionTemplate.load(tmp_path / "nowhere.npz")


class Evil:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return print, ("executed",)


def impossible(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(arrays: dict[str, Any]) -> None:
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value(arrays[name])

    return change


BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "code": impossible("weights", lambda _: np.array([Evil()], dtype=object)),
    "not a number": impossible("moving_position", lambda old: old * np.nan),
    "far away": impossible("starts_position", lambda old: old + 1e6),
    "no rate": impossible("rate", lambda _: np.array([25, 0])),
    "a long rate": impossible("rate", lambda _: np.array([25, 1, 1])),
    "a frame less": impossible("motions", lambda old: old[:-1]),
    "an unknown motion": impossible("motions", lambda old: old + 7),
    "no start": impossible("motions", lambda old: np.ones_like(old)),
    "other Jacobians": impossible("moving_jacobian", lambda old: old[:, 1:]),
    "words": impossible("moving_position", lambda old: np.full(old.shape, "x")),
    "a long name": impossible("weights", lambda _: np.array("x" * 1_000)),
    "a name of two lines": impossible("weights", lambda _: np.array("fomm\nstarter")),
    "nothing": impossible("starts_position", None),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_file_is_one_sentence(
    how: str, template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(template) as stored:
        arrays = dict(stored)
    BROKEN[how](arrays)
    path = tmp_path / "broken.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadRequest, match="is not a motion template"):
        MotionTemplate.load(path)
    assert "executed" not in capsys.readouterr().out


def test_neither_a_text_nor_a_bomb_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "text.npz"
    text.write_text("no archive")
    with pytest.raises(BadRequest, match="is not a motion template"):
        MotionTemplate.load(text)
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("motions.npy", bytes(200_000))
    monkeypatch.setattr(motion_template, "MAX_BYTES", 100_000)
    with pytest.raises(BadRequest, match="record a shorter clip"):
        MotionTemplate.load(bomb)


def test_bytes_changed_at_random_give_a_template_or_a_sentence(template: Path, tmp_path: Path) -> None:
    dice, path = random.Random(0), tmp_path / "changed.npz"
    for _ in range(300):
        content = bytearray(template.read_bytes())
        for _ in range(3):
            content[dice.randrange(len(content))] = dice.randrange(256)
        path.write_bytes(content)
        with contextlib.suppress(BadRequest):
            MotionTemplate.load(path)


def test_an_array_larger_than_its_file_is_not_made(template: Path, tmp_path: Path) -> None:
    path, header = tmp_path / "vast.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**13, 2, 2)})
    with zipfile.ZipFile(template) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, header.getvalue() if name == "moving_position.npy" else old.read(name))
    with pytest.raises(BadRequest, match="is not a motion template"):
        MotionTemplate.load(path)


def test_keypoints_without_jacobians_are_kept(tmp_path: Path) -> None:
    points = Keypoints(torch.rand(3, 4, 2))
    template = MotionTemplate(
        weights="fomm-taichi", rate=Fraction(30000, 1001), motions=("hold", "start", "move", "move"),
        moving=points, starts=Keypoints(points.position[:1]),
    )  # fmt: skip
    again = MotionTemplate.load(template.save(tmp_path / "points.npz"))
    assert again.moving.jacobian is None and again.rate == template.rate and again.motions == template.motions
    torch.testing.assert_close(again.moving.position, points.position)
