"""Laws of the visible label: in its corner and nowhere else, seen on any ground, at any size."""

import numpy as np
import pytest

from deepfake_core.provenance.label import label, patch_for, position_of, with_strip
from deepfake_core.settings import PLACES
from tests.provenance.declared import shows_label

SIZES = [(64, 64), (128, 128), (256, 256), (90, 160), (720, 1280), (2160, 3840), (64, 300), (300, 64)]


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [*SIZES, (16, 16), (17, 400), (400, 17), (37, 51)])
def test_only_the_corner_changes(height: int, width: int) -> None:
    frame = noise(height, width)
    before = frame.copy()
    labelled = label(frame)
    changed = np.argwhere((labelled != frame).any(axis=2))
    patch = patch_for(height, width)
    top, left = height - patch.margin - patch.keep.shape[0], width - patch.margin - patch.keep.shape[1]
    assert len(changed) > 20
    assert (changed.min(axis=0) >= (top, left)).all()
    assert (changed.max(axis=0) < (height - patch.margin, width - patch.margin)).all()
    np.testing.assert_array_equal(frame, before)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_small_but_legible(height: int, width: int) -> None:
    patch = patch_for(height, width)
    rows, columns = np.nonzero(patch.add[..., 0] > 128)
    assert np.ptp(rows) + 1 >= 6
    assert 12 <= np.ptp(columns) + 1 <= max(0.4 * width, 14)
    assert patch.keep.size < 0.3 * height * width
    if min(height, width) >= 256:
        assert patch.keep.size < 0.03 * height * width


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_ink_stands_out_on_any_ground(ground: int) -> None:
    labelled = label(np.full((256, 256, 3), ground, np.uint8)).astype(float) / 255
    patch = patch_for(256, 256)
    corner = labelled[
        -patch.margin - patch.keep.shape[0] : -patch.margin, -patch.margin - patch.keep.shape[1] : -patch.margin, 0
    ]
    luminance = np.where(
        corner <= 0.04045, corner / 12.92, ((corner + 0.055) / 1.055) ** 2.4
    )  # WCAG's relative luminance
    plate = np.median(luminance[patch.add[..., 0] < 1])
    assert (luminance.max() + 0.05) / (plate + 0.05) > 4.5


def test_drawn_once_for_a_stream() -> None:
    patch_for.cache_clear()
    for index in range(10):
        label(np.full((96, 128, 3), index, np.uint8))
    assert patch_for.cache_info().misses == 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_it_stands_in_the_corner_that_is_set(
    place: str, height: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFAKE_LABEL_PLACE", place)
    frame = noise(height, width)
    labelled = label(frame)
    patch = patch_for(height, width)
    corner = position_of(patch, height, width, place)
    outside = np.ones((height, width), bool)
    outside[corner] = False
    np.testing.assert_array_equal(labelled[outside], frame[outside])
    assert [one for one in PLACES if shows_label(labelled, place=one)] == [place]


def test_it_says_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = noise(512, 512)
    usual = label(frame)
    monkeypatch.setenv("DEEPFAKE_LABEL_TEXT", "Made by class 4b")
    other = label(frame)
    assert shows_label(other, "Made by class 4b") and not shows_label(usual, "Made by class 4b")
    np.testing.assert_array_equal(label(noise(64, 64)), _usual(noise(64, 64)))  # too small for it: "AI"


def _usual(frame: np.ndarray) -> np.ndarray:
    patch, labelled = patch_for(*frame.shape[:2]), frame.copy()
    corner = position_of(patch, *frame.shape[:2])
    labelled[corner] = np.rint(frame[corner] * patch.keep + patch.add).astype(np.uint8)
    return labelled


def test_who_runs_the_program_can_switch_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_LABEL", "off")
    frame = noise(64, 64)
    np.testing.assert_array_equal(label(frame), frame)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("height", "width"), [(128, 512), (256, 256), (768, 256), (1024, 1792)])
def test_a_strip_keeps_the_label_off_a_grid(
    height: int, width: int, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFAKE_LABEL_PLACE", place)
    grid = noise(height, width)
    labelled = label(with_strip(grid))
    own = labelled[-height:] if place.startswith("top") else labelled[:height]
    np.testing.assert_array_equal(own, grid)
    assert 0 < len(labelled) - height < 0.2 * min(height, width)
    assert shows_label(labelled, place=place)


def test_a_grid_without_a_label_gets_no_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_LABEL", "off")
    assert with_strip(noise(64, 64)).shape == (64, 64, 3)
