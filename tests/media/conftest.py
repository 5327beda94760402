"""Clips that several tests read."""

from pathlib import Path

import pytest

from tests.media.clips import ffmpeg, make_clip


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of clips: plain.mp4, sound.mp4, long.mp4, rotated.mp4, variable.mp4, sound.m4a, tiny.gif, ..."""
    folder = tmp_path_factory.mktemp("clips")
    make_clip(folder / "plain.mp4")
    make_clip(folder / "sound.mp4", frames=50, sound=2.0)
    make_clip(folder / "long.mp4", frames=100, size="160x120")
    make_clip(folder / "odd.mp4", size="65x49", frames=5, extra=("-pix_fmt", "yuv444p"))
    make_clip(folder / "one.mp4", frames=1)
    make_clip(folder / "tiny.gif", rate="10", frames=12)
    make_clip(folder / "web.webm", frames=12, sound=0.48)
    ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", folder / "sound.m4a")
    for angle in (90, 180, 270):
        ffmpeg(
            "-display_rotation", str(angle), "-i", folder / "plain.mp4", "-c", "copy", folder / f"rotated{angle}.mp4"
        )
    uneven = "setpts=if(lt(N\\,30)\\,N/30\\,1+(N-30)/10)/TB,settb=1/600"  # 30 frames in a second, then 20 in two
    pattern = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=30")
    variable = ("-vf", uneven, "-fps_mode", "passthrough", "-pix_fmt", "yuv420p")
    ffmpeg(*pattern, *variable, "-frames:v", "50", folder / "variable.mp4")
    return folder
