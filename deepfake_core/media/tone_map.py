"""Clips in the colours of other screens than sRGB, such as HDR recordings of phones, as an sRGB screen shows them.

ffmpeg's `zscale` applies the system gamma of HLG to each channel instead of the luminance, which turns skin red (mean
error 5 of 255 where this table has 1), and its `tonemap` works in floats. A table of 33 x 33 x 33 colours does all in
one step: transfer function, brightness, primaries.
"""

from collections.abc import Callable
from functools import cache
from io import StringIO
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Colour = Float[np.ndarray, "*_ 3"]

GRID = 33
WHITE_NITS = 203.0
"""Brightness of a white sheet in HDR (ITU-R BT.2408), which becomes the white of sRGB."""
SCREEN_NITS = 1000.0
"""Peak brightness of the screen for which HLG is converted, and above which PQ is cut off."""
KNEE = 0.8
"""Share of white above which highlights are compressed: `SCREEN_NITS` still fit below white."""

LUMINANCE_2020 = np.array([0.2627, 0.6780, 0.0593])
TO_SRGB = {  # linear RGB in other primaries -> linear sRGB
    "bt2020": np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]),
    "smpte432": np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]),
}
"""Primaries by ffmpeg's names: BT.2020, and the Display P3 of phones."""


class Colours(NamedTuple):
    """How a clip stores colours, in ffmpeg's names; `unknown` where the file does not say."""

    matrix: str = "unknown"
    """From RGB to brightness and colour differences."""
    primaries: str = "unknown"
    transfer: str = "unknown"

    @property
    def need_conversion(self) -> bool:
        """Whether an sRGB screen would show them wrongly."""
        return self.primaries in TO_SRGB or self.transfer in HDR


def _pq(signal: Colour) -> Colour:
    """Light of SMPTE ST 2084 in units of `WHITE_NITS`."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = signal ** (1 / m2)
    nits = 10_000 * (np.maximum(root - c1, 0.0) / (c2 - c3 * root)) ** (1 / m1)
    return np.minimum(nits, SCREEN_NITS) / WHITE_NITS


def _hlg(signal: Colour) -> Colour:
    """Light of ITU-R BT.2100's hybrid log-gamma on a screen of `SCREEN_NITS`, in units of `WHITE_NITS`."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luminance = (scene @ LUMINANCE_2020)[..., None]
    return scene * luminance**0.2 * (SCREEN_NITS / WHITE_NITS)


def _sdr(signal: Colour) -> Colour:
    """Light of an sRGB signal, which the screen decodes whatever the file says."""
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


HDR: dict[str, Callable[[Colour], Colour]] = {"smpte2084": _pq, "arib-std-b67": _hlg}
"""Transfer functions of HDR by ffmpeg's names."""


def to_srgb(signal: Colour, colours: Colours) -> Colour:
    """The sRGB signal, from 0 to 1, that looks like `signal`, from 0 to 1, in other colours."""
    light = HDR.get(colours.transfer, _sdr)(signal)
    if colours.transfer in HDR:
        brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
        light = light * (_compressed(brightest) / brightest)  # one factor for all channels keeps the hue
    light = np.clip(light @ TO_SRGB.get(colours.primaries, np.eye(3)).T, 0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _compressed(light: Float[np.ndarray, "*_ 1"]) -> Float[np.ndarray, "*_ 1"]:
    """Light of at most `SCREEN_NITS` compressed to at most 1; unchanged below `KNEE`, smooth above."""
    most, room = SCREEN_NITS / WHITE_NITS - KNEE, 1.0 - KNEE
    above = np.maximum(light - KNEE, 0.0)
    curved = above * room * most / (above * (most - room) + room * most)  # slope 1 at the knee, `room` at `most`
    return np.where(light <= KNEE, light, KNEE + curved)


def table(colours: Colours) -> str:
    """The conversion to sRGB as a table in the `.cube` format of ffmpeg's `lut3d`."""
    hdr = colours.transfer in HDR
    primaries = colours.primaries if colours.primaries in TO_SRGB else "bt2020" if hdr else "bt709"
    return _table(Colours(primaries=primaries, transfer=colours.transfer if hdr else "bt709"))


@cache
def _table(colours: Colours) -> str:
    axis = np.linspace(0.0, 1.0, GRID)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")  # red changes fastest
    rows = to_srgb(np.stack((red, green, blue), axis=-1).reshape(-1, 3), colours)
    written = StringIO()
    np.savetxt(written, rows, fmt="%.5f", header=f"LUT_3D_SIZE {GRID}", comments="")
    return written.getvalue()
