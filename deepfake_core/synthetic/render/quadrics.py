"""Smooth unions of ellipsoids, and their first intersections with rays.

Everything solid in the starter world is a smooth union of ellipsoids. Ellipsoid k is the quadric
g_k(p) = p'M_k p - 2 m_k'p + c_k, scaled so that near its surface g_k is about the distance to it; the union is
f(p) = -w log sum_k exp(-g_k(p) / w), negative inside, where w is the blend width in head units.

A *pencil* of rays gives each picture point h = (x, y, 1) the ray P h + tau D h. Along a ray every g_k is a quadratic
in tau, and its three coefficients are quadratic forms in h, so they come from one small matrix product. Because
f(tau) = min over weights of sum_k weight_k g_k(tau) - w entropy(weights), freezing the weights gives a quadratic that
touches f from above: its first root is inside the union or on its face, and repeating the step converges to the face.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

TINY = 1e-12  # the square root of a tensor with exact zeros in it is ten times slower on some processors


class Quadrics(NamedTuple):
    """k ellipsoids of a solid in its own frame."""

    form: Float[Tensor, "b k 3 3"]  # M
    slope: Float[Tensor, "b k 3"]  # m
    level: Float[Tensor, "b k"]  # c
    centre: Float[Tensor, "b k 3"]
    spread: Float[Tensor, "b k 3 3"]  # inverse of M before scaling: squared extents along each axis on its diagonal


class Pencil(NamedTuple):
    """Rays origin @ h + tau * direction @ h in the frame of a solid."""

    origin: Float[Tensor, "b 3 3"]
    direction: Float[Tensor, "b 3 3"]


class Cast(NamedTuple):
    """Coefficients of g_k(tau) = (a tau + 2 b) tau + c for every ray."""

    a: Float[Tensor, "b k n"]
    b: Float[Tensor, "b k n"]
    c: Float[Tensor, "b k n"]


class Hit(NamedTuple):
    """The first intersection of each ray with a solid, or its closest point."""

    tau: Float[Tensor, "b n"]
    gap: Float[Tensor, "b n"]  # about the distance by which the ray misses; 0 where it hits
    point: Float[Tensor, "b 3 n"]
    normal: Float[Tensor, "b 3 n"]


def ellipsoids(
    centre: Float[Tensor, "b k 3"], radii: Float[Tensor, "b k 3"], tilt: Float[Tensor, "b k 2"] | None = None
) -> Quadrics:
    """Ellipsoids from centres and radii, rotated by `tilt` about z, then about x (radians)."""
    inverse, square = torch.diag_embed(radii**-2), torch.diag_embed(radii**2)
    if tilt is not None:
        turn = _about_x(tilt[..., 1]) @ _about_z(tilt[..., 0])
        inverse, square = turn @ inverse @ turn.mT, turn @ square @ turn.mT
    form = inverse * (0.5 * radii.mean(-1))[..., None, None]
    slope = (form @ centre[..., None])[..., 0]
    level = (slope * centre).sum(-1) - 0.5 * radii.mean(-1)
    return Quadrics(form, slope, level, centre, square)


def basis(points: Float[Tensor, "#b n 2"]) -> Float[Tensor, "#b 6 n"]:
    """The monomials 1, x, y, xx, xy, yy of picture points, in which quadratic forms in (x, y, 1) are linear."""
    x, y = points.unbind(-1)
    return torch.stack((torch.ones_like(x), x, y, x * x, x * y, y * y), 1)


def cast(solid: Quadrics, pencil: Pencil, monomials: Float[Tensor, "#b 6 n"]) -> Cast:
    """Restrict every ellipsoid to every ray of the pencil."""
    origin, direction = pencil.origin[:, None], pencil.direction[:, None]  # (b, 1, 3, 3)
    last = torch.tensor((0.0, 0.0, 1.0), device=origin.device)
    at_origin = solid.form @ origin - solid.slope[..., None] * last  # (b, k, 3, 3)
    a = direction.mT @ solid.form @ direction
    b = direction.mT @ at_origin
    c = origin.mT @ at_origin - last[:, None] * (solid.slope[:, :, None] @ origin)
    c = c + solid.level[..., None, None] * (last[:, None] * last)
    a, b, c = (_coefficients(form) @ monomials for form in (a, b, c))
    return Cast(a, b, c)


def union(rays: Cast, tau: Float[Tensor, "b n"], blend: float) -> Float[Tensor, "b n"]:
    """f at a depth along each ray: about the distance to the solid, negative inside."""
    g = torch.addcmul(rays.c, torch.addcmul(2 * rays.b, rays.a, tau[:, None]), tau[:, None])
    return _blend(g, blend)[2]


def first_hit(
    solid: Quadrics, pencil: Pencil, rays: Cast, points: Float[Tensor, "#b n 2"], blend: float, steps: int = 2
) -> Hit:
    """Find the first point of the solid on each ray, or the closest one where the ray misses.

    Two steps leave a mean error of 0.001 head units, four of 0.0001.
    """
    tau, slope2 = _start(rays), 2 * rays.b
    for step in range(steps + 1):
        g = torch.addcmul(rays.c, torch.addcmul(slope2, rays.a, tau[:, None]), tau[:, None])
        weight, total, f = _blend(g, blend)
        if step == steps:
            break
        curve = (weight * rays.a).sum(1) / total
        slope = curve * tau + (weight * rays.b).sum(1) / total
        tau = tau - (slope + torch.addcmul(slope * slope, curve, f, value=-1).clamp_min_(TINY).sqrt_()) / curve
    weight = weight / total[:, None]
    h = torch.cat((points.mT, torch.ones_like(points.mT[:, :1])), 1)  # (b, 3, n)
    point = torch.addcmul(pencil.origin @ h, pencil.direction @ h, tau[:, None])
    gradient = 2 * _gradient(solid, weight, point)
    length = (gradient * gradient).sum(1).sqrt_().clamp_min_(1e-6)
    return Hit(tau, (f / length).clamp_min_(0), point, gradient / length[:, None])


def settle(solid: Quadrics, point: Float[Tensor, "b 3 n"], blend: float, steps: int = 4) -> Float[Tensor, "b 3 n"]:
    """Project points along z on to the surface of the solid; where the surface is edge-on, they stay."""
    for _ in range(steps):
        pull = torch.einsum("bkij,bjn->bkin", solid.form, point)
        g = ((pull - 2 * solid.slope[..., None]) * point[:, None]).sum(2) + solid.level[..., None]
        weight, total, f = _blend(g, blend)
        rise = 2 * _gradient(solid, weight / total[:, None], point)[:, 2]
        step = f * rise / (rise * rise + 1e-3)
        point = torch.cat((point[:, :2], (point[:, 2] - step)[:, None]), 1)
    return point


def _start(rays: Cast) -> Float[Tensor, "b n"]:
    """The first root of any single ellipsoid; if all are missed, the depth of closest approach."""
    reach = torch.addcmul(rays.b * rays.b, rays.a, rays.c, value=-1)
    missed = reach.clamp_max(0)
    order = reach.clamp_min_(TINY).sqrt_().add_(rays.b).add_(missed, alpha=1e4).div_(rays.a)
    best = order.amax(1, keepdim=True)  # minus the first root; far lower where every ellipsoid is missed
    chosen = order.sub_(best).mul_(1e4).add_(1).clamp_min_(0)  # 1 for the best ellipsoid, 0 for nearly all others
    a, b, c = ((chosen * field).sum(1) for field in rays)
    return -(b + torch.addcmul(b * b, a, c, value=-1).clamp_min_(TINY).sqrt_()) / a


def _blend(
    g: Float[Tensor, "b k n"], blend: float
) -> tuple[Float[Tensor, "b k n"], Float[Tensor, "b n"], Float[Tensor, "b n"]]:
    """Unscaled shares of the ellipsoids, their sum, and f; shares are clamped to avoid slow denormal numbers."""
    low = g.amin(1, keepdim=True)
    weight = (low - g).mul_(1 / blend).clamp_min_(-40).exp_()
    total = weight.sum(1)
    return weight, total, low[:, 0] - blend * total.log()


def _gradient(solid: Quadrics, weight: Float[Tensor, "b k n"], point: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 3 n"]:
    """Half the gradient of f: the weighted sum of M_k p - m_k."""
    table = torch.cat((solid.form.flatten(2), solid.slope), 2)  # (b, k, 12)
    mixed = table.mT @ weight  # (b, 12, n)
    form, slope = mixed[:, :9].unflatten(1, (3, 3)), mixed[:, 9:]
    return (form * point[:, None]).sum(2) - slope


def _coefficients(form: Float[Tensor, "b k 3 3"]) -> Float[Tensor, "b k 6"]:
    """A quadratic form in (x, y, 1) in the order of `basis`."""
    f = form + form.mT
    half = torch.diagonal(form, dim1=-2, dim2=-1)
    return torch.stack((half[..., 2], f[..., 0, 2], f[..., 1, 2], half[..., 0], f[..., 0, 1], half[..., 1]), -1)


def _about_z(angle: Tensor) -> Tensor:
    c, s, o, i = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack((c, -s, o, s, c, o, o, o, i), -1).unflatten(-1, (3, 3))


def _about_x(angle: Tensor) -> Tensor:
    c, s, o, i = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack((i, o, o, o, c, -s, o, s, c), -1).unflatten(-1, (3, 3))
