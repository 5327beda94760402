"""The figures of a GAN in the plane."""

import base64
import re
from dataclasses import replace
from xml.etree import ElementTree

import cv2
import numpy as np
import torch

from deepfake_core.pipelines.plane_gan.figure import MADE, REAL, SIDE, chart, curves_html, field_png, plane
from deepfake_core.pipelines.plane_gan.snapshot import REACH, take
from deepfake_core.pipelines.plane_gan.training import PlaneGan, PlaneGanSettings

SNAPSHOT = take(PlaneGan(PlaneGanSettings()))


def test_points_are_where_they_are_in_the_plane() -> None:
    points = torch.tensor([[0.0, 0.0], [REACH, REACH], [-REACH, 0.0]])
    svg = plane(replace(SNAPSHOT, real=points, made=points))
    assert f"M{SIDE // 2} {SIDE // 2}h0M{SIDE} 0h0M0 {SIDE // 2}h0" in svg
    ElementTree.fromstring(svg)
    assert len(svg) < 60_000


def pixels_of(field: torch.Tensor) -> np.ndarray:
    png = base64.b64decode(field_png(field).partition(",")[2])
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return pixels


def test_the_field_is_blue_above_where_the_upper_half_is_real() -> None:
    field = torch.zeros(48, 48)
    field[24:] = 1.0  # the first row is the lowest
    pixels = pixels_of(field)
    assert tuple(pixels[0, 0, 2::-1]) == REAL
    assert tuple(pixels[-1, 0, 2::-1]) == MADE
    assert pixels[0, 0, 3] == 200


def test_an_undecided_field_is_clear() -> None:
    assert not pixels_of(torch.full((48, 48), 0.5))[..., 3].any()


def test_a_long_curve_is_reduced() -> None:
    svg = chart("Losses", [("generator", [1.0] * 10_000)], top=2.0)
    assert len(re.findall(r"[ML]", svg.partition('class="generator"')[2])) == 240
    ElementTree.fromstring(svg)


def test_the_line_of_figures() -> None:
    text = curves_html(
        {"generator": [], "discriminator": []}, replace(SNAPSHOT, steps=1200, modes=(5, 8), distance=0.25)
    )
    assert "step 1,200 · 5 of 8 clusters covered · energy distance 0.250" in text
