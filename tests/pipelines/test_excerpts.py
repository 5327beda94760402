"""A trimmed example clip is recognised by its frames; any other clip is not."""

import subprocess
from fractions import Fraction
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from deepfake_core.media.decode import read_frames
from deepfake_core.pipelines.excerpts import Fingerprints, fingerprints, is_excerpt
from deepfake_core.provenance.writer import Origin, open_video

CLIPS = Path(__file__).parents[2] / "examples" / "clips"


@pytest.fixture(scope="module")
def originals() -> dict[str, Fingerprints]:
    return {path.stem: fingerprints(path) for path in sorted(CLIPS.glob("*.mp4"))}


def trimmed(target: Path, name: str = "sing", *options: str) -> Path:
    """What the page's scissors make: from second 1 to 2, encoded again."""
    begin = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(CLIPS / f"{name}.mp4")]
    command = [*begin, "-ss", "1", "-to", "2", *options, str(target)]
    subprocess.run(command, check=True)
    return target


@pytest.mark.parametrize("options", [(), ("-crf", "32"), ("-an",)])
def test_a_trimmed_example_is_an_excerpt(originals, tmp_path: Path, options: tuple[str, ...]):
    clip = trimmed(tmp_path / "trimmed.mp4", "sing", *options)
    assert is_excerpt(clip, originals.values())
    assert not is_excerpt(clip, [originals["nod"], originals["look-around"]])


def test_frames_of_two_examples_are_none(originals, tmp_path: Path):
    frames = [*read_frames(CLIPS / "sing.mp4")][:5] + [*read_frames(CLIPS / "nod.mp4")][:5]
    assert not is_excerpt(written(frames, tmp_path / "mixed.mp4"), originals.values())


def test_an_example_with_something_in_it_is_none(originals, tmp_path: Path):
    frames = [frame.copy() for frame in read_frames(CLIPS / "sing.mp4")][:10]
    for frame in frames[5:]:
        cv2.circle(frame, (60, 60), 40, (200, 60, 60), -1)
    assert not is_excerpt(written(frames, tmp_path / "changed.mp4"), originals.values())


def test_a_longer_clip_and_no_originals_are_none(originals, tmp_path: Path):
    frames = [*read_frames(CLIPS / "sing.mp4")]
    assert not is_excerpt(written(frames * 2, tmp_path / "twice.mp4"), originals.values())
    assert not is_excerpt(CLIPS / "sing.mp4", [])


def written(frames: list[np.ndarray], path: Path) -> Path:
    origin = Origin(model="none", source_type="algorithmicMedia")
    with open_video(path, rate=Fraction(25), origin=origin, label=False) as video:
        for frame in frames:
            video.write(frame)
    return path
