"""Whether a finished file says all that it has to: for every test that walks a way out of the program."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import read_image
from deepfake_core.provenance.label import TEXT, patch_for, position_of
from deepfake_core.provenance.verify import Verification, verify
from deepfake_core.provenance.watermark import embed, payload_of

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
NEAR = 40
"""By how much lossy formats may move a pixel of the label."""


def assert_declared(path: Path, *, model: str, label: bool = True, must_be_watermarked: bool = True) -> Verification:
    """Assert that a file, or every frame in a folder, has a valid credential, XMP, the watermark and the label.

    Credential and watermark name `model`; `label` says whether the label must be present or absent.
    `must_be_watermarked` is off for pictures too small for the watermark. Returns the verification (of a folder, that
    of its first frame).
    """
    if path.is_dir():
        how: dict[str, Any] = {"model": model, "label": label, "must_be_watermarked": must_be_watermarked}
        first, *_ = [assert_declared(one, **how) for one in sorted(path.iterdir())]
        return first
    found = verify(path, models=["another", model])
    assert found.credential is not None, found
    assert (found.state, found.credential.problems) == ("valid", ()), found
    assert found.credential.whose, found
    assert (found.credential.model, found.credential.source_type) == (model, TRAINED), found
    assert found.xmp is not None and found.xmp.source_type == TRAINED, found
    if must_be_watermarked:
        assert found.watermark is not None and found.watermark.model == model, found
    assert shows_label(first_picture(path)) is label
    return found


def watermarked(image: np.ndarray, model: str) -> np.ndarray:
    """The pixels of a picture without its label as they are stored: with the mark of the model."""
    return embed(image, payload_of(model))


def first_picture(path: Path) -> np.ndarray:
    """The picture, or the video's first frame."""
    if path.suffix.lower() != ".mp4":
        return read_image(path)
    with read_frames(path) as stream:
        [frame] = islice(stream, 1)
        return frame


def shows_label(frame: np.ndarray, text: str = TEXT, place: str = "bottom-right") -> bool:
    """Whether the pixels in that corner can be what the label makes of any picture: white ink on a dark plate."""
    height, width, _ = frame.shape
    patch = patch_for(height, width, text)
    corner = frame[position_of(patch, height, width, place)].astype(float)
    possible = (corner >= patch.add - NEAR) & (corner <= patch.add + 255 * patch.keep + NEAR)
    ink = corner[patch.add[..., 0] > 200]
    return bool(possible.mean() > 0.97 and ink.mean() > 180)
