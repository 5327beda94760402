"""Random thin-plate splines, to which keypoints must be equivariant (FOMM, section 3.1, equivariance)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.motion import Keypoints, coordinate_grid

CONTROL_POINTS = 5  # per side
SIGMA_AFFINE, SIGMA_SPLINE = 0.05, 0.005  # standard deviations of the random transforms


@dataclass(frozen=True, kw_only=True, slots=True)
class ThinPlateSpline:
    """T(z) = A z + sum_c w_c |z - c|_1^2 log |z - c|_1, the same shift in x and y; one transform per batch item."""

    affine: Float[Tensor, "b 2 3"]
    weights: Float[Tensor, "b 1 c"]

    def points(self, z: Float[Tensor, "b n 2"]) -> Float[Tensor, "b n 2"]:
        """T(z) for points of the grid [-1, 1]."""
        moved = z @ self.affine[:, :, :2].mT + self.affine[:, None, :, 2]
        controls = coordinate_grid(CONTROL_POINTS, CONTROL_POINTS, device=z.device, dtype=z.dtype).view(1, 1, -1, 2)
        distance = (z[:, :, None] - controls).abs().sum(dim=-1)  # (b, n, c)
        bend = (distance.square() * torch.log(distance + 1e-6) * self.weights).sum(dim=-1, keepdim=True)
        return moved + bend

    def image(self, x: Float[Tensor, "b c h w"], *, align_corners: bool = True) -> Float[Tensor, "b c h w"]:
        """The image whose pixel z shows `x` at T(z), with reflection padding."""
        batch, _, height, width = x.shape
        grid = coordinate_grid(height, width, device=x.device, dtype=x.dtype).view(1, -1, 2).expand(batch, -1, -1)
        moved = self.points(grid).view(batch, height, width, 2)
        return F.grid_sample(x, moved, padding_mode="reflection", align_corners=align_corners)

    def jacobian(self, z: Float[Tensor, "b n 2"]) -> Float[Tensor, "b n 2 2"]:
        """dT/dz; differentiable with respect to `z`."""
        with torch.enable_grad():
            z = z if z.requires_grad else z.detach().requires_grad_()
            moved = self.points(z)
            rows = [
                torch.autograd.grad(moved[..., axis].sum(), z, create_graph=z.grad_fn is not None, retain_graph=True)[0]
                for axis in range(2)
            ]
        return torch.stack(rows, dim=-2)


def random_spline(batch: int, generator: torch.Generator, device: torch.device | str = "cpu") -> ThinPlateSpline:
    """Draw transforms near the identity; all randomness comes from `generator`."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(batch, *shape, generator=generator, device=generator.device).to(device)

    affine = torch.eye(2, 3, device=device) + SIGMA_AFFINE * normal(2, 3)
    return ThinPlateSpline(affine=affine, weights=SIGMA_SPLINE * normal(1, CONTROL_POINTS**2))


def equivariance_terms(
    spline: ThinPlateSpline, driving: Keypoints, transformed: Keypoints
) -> dict[str, Float[Tensor, ""]]:
    """Eq. 7 and 9: keypoints of the transformed image, mapped by T, equal those of the image itself.

    position: mean |p - T(p')|;  jacobian: mean |1 - J^-1 (T'(p') J')|.
    """
    terms = {"equivariance_position": (driving.position - spline.points(transformed.position)).abs().mean()}
    if driving.jacobian is not None and transformed.jacobian is not None:
        carried = spline.jacobian(transformed.position) @ transformed.jacobian
        ratio = torch.linalg.inv(driving.jacobian.float()) @ carried.float()
        terms["equivariance_jacobian"] = (torch.eye(2, device=ratio.device) - ratio).abs().mean()
    return terms
