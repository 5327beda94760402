"""FOMM's reconstruction table: figures whose values are known."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from deepfake_core.errors import BadRequest, MissingFile
from deepfake_core.motion import Keypoints
from deepfake_core.networks.fomm import Encoded, FirstOrderModel, Generated
from train.recipes.fomm.evaluate import Reconstructed, Sums, compared, evaluate_fomm, reconstruct_clip, table


class Halfway(FirstOrderModel):
    """Moves the source half of the way to a picture as bright as the driving one, which its keypoint tells."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def keypoint_detector(self, image: Tensor) -> Keypoints:  # type: ignore[override]
        return Keypoints(image.mean((1, 2, 3))[:, None, None].expand(-1, 1, 2))

    def encode(self, source: Tensor) -> Encoded:
        return Encoded(source, source, source)

    def generate(self, encoded: Encoded, source: Keypoints, driving: Keypoints) -> Generated:
        change = (driving.position - source.position)[:, 0, 0, None, None, None]
        return Generated(encoded.image + 0.5 * change, None)  # type: ignore[arg-type]


def grey(level: int) -> Tensor:
    return torch.full((16, 16, 3), level, dtype=torch.uint8)


def test_half_of_the_motion_arrives() -> None:
    clip = [grey(51), *[grey(153)] * 9, *[grey(255)] * 3]  # 9 frames change by .4, 3 by .8
    found = reconstruct_clip(Halfway(), iter(clip), torch.device("cpu"))
    row = Reconstructed.of("clip", found)
    assert row.frames == 12
    assert row.motion == pytest.approx(0.5, abs=1e-3)
    assert row.still_l1 == pytest.approx(0.5, abs=1e-3)
    assert row.l1 == pytest.approx(0.25, abs=1e-3)
    assert row.psnr - row.still_psnr == pytest.approx(6.02, abs=0.01)


def test_the_still_frame_is_what_nothing_moved_would_get() -> None:
    still, real = torch.zeros(2, 3, 16, 16), torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    nothing = Reconstructed.of("nothing", compared(still, real, still))
    assert (nothing.l1, nothing.psnr, nothing.ssim) == (nothing.still_l1, nothing.still_psnr, nothing.still_ssim)
    assert nothing.motion == 0
    perfect = Reconstructed.of("perfect", compared(still, real, real))
    assert perfect.l1 == 0
    assert perfect.motion == pytest.approx(1)
    assert perfect.ssim == pytest.approx(1, abs=1e-4)


def test_clips_add_up_by_their_frames() -> None:
    total = Reconstructed.of("all", Sums(frames=1, l1=0.1, moved=1.0) + Sums(frames=3, l1=0.9, moved=1.0, followed=1.0))
    assert total.l1 == pytest.approx(0.25)
    assert total.motion == 0.5
    assert "| all | 4 | 0.2500 (0.0000" in table([total])


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no clip in"):
        evaluate_fomm("fomm-starter", tmp_path, torch.device("cpu"))
    with pytest.raises(MissingFile, match="there is no folder"):
        evaluate_fomm("fomm-starter", tmp_path / "none", torch.device("cpu"))
