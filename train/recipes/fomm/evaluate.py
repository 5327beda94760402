"""`python -m train evaluate fomm --data FOLDER`: the paper's reconstruction table, a clip a row.

The protocol of Siarohin et al. (2019), section 4: the first frame of a clip is moved by all the others (keypoints as
they are found, nothing relative) and compared with them. Frames are the clips' centre squares. Beside each figure
stands that of the still first frame, which is what a model that moves nothing would get.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from deepfake_core.device import DEVICES, choose_device
from deepfake_core.errors import BadRequest, MissingFile
from deepfake_core.hub.store import load
from deepfake_core.metrics import psnr, ssim
from deepfake_core.motion import Keypoints
from deepfake_core.networks.fomm import FirstOrderModel
from deepfake_core.pixels import to_unit
from train.recipes.fomm.data import CLIPS, square

AT_ONCE = 8  # frames that go through the network together


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Sums over frames, so that clips of several lengths can be added up; every frame counts alike."""

    frames: int = 0
    l1: float = 0.0
    still_l1: float = 0.0
    psnr: float = 0.0
    still_psnr: float = 0.0
    ssim: float = 0.0
    still_ssim: float = 0.0
    followed: float = 0.0
    moved: float = 0.0

    def __add__(self, other: "Sums") -> "Sums":
        pairs = zip(asdict(self).items(), asdict(other).values(), strict=True)
        return Sums(**{name: mine + theirs for (name, mine), theirs in pairs})


@dataclass(frozen=True, kw_only=True, slots=True)
class Reconstructed:
    """Means over the frames of a clip, or of all clips."""

    name: str
    frames: int
    l1: float
    """Mean absolute difference of pixels in [0, 1]."""
    still_l1: float
    psnr: float
    """Decibels."""
    still_psnr: float
    ssim: float
    still_ssim: float
    motion: float
    """How much of the clip's change arrives: <made - first, frame - first> / |frame - first|^2; 0 for the still frame,
    1 for a perfect reconstruction."""

    @classmethod
    def of(cls, name: str, sums: Sums) -> "Reconstructed":
        """Raises `ZeroDivisionError` for no frames; a clip in which nothing moves has the motion 1."""
        means = {
            key: value / sums.frames
            for key, value in asdict(sums).items()
            if key not in ("frames", "followed", "moved")
        }
        return cls(name=name, frames=sums.frames, motion=sums.followed / sums.moved if sums.moved else 1.0, **means)


def whole_clip(path: Path, size: int) -> Iterator[UInt8[Tensor, "s s 3"]]:
    """The centre squares of all frames."""
    from deepfake_core.media.decode import read_frames  # a bare GPU machine has no ffmpeg, and needs none

    with read_frames(path) as stream:
        for frame in stream:
            yield square(frame, size)


@torch.no_grad()
def reconstruct_clip(model: FirstOrderModel, frames: Iterator[UInt8[Tensor, "s s 3"]], device: torch.device) -> Sums:
    """Move the first frame by each of the others, a few at a time, and add up how near the results come."""
    first = to_picture([next(frames)], device)
    here, encoded, sums = model.keypoint_detector(first), model.encode(first), Sums()
    while batch := [frame for _, frame in zip(range(AT_ONCE), frames, strict=False)]:
        driving = to_picture(batch, device)
        count = len(driving)
        slopes = None if here.jacobian is None else here.jacobian.expand(count, -1, -1, -1)
        source = Keypoints(here.position.expand(count, -1, -1), slopes)
        made = model.generate(encoded.repeat(count), source, model.keypoint_detector(driving)).prediction.clamp(0, 1)
        sums += compared(first.expand_as(driving).contiguous(), driving, made)
    return sums


def to_picture(frames: Sequence[UInt8[Tensor, "s s 3"]], device: torch.device) -> Float[Tensor, "b 3 s s"]:
    return to_unit(torch.stack(list(frames)).to(device).permute(0, 3, 1, 2))


def compared(still: Tensor, real: Tensor, made: Tensor) -> Sums:
    """Figures of some frames."""
    change = (real - still).double()
    return Sums(
        frames=len(real),
        l1=float((made - real).abs().mean((1, 2, 3)).sum()), still_l1=float((still - real).abs().mean((1, 2, 3)).sum()),
        psnr=float(psnr(made, real).sum()), still_psnr=float(psnr(still, real).sum()),
        ssim=float(ssim(made, real).sum()), still_ssim=float(ssim(still, real).sum()),
        followed=float(((made - still).double() * change).sum()), moved=float(change.square().sum()),
    )  # fmt: skip


def evaluate_fomm(weights: str, data: Path, device: torch.device) -> list[Reconstructed]:
    """A row for every clip of a folder, in the order of their names, and one for all their frames together.

    Raises `MissingFile` for a folder that is not there, and `BadRequest` for one without clips.
    """
    if not data.is_dir():
        raise MissingFile(f"there is no folder {data}; name a folder of clips with --data")
    paths = sorted(path for path in data.iterdir() if path.suffix.lower() in CLIPS)
    if not paths:
        raise BadRequest(f"no clip in {data}; put videos ({', '.join(CLIPS)}) there")
    model = load(weights, "fomm").network.to(device).eval()
    assert isinstance(model, FirstOrderModel)
    found = [(path.stem, reconstruct_clip(model, whole_clip(path, model.config.size), device)) for path in paths]
    total = sum((sums for _, sums in found), Sums())
    return [Reconstructed.of(name, sums) for name, sums in (*found, ("all frames", total))]


def table(rows: Sequence[Reconstructed]) -> str:
    """Markdown; in brackets the still first frame."""
    lines = ["| clip | frames | L1 | PSNR dB | SSIM | motion |", "|---|---|---|---|---|---|"]
    for row in rows:
        change = row.l1 / max(row.still_l1, 1e-9) - 1
        lines.append(
            f"| {row.name} | {row.frames} | {row.l1:.4f} ({row.still_l1:.4f}, {change:+.0%}) "
            f"| {row.psnr:.2f} ({row.still_psnr:.2f}) | {row.ssim:.3f} ({row.still_ssim:.3f}) | {row.motion:.0%} |"
        )
    return "\n".join(lines)


NOTE = "In brackets: the still first frame. AKD and AED are not measured: no landmark or identity network is used here."


def main(arguments: Sequence[str]) -> None:
    """Print the table of one model."""
    options = argparse.ArgumentParser(prog="python -m train evaluate", description="Measure a model on a folder.")
    options.add_argument("recipe", choices=["fomm"], help="which paper")
    options.add_argument("--data", type=Path, required=True, metavar="DIR", help="a folder of clips")
    options.add_argument("--weights", default="fomm-starter", metavar="NAME|FILE", help="default: fomm-starter")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    options.add_argument("--device", choices=DEVICES, default="auto", help="default: the fastest one here")
    asked = options.parse_args(arguments)
    rows = evaluate_fomm(asked.weights, asked.data, choose_device(asked.device))
    print(f"{table(rows)}\n\n{NOTE}")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
