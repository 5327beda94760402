"""The starters in bfloat16 and in float32: the same pictures to the eye, whatever the processor."""

from collections.abc import Callable

import numpy as np
import pytest

from deepfake_core.media.images import read_image
from deepfake_core.metrics.image import psnr
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.synthesizer import StyleSynthesizer
from deepfake_core.pipelines.translator import CycleTranslator
from deepfake_core.pixels import to_batch, to_unit
from deepfake_core.settings import Precision
from tests.pipelines.conftest import EXAMPLES

MEI, AMARA, BEN = (EXAMPLES / "portraits" / f"{name}.png" for name in ("mei", "amara", "ben"))
LEAST = 45.0
"""Decibels: 45 are a mean error of about one level of 255."""


def animated(precision: Precision) -> np.ndarray:
    animator = ImageAnimator.from_pretrained("fomm-starter", "cpu", precision=precision)
    assert animator.runtime.precision == precision
    return list(animator(MEI, [read_image(AMARA), read_image(BEN)]))[1]


def translated(precision: Precision) -> np.ndarray:
    return CycleTranslator.from_pretrained("cyclegan-starter-horse2zebra", "cpu", precision=precision)(MEI)


def edited(precision: Precision) -> np.ndarray:
    return AttributeEditor.from_pretrained("stargan-starter", "cpu", precision=precision)(MEI, {"Blond_Hair": True})


def styled(precision: Precision) -> np.ndarray:
    synthesizer = StyleSynthesizer.from_pretrained("starganv2-starter-heads", "cpu", precision=precision)
    return synthesizer.from_reference(MEI, AMARA, domain="female")


@pytest.mark.parametrize("make", [animated, translated, edited, styled])
def test_half_precision_is_not_seen(make: Callable[[Precision], np.ndarray]) -> None:
    half, full = (to_unit(to_batch([make(precision)])) for precision in ("bfloat16", "float32"))
    assert LEAST < psnr(half, full) < float("inf")  # close, but not the same computation
