"""Solids of ellipsoids, seen by the camera: a sphere has known depths, normals and outlines."""

import torch
from torch.testing import assert_close

from deepfake_core.synthetic.render.camera import DISTANCE, FOCAL, Frame, pencil
from deepfake_core.synthetic.render.quadrics import basis, cast, ellipsoids
from deepfake_core.synthetic.render.solids import Solid, bounds, see

WORLD = Frame(torch.eye(3)[None], torch.zeros(1, 3), torch.ones(1))
OUTLINE = FOCAL / (DISTANCE**2 - 1) ** 0.5
"""Radius in the picture of a sphere of radius 1 about the origin."""


def sphere() -> Solid:
    return Solid(ellipsoids(torch.zeros(1, 1, 3), torch.ones(1, 1, 3)), WORLD, pencil(WORLD), blend=0.05)


def test_a_sphere_is_hit_at_its_front_and_missed_beside_its_outline() -> None:
    points = torch.tensor([[(0.0, 0.0), (0.95 * OUTLINE, 0.0), (1.1 * OUTLINE, 0.0)]])
    layer = see(sphere(), points, pixel=torch.full((1, 1), 0.01), steps=6)
    assert_close(layer.alpha, torch.tensor([[1.0, 1.0, 0.0]]))
    assert_close(layer.hit.tau[0, 0], torch.tensor(-1.0), atol=1e-4, rtol=0)
    assert_close(layer.hit.point[..., :2].norm(dim=1), torch.ones(1, 2), atol=1e-3, rtol=0)
    assert_close(layer.hit.normal[..., :2], layer.hit.point[..., :2], atol=1e-3, rtol=0)


def test_coefficients_along_rays_are_those_of_the_quadratic_form(rng: torch.Generator) -> None:
    solid = ellipsoids(
        torch.rand(1, 3, 3, generator=rng), torch.rand(1, 3, 3, generator=rng) + 0.5, torch.rand(1, 3, 2, generator=rng)
    )
    rays, points, tau = pencil(WORLD), torch.rand(1, 10, 2, generator=rng), torch.rand(1, 10, generator=rng)
    h = torch.cat((points.mT, torch.ones(1, 1, 10)), 1)
    at = rays.origin @ h + tau[:, None] * (rays.direction @ h)
    form = torch.einsum("bin,bkij,bjn->bkn", at, solid.form, at)
    expected = form - 2 * solid.slope @ at + solid.level[..., None]
    found = cast(solid, rays, basis(points))
    assert_close((found.a * tau + 2 * found.b) * tau + found.c, expected, atol=1e-4, rtol=0)


def test_bounds_hold_the_outline_closely() -> None:
    left, right, top, bottom = bounds(sphere())[0]
    assert_close(torch.stack((left, top)), torch.stack((-right, -bottom)))
    assert OUTLINE < right < 1.35 * OUTLINE
