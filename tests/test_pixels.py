"""Bytes survive the way to a network and back in both ranges; what lies beyond a range is clipped, not wrapped."""

import numpy as np
import torch

from deepfake_core.pixels import from_batch, from_signed, from_unit, to_batch, to_signed, to_unit

EVERY = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)


def test_every_byte_comes_back() -> None:
    pixels = to_batch([EVERY])
    for there, back, low in ((to_unit, from_unit, 0.0), (to_signed, from_signed, -1.0)):
        values = there(pixels)
        assert (float(values.min()), float(values.max())) == (low, 1.0)
        np.testing.assert_array_equal(from_batch(back(values))[0], EVERY)


def test_what_lies_beyond_the_range_is_clipped() -> None:
    beyond = torch.tensor([-3.0, 3.0])
    assert from_unit(beyond).tolist() == from_signed(beyond).tolist() == [0, 255]
