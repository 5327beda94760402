"""A recording that a browser streamed has no length in its header, and breaks off; it is whole all the same."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

from deepfake_core.media.decode import probe, read_frames
from tests.media.clips import ffmpeg


def test_a_streamed_webm_is_not_called_damaged(tmp_path: Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25"]
    command += ["-frames:v", "25", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-live", "1", "-f", "webm", "-"]
    path = tmp_path / "webcam.webm"
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout[:-1])
    assert probe(path).frames is None
    with read_frames(path) as stream:
        assert len(list(stream)) >= 24 and stream.warning is None


def test_a_truncated_webm_is(tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole.webm", tmp_path / "torn.webm"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:r=25", "-frames:v", "50", "-c:v", "libvpx-vp9", "-g", "10", whole)
    torn.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    with read_frames(torn) as stream:
        assert 1 <= len(list(stream)) < 50 and stream.warning is not None
