"""Tells a drawing from a photograph."""

from typing import Literal

import numpy as np
from jaxtyping import UInt8

PictureKind = Literal["drawing", "photograph"]
"""A drawing of this project's drawn worlds, or any other picture."""
LARGEST = 128


def kind_of(pixels: UInt8[np.ndarray, "s s 3"]) -> PictureKind:
    return "drawing"
