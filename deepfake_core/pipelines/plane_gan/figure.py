"""Figures of a GAN in the plane as SVG: sharp at any size, light or dark, and a few kilobytes a frame.

Colours stand in the page's style sheet, by class.
"""

import base64
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from jaxtyping import Float
from torch import Tensor

from deepfake_core.pipelines.plane_gan.snapshot import REACH, Snapshot

SIDE = 480
"""Units of the figure's view box."""
REAL, MADE = (40, 120, 200), (214, 96, 20)
"""RGB of the field where the discriminator is certain."""
CHART = (480, 130)
SHOWN = 240
"""Points of a curve in a chart; longer ones are averaged to so many."""


def plane(snapshot: Snapshot) -> str:
    """The plane: field, grid, gradients, real and generated points."""
    layers = [
        f'<image href="{field_png(snapshot.field)}" width="{SIDE}" height="{SIDE}" preserveAspectRatio="none"/>',
        f'<path class="lines" d="{_polylines(_pixels(snapshot.lines))}"/>',
        f'<path class="arrows" d="{_polylines(_pixels(snapshot.arrows))}"/>',
        f'<path class="real" d="{_dots(_pixels(snapshot.real))}"/>',
        f'<path class="made" d="{_dots(_pixels(snapshot.made))}"/>',
    ]
    label = f"Step {snapshot.steps}: real and generated points over the discriminator's field"
    return f'<svg class="plane" viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{label}">{"".join(layers)}</svg>'


def field_png(field: Float[Tensor, "h w"]) -> str:
    """The field as a data URL: blue where the discriminator says real, orange for generated, clear where undecided."""
    share = field.float().flip(0).numpy()[..., None]
    colour = np.where(share >= 0.5, REAL, MADE)
    opacity = 200 * np.abs(2 * share - 1)
    pixels = np.concatenate((colour[..., ::-1], opacity), axis=2).astype(np.uint8)
    large = cv2.resize(pixels, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR)
    _, png = cv2.imencode(".png", large)
    return f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}"


def chart(title: str, curves: Sequence[tuple[str, Sequence[float]]], top: float | None = None) -> str:
    """Curves of a value by step from 0 to `top` (default: their maximum); each is a class name and its values."""
    width, height = CHART
    reduced = [(name, _reduced(values)) for name, values in curves]
    highest = top or max((float(values.max()) for _, values in reduced if len(values)), default=1.0) or 1.0
    parts = [f'<text x="4" y="14">{title}</text>', f'<text x="{width - 4}" y="14" class="end">{highest:.2g}</text>']
    for name, values in reduced:
        if not len(values):
            continue
        x = np.linspace(0, width, max(2, len(values)))[: len(values)]
        y = height - 2 - np.clip(values / highest, 0, 1) * (height - 24)
        parts.append(f'<path class="{name}" d="{_polylines(np.stack((x, y), axis=1)[None])}"/>')
    label = f"{title} by step"
    return f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def curves_html(history: Mapping[str, Sequence[float]], snapshot: Snapshot) -> str:
    """The losses by step, and a line of figures."""
    losses = chart("Losses: discriminator and generator", [*history.items()], top=3.0)
    covered = "" if snapshot.modes is None else f"{snapshot.modes[0]} of {snapshot.modes[1]} clusters covered · "
    figures = (
        f"step {snapshot.steps:,} · {covered}energy distance {snapshot.distance:.3f} · "
        f"mean gradient {snapshot.slope:.2g}"
    )
    return f'<p class="state" role="status">{figures}</p>{losses}'


def _reduced(values: Sequence[float]) -> Float[np.ndarray, "n"]:
    """At most `SHOWN` values: means of pieces of equal length."""
    array = np.asarray(values, dtype=np.float32)
    if len(array) <= SHOWN:
        return array
    return np.array([piece.mean() for piece in np.array_split(array, SHOWN)], dtype=np.float32)


def _pixels(points: Float[Tensor, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
    """Points of the plane in units of the view box; y points up in the plane and down in the picture."""
    scale = SIDE / (2 * REACH)
    unit = points.numpy()
    return np.stack(((unit[..., 0] + REACH) * scale, (REACH - unit[..., 1]) * scale), axis=-1)


def _polylines(lines: Float[np.ndarray, "l p 2"]) -> str:
    return "".join("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in line) for line in np.clip(lines, -99, 999))


def _dots(points: Float[np.ndarray, "n 2"]) -> str:
    """Dots as lines of length 0 with round ends: one path for all."""
    return "".join(f"M{x:.0f} {y:.0f}h0" for x, y in np.clip(points, -99, 999))
