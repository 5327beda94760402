"""Image animation against the truth that drawn heads have: the source itself, drawn in the driver's relative pose."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from benchmarks.drawings import held_out, save_sheet, to_frames, to_tensor
from benchmarks.report import Bar, Report, Row
from deepfake_core import ImageAnimator
from deepfake_core.metrics import average_keypoint_distance, psnr, ssim, temporal_difference
from deepfake_core.synthetic.heads import HeadIdentity, HeadState, draw, sample_identity, sample_state
from deepfake_core.synthetic.motions import relative_state, turning_clip

Frames = UInt8[np.ndarray, "t h w 3"]
LATER = 6  # frames that are compared; the initial one, where nothing has moved yet, is not
RATE = 2.5  # frames a second: they span 2.4 seconds, in which a head turns and talks
BAR = 3.0  # dB of PSNR above both baselines


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A source, a driver's clip (its first frame is the initial one), and what the source should look like in it."""

    source: UInt8[np.ndarray, "s s 3"]
    driving: Frames
    truth: Frames


def held_out_scene(index: int, size: int) -> Scene:
    """The scene with that number, the same on every machine."""
    generator = held_out(index)
    source, driver = (sample_identity(1, generator) for _ in range(2))
    start = sample_state(1, generator, spread=0.5)
    clip = turning_clip(LATER + 1, generator, rate=RATE)
    still = HeadState(*(part.expand(LATER + 1) for part in start))
    wanted = relative_state(still, clip, clip.pick(slice(0, 1)))
    return Scene(
        source=drawn(source, start, size)[0], driving=drawn(driver, clip, size), truth=drawn(source, wanted, size)
    )


def drawn(who: HeadIdentity, states: HeadState, size: int) -> Frames:
    """One head in each state."""
    same = who.pick(torch.zeros(len(states.yaw), dtype=torch.long))
    return to_frames(draw(same, states, size).image)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One way of answering, on one scene: means over the later frames."""

    psnr: float
    ssim: float
    keypoints: float
    """Average distance of keypoints, in pixels of 256."""
    liveliness: float
    """Change from frame to frame, as a share of the truth's."""


MEASURES = ("psnr", "ssim", "keypoints", "liveliness")


def measure_quality(
    weights: str | None = None, *, count: int = 32, sheet: Path | None = None, device: str = "auto"
) -> Report:
    """Animate held-out heads by relative transfer through the public class, and compare."""
    animator = ImageAnimator.from_pretrained(weights, device=device)
    return compare(animator, count, sheet)


def compare(animator: ImageAnimator, count: int, sheet: Path | None = None) -> Report:
    """The report on one loaded model."""
    found: dict[str, list[Measured]] = {"animated": [], "repeat the source": [], "copy the driver": []}
    columns = []
    for index in range(count):
        scene = held_out_scene(index, animator.size)
        moved = animator(scene.source, list(scene.driving), transfer="relative", adapt_scale=True, crop="none")
        animated = np.stack(list(moved))
        answers = {
            "animated": animated,
            "repeat the source": np.broadcast_to(scene.source, scene.truth.shape),
            "copy the driver": scene.driving,
        }
        detect = detector(animator)
        for name, frames in answers.items():
            found[name].append(judge(np.ascontiguousarray(frames), scene.truth, detect))
        columns.append((scene.source, *scene.driving[[0, -1]], animated[-1], scene.truth[-1]))
    if sheet:
        save_sheet(sheet, list(zip(*columns, strict=True)))
    return report(animator, found)


def detector(animator: ImageAnimator) -> Callable[[Frames], Float[Tensor, "t k 2"]]:
    """The model's own keypoint detector, in pixels of a picture with 256."""
    return lambda frames: animator.keypoints(list(frames)).position.cpu() * 255 / 2


def judge(frames: Frames, truth: Frames, detect: Callable[[Frames], Float[Tensor, "t k 2"]]) -> Measured:
    """Compare all but the initial frame."""
    made, right = to_tensor(frames), to_tensor(truth)
    changes = [float(temporal_difference(clip).mean()) for clip in (made, right)]
    return Measured(
        psnr=float(psnr(made[1:], right[1:]).mean()),
        ssim=float(ssim(made[1:], right[1:]).mean()),
        keypoints=float(average_keypoint_distance(detect(frames[1:]), detect(truth[1:])).mean()),
        liveliness=changes[0] / changes[1],
    )


def report(animator: ImageAnimator, found: dict[str, list[Measured]]) -> Report:
    """Means and spread over the heads, and the margins."""
    means = {
        name: {measure: float(np.mean([getattr(one, measure) for one in scenes])) for measure in MEASURES}
        for name, scenes in found.items()
    }
    margins = {name: means["animated"]["psnr"] - means[name]["psnr"] for name in found if name != "animated"}
    ahead = {
        name: sum(a.psnr > b.psnr for a, b in zip(found["animated"], found[name], strict=True)) for name in margins
    }
    heads = len(found["animated"])
    notes = (
        *(f"{margins[name]:+.2f} dB beside '{name}'; better on {ahead[name]} of {heads} heads" for name in margins),
        f"Means over {heads} held-out heads of {animator.size} px, {LATER} frames each, relative transfer, weights "
        f"{animator.name}. AKD: mean distance of keypoints that the model's own detector finds in result and truth, "
        "in pixels of 256. Motion: change from frame to frame as a share of the truth's.",
    )
    return Report(
        title="quality fomm",
        columns=("PSNR dB", "SSIM", "AKD px", "motion"),
        rows=tuple(
            Row(
                name=name,
                values=(f"{m['psnr']:.2f}", f"{m['ssim']:.3f}", f"{m['keypoints']:.2f}", f"{m['liveliness']:.2f}"),
            )
            for name, m in means.items()
        ),
        notes=notes,
        bars=(Bar(claim=f"PSNR at least {BAR:g} dB above both baselines", met=min(margins.values()) >= BAR),),
        figures={"weights": animator.name, "heads": heads, "means": means, "margins_db": margins, "heads_ahead": ahead},
    )
