"""The charts show the numbers that they get."""

import numpy as np
import pytest
import torch

from deepfake_core.pipelines.charts import (
    HEAT,
    MOST,
    SIDE,
    bars,
    difference,
    difference_panel,
    heat_picture,
    in_panels,
    plane,
    shares,
)
from deepfake_core.pipelines.point_map import PointMap, principal


def test_a_difference_is_the_mean_over_the_colours():
    one, other = torch.rand(2, 3, 5, 7) * 2 - 1
    expected = np.abs(one.numpy() - other.numpy()).mean(axis=0)
    np.testing.assert_allclose(difference(one, other), expected, atol=1e-6)
    caption, picture = difference_panel("d", one, other)
    assert caption == f"d: {expected.mean():.3f}" and picture.shape == (5, 7, 3)


def test_no_difference_is_black_and_a_large_one_is_the_brightest():
    values = np.array([[0.0, MOST / 2, MOST, 2.0]], np.float32)
    picture = heat_picture(values)[0]
    assert [tuple(one) for one in picture] == [HEAT[0], HEAT[2], HEAT[4], HEAT[4]]
    assert (np.diff(heat_picture(np.linspace(0, MOST, 50)[None]).astype(int).sum(axis=-1)) >= 0).all()


def test_panels_keep_their_order_and_none_is_an_empty_place():
    red, blue = (np.full((8, 8, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 0, 200)))
    picture = in_panels([("a", red), None, ("b", blue), ("c", red)], columns=2)
    middles = [picture[y, x] for y in (SIDE // 2 + 30, -SIDE // 2) for x in (SIDE // 2, -SIDE // 2)]
    assert [tuple(one) for one in middles] == [(200, 0, 0), (255, 255, 255), (0, 0, 200), (200, 0, 0)]


def test_a_plane_is_shown_as_pixels_are():
    assert [plane(value, 2, 2)[0, 0, 0] for value in (-2.0, -1.0, 0.0, 1.0, 1.1)] == [0, 0, 128, 255, 255]


def test_bars_rise_and_fall_with_their_values():
    picture = bars(np.array([1.0, 0.5, -1.0]), 1.0, 90, 100).astype(int)
    heights = [int((picture[:, x].sum(axis=1) < 600).sum()) for x in (12, 42, 72)]
    assert heights[0] == pytest.approx(50, abs=2) and heights[1] == pytest.approx(25, abs=2)
    assert heights[2] == pytest.approx(50, abs=2) and (picture[10, 72] == 255).all() and (picture[90, 12] == 255).all()


def test_a_share_is_as_long_as_its_value():
    picture = shares([("one", (0.5, 1.0))], ("a", "b")).astype(int)
    ink = [int((picture[44 + bar * 26 + 12, 170:480].sum(axis=1) < 500).sum()) for bar in (0, 1)]
    assert ink[0] == pytest.approx(155, abs=2) and ink[1] == pytest.approx(310, abs=2)


def test_principal_components_keep_the_distances_of_a_plane():
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.normal(size=(16, 2)))
    flat = rng.normal(size=(40, 2)) * (3, 1)
    points = flat @ axes.T + rng.normal(size=16)
    places, own, share = principal(points, points[:5])
    far = lambda at: np.linalg.norm(at[:, None] - at[None], axis=-1)  # noqa: E731
    np.testing.assert_allclose(far(places), far(flat), atol=1e-9)
    np.testing.assert_allclose(own, places[:5], atol=1e-9)
    assert share == pytest.approx(1) and places[:, 0].std() > places[:, 1].std()


def test_the_plane_is_that_of_the_largest_variances():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(500, 6)) * (1, 5, 1, 1, 9, 1)
    places, _, share = principal(points, points[:1])
    assert abs(np.corrcoef(places[:, 0], points[:, 4])[0, 1]) > 0.99
    assert abs(np.corrcoef(places[:, 1], points[:, 1])[0, 1]) > 0.99
    assert share == pytest.approx(106 / 110, abs=0.02)


def test_places_on_a_map_have_one_scale_and_up_is_up():
    corners = np.array([[-2.0, -1.0], [2.0, 1.0], [0.0, 0.0]])
    chart = PointMap(corners, 300)
    (left, bottom), (right, top), middle = (chart.at(place) for place in corners)
    assert middle == (150, 150) and left == chart.MARGIN and right == 300 - chart.MARGIN and top < bottom
    assert (right - left) == pytest.approx(2 * (bottom - top))


def test_thumbnails_cover_neither_one_another_nor_the_chosen_styles():
    rng = np.random.default_rng(2)
    places, own = rng.normal(size=(200, 2)), np.zeros((1, 2))
    chart = PointMap(places, 600)
    chosen = chart.apart(places, 80, own, 8)
    at = np.array([chart.at(place) for place in places[chosen]])
    gaps = np.abs(at[:, None] - at[None]).max(axis=-1) + 1000 * np.eye(len(at))
    assert len(chosen) == 8 and gaps.min() >= 80
    assert np.abs(at - chart.at(own[0])).max(axis=-1).min() >= 40
