"""Tells a drawing from a photograph by statistics of its pixels.

Drawings of this project's worlds have smooth surfaces between sharp edges, few grey levels, and no noise; photographs
have noise and texture everywhere, even when they were saved as JPEG. 47 such statistics go through a small neural
network (one hidden layer), which was fitted to half of a set of portraits and to drawings, each in several sizes and as
JPEG; `python -m benchmarks kinds` measures the error on the other half.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

PictureKind = Literal["drawing", "photograph"]
"""A drawing of this project's drawn worlds, or any other picture."""
SMALLEST, LARGEST = 16, 128
"""Sides in pixels at which pictures are judged: larger ones are to be reduced to the larger, tiny ones enlarged
to the smaller."""
WEIGHTS = Path(__file__).with_suffix(".json")
LUMA = np.array((0.299, 0.587, 0.114), np.float32)
SPREAD = 4.0
"""Standardised statistics are limited to this range: a picture beyond all known ones is no surer for it."""

Plane = Float[np.ndarray, "h w"]


class Layers(NamedTuple):
    """The fitted numbers: mean and deviation of the statistics, hidden layer, output."""

    mean: Float[np.ndarray, "n"]
    deviation: Float[np.ndarray, "n"]
    weights: Float[np.ndarray, "k n"]
    biases: Float[np.ndarray, "k"]
    output: Float[np.ndarray, "k"]
    bias: float


def kind_of(pixels: UInt8[np.ndarray, "s s 3"]) -> PictureKind:
    """Judge a square of 16 to `LARGEST` pixels; larger ones are judged less well."""
    return "photograph" if score(pixels) > 0 else "drawing"


def score(pixels: UInt8[np.ndarray, "s s 3"]) -> float:
    """The logarithm of the odds that it is a photograph."""
    fitted = layers()
    known = np.clip((statistics(pixels) - fitted.mean) / fitted.deviation, -SPREAD, SPREAD)
    hidden = np.maximum(0, fitted.weights @ known + fitted.biases)
    return float(fitted.output @ hidden + fitted.bias)


@lru_cache(maxsize=1)
def layers() -> Layers:
    """The fitted numbers, read once."""
    content = json.loads(WEIGHTS.read_text())
    return Layers(**{name: np.array(content[name]) for name in Layers._fields[:-1]}, bias=content["bias"])


def statistics(pixels: UInt8[np.ndarray, "s s 3"]) -> Float[np.ndarray, "n"]:
    """Edges and smoothness at two scales, saturation, brightness, number of grey levels, and edges of colour."""
    colours = pixels.astype(np.float32)
    grey = colours @ LUMA
    high, low = colours.max(axis=2), colours.min(axis=2)
    return np.array(
        [
            *_edges(grey),
            *_edges(_halved(grey)),
            *quantiles((high - low) / (high + 1), 0.1, 0.5, 0.9),
            *(value / 255 for value in quantiles(grey, 0.05, 0.25, 0.5, 0.75, 0.95)),
            entropy(np.bincount((grey / 4).astype(int).ravel(), minlength=64) / grey.size),
            *_colour_edges(colours[..., 2] - grey),
            *_colour_edges(colours[..., 0] - grey),
        ]
    )


def _edges(grey: Plane) -> list[float]:
    """How strong second and first differences are, how much is flat, and whether noise or edges prevail."""
    inside = grey[1:-1, 1:-1]
    up, down, left, right = grey[:-2, 1:-1], grey[2:, 1:-1], grey[1:-1, :-2], grey[1:-1, 2:]
    second, first = np.abs(4 * inside - up - down - left - right), np.hypot(right - left, down - up) / 2
    shares = (0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
    return [
        *logarithms(quantiles(second, *shares)),
        *logarithms(quantiles(first, *shares)),
        float((first < 1).mean()),
        float(np.log((second.mean() + 0.5) / (first.mean() + 0.5))),
        *logarithms([float(first.mean())]),
    ]


def _colour_edges(difference: Plane) -> list[float]:
    """How strongly a difference of colour changes between neighbours."""
    steps = np.abs(np.diff(difference, axis=0)[:, :-1]) + np.abs(np.diff(difference, axis=1)[:-1])
    return logarithms(quantiles(steps, 0.25, 0.5, 0.75, 0.95))


def _halved(grey: Plane) -> Float[np.ndarray, "h2 w2"]:
    even = grey[: grey.shape[0] // 2 * 2, : grey.shape[1] // 2 * 2]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def quantiles(values: np.ndarray, *shares: float) -> list[float]:
    """The values below which these shares of all values lie."""
    ordered = np.sort(values, axis=None)
    return [float(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) for share in shares]


def entropy(shares: np.ndarray) -> float:
    """In nats."""
    known = shares[shares > 0]
    return float(-(known * np.log(known)).sum())


def logarithms(values: list[float]) -> list[float]:
    """Of differences in grey levels; a quarter of a level is added, which rounding hides."""
    return [float(np.log(0.25 + value)) for value in values]
