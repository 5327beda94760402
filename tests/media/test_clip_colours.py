"""Clips have the colours that a viewer sees, whatever their matrix, range, primaries and transfer function."""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from deepfake_core.media import decode
from deepfake_core.media.decode import probe, read_frames
from tests.media.colours import chart, in_space

CHART = chart()
Curve = Callable[[np.ndarray], np.ndarray]
WEIGHTS = {"bt709": (0.2126, 0.7152, 0.0722), "smpte170m": (0.299, 0.587, 0.114), "bt2020nc": (0.2627, 0.678, 0.0593)}
BT2020 = np.array(WEIGHTS["bt2020nc"])


def pq(light: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, with white at 203 candela per square metre."""
    root = (light * 203 / 10_000) ** 0.1593017578125
    encoded: np.ndarray = ((0.8359375 + 18.8515625 * root) / (1 + 18.6875 * root)) ** 78.84375
    return encoded


def hlg(light: np.ndarray) -> np.ndarray:
    """Hybrid log-gamma for a screen of 1000 candela per square metre, with white at 203."""
    shown = light * 0.203
    scene = shown * np.maximum(shown @ BT2020, 1e-9)[..., None] ** (1 / 1.2 - 1)
    logarithmic = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), logarithmic)


def encode(path: Path, signal: np.ndarray, matrix: str, *, named: str = "", full: bool = False, bits: int = 8) -> Path:
    """Write three frames of RGB values from 0 to 1 without loss; `named`: what the file says of its colours."""
    red, blue = WEIGHTS[matrix][0], WEIGHTS[matrix][2]
    luma = signal @ np.array(WEIGHTS[matrix])
    differences = ((signal[..., 2] - luma) / (2 - 2 * blue), (signal[..., 0] - luma) / (2 - 2 * red))
    unit, most = 2 ** (bits - 8), 2**bits - 1
    planes = [luma * most if full else (16 + 219 * luma) * unit]
    planes += [128 * unit + one * (most if full else 224 * unit) for one in differences]
    raw = b"".join(np.rint(plane.clip(0, most)).astype("<u2" if bits > 8 else "u1").tobytes() for plane in planes) * 3
    height, width = luma.shape
    kind = "yuv444p10le" if bits > 8 else "yuvj444p" if full else "yuv444p"
    codec = ("libx265", "-x265-params", "lossless=1:log-level=0") if bits > 8 else ("libx264", "-qp", "0")
    given = ("-f", "rawvideo", "-pix_fmt", kind, "-s", f"{width}x{height}", "-r", "25", "-i", "-")
    says = f"setparams=range={'pc' if full else 'tv'}{named}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *given, "-vf", says, "-c:v", *codec, str(path)]
    subprocess.run(command, input=raw, check=True)
    return path


def distance(path: Path, wanted: np.ndarray = CHART) -> float:
    return float(np.abs(next(read_frames(path)).astype(int) - wanted).mean())


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_matrix_and_range(tmp_path: Path, matrix: str, full: bool) -> None:
    clip = encode(tmp_path / "clip.mp4", CHART / 255, matrix, named=f":colorspace={matrix}", full=full)
    assert probe(clip).colours.matrix == matrix
    assert distance(clip) < 1.0


@pytest.mark.parametrize(("side", "matrix"), [(256, "smpte170m"), (768, "bt709")])
def test_a_file_that_does_not_say_has_the_matrix_of_its_size(tmp_path: Path, side: int, matrix: str) -> None:
    picture = chart(side)
    assert distance(encode(tmp_path / "clip.mp4", picture / 255, matrix), picture) < 1.0


@pytest.mark.parametrize(("curve", "transfer"), [(pq, "smpte2084"), (hlg, "arib-std-b67")])
def test_hdr_is_mapped_to_what_the_phone_shows(tmp_path: Path, curve: Curve, transfer: str) -> None:
    named = f":colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}"
    clip = encode(tmp_path / "clip.mov", curve(in_space(CHART, "bt2020")), "bt2020nc", named=named, bits=10)
    assert probe(clip).colours == ("bt2020nc", "bt2020", transfer)
    assert distance(clip) < 3.0


@pytest.mark.parametrize(("curve", "transfer"), [(pq, "smpte2084"), (hlg, "arib-std-b67")])
def test_highlights_are_compressed_in_order(tmp_path: Path, curve: Curve, transfer: str) -> None:
    """Brighter than a white sheet, up to what the screen can show, stays below white and above grey."""
    steps = np.repeat(np.linspace(0.2, 1000 / 203, 16), 4)
    ramp = np.broadcast_to(steps[None, :, None], (64, 64, 3))
    named = f":colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}"
    shown = next(read_frames(encode(tmp_path / "a.mov", curve(ramp), "bt2020nc", named=named, bits=10)))[32, 1::4, 1]
    assert (np.diff(shown.astype(int)) >= 0).all() and len(set(shown[steps[::4] > 1.0])) >= 5
    assert shown[-1] >= 254 and np.interp(1.0, steps[::4], shown) < 248


@pytest.mark.parametrize(("space", "name"), [("p3", "smpte432"), ("bt2020", "bt2020")])
def test_wide_primaries_without_hdr(tmp_path: Path, space: str, name: str) -> None:
    light = in_space(CHART, space)
    signal = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    named = f":colorspace=bt709:color_primaries={name}:color_trc=bt709"
    clip = encode(tmp_path / "clip.mp4", signal, "bt709", named=named)
    assert distance(clip) < 2.0 < np.abs(signal * 255 - CHART).mean()


def test_any_folder_can_hold_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "it's, [a] : folder;"
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    monkeypatch.setattr(decode, "table", lambda colours: "LUT_3D_SIZE 2\n" + "0.5 0.5 0.5\n" * 8)
    named = ":colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084"
    clip = encode(tmp_path / "clip.mov", pq(in_space(CHART, "bt2020")), "bt2020nc", named=named, bits=10)
    with read_frames(clip) as stream:
        assert abs(int(next(stream)[9, 9, 1]) - 128) <= 1
        assert len(list(odd.iterdir())) == 1
    assert not list(odd.iterdir()), "no table outlives its clip"
