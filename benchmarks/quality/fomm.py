"""Image animation against the truth that drawn heads have: the source itself, drawn in the driver's relative pose."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from benchmarks.images import held_out, save_grid, to_frames, to_tensor
from benchmarks.quality.detail import NOTE, Detail, detail_figures, measure_detail
from benchmarks.report import Figure, Report, Row
from deepfake_core import ImageAnimator
from deepfake_core.metrics import average_keypoint_distance, psnr, ssim, temporal_difference
from deepfake_core.synthetic.heads import HeadIdentity, HeadState, draw, sample_identity, sample_state
from deepfake_core.synthetic.heads.motions import relative_state, turning_clip
from deepfake_core.synthetic.heads.truth import KEYPOINT_LANDMARKS, LANDMARKS

Frames = UInt8[np.ndarray, "t h w 3"]
SUPERVISED = [LANDMARKS.index(name) for name in KEYPOINT_LANDMARKS]
LATER = 6  # frames that are compared; the initial one, without motion, is not
RATE = 2.5  # frames per second: they span 2.4 seconds, in which a head turns and talks
VIDEO = 25.0  # frames per second of the burst, in which jumps are visible
BURST = (0, *range(30, 36))  # its frames: the initial one, then consecutive ones
PSNR_BAR = 6.0  # dB above both baselines
SSIM_BAR = 0.85
KEYPOINT_BAR = 4.0  # pixels of 256
DETAIL_BAR = 0.85  # what a turning head uncovers is guessed
JUMP_BAR = 1.5  # largest change from frame to frame, as a multiple of the truth's


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A source, a driving clip whose first frame is the initial one, and the true animation."""

    source: UInt8[np.ndarray, "s s 3"]
    driving: Frames
    truth: Frames
    landmarks: Float[Tensor, "t k 2"]
    """Landmarks of the truth that supervise the starters' keypoints, in their order."""
    visible: Bool[Tensor, "t k"]


def held_out_scene(index: int, size: int) -> Scene:
    """The scene with this index, the same on every machine, sampled at a low frame rate."""
    return scene_at(index, size, RATE, tuple(range(LATER + 1)))


def held_out_burst(index: int, size: int) -> Scene:
    """The same head and driver; the frames after the initial one are consecutive video frames."""
    return scene_at(index, size, VIDEO, BURST)


def scene_at(index: int, size: int, rate: float, places: tuple[int, ...]) -> Scene:
    """Some frames of the held-out scene with this index; the first is the initial one."""
    generator = held_out(index)
    source, driver = (sample_identity(1, generator) for _ in range(2))
    start = sample_state(1, generator, spread=0.5)
    clip = turning_clip(max(places) + 1, generator, rate=rate).pick(torch.tensor(places))
    still = HeadState(*(part.expand(len(places)) for part in start))
    wanted = relative_state(still, clip, clip.pick(slice(0, 1)))
    same = source.pick(torch.zeros(len(places), dtype=torch.long))
    picture = draw(same, wanted, size)
    return Scene(
        source=drawn(source, start, size)[0], driving=drawn(driver, clip, size), truth=to_frames(picture.image),
        landmarks=picture.landmarks[:, SUPERVISED], visible=picture.visible[:, SUPERVISED],
    )  # fmt: skip


def drawn(who: HeadIdentity, states: HeadState, size: int) -> Frames:
    """Draw one head in each state."""
    same = who.pick(torch.zeros(len(states.yaw), dtype=torch.long))
    return to_frames(draw(same, states, size).image)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The metrics of one method on one scene: means over all frames but the initial one."""

    psnr: float
    ssim: float
    keypoints: float
    """Average keypoint distance (AKD) of result and truth by the model's own detector, in pixels at 256."""
    landmarks: float
    """Distance of detected keypoints to the visible landmarks of the drawn truth, in pixels at 256. Meaningful only for
    models whose keypoints were supervised by these landmarks, as the starters' are."""
    liveliness: float
    """Change from frame to frame, relative to the truth's."""


MEASURES = ("psnr", "ssim", "keypoints", "landmarks", "liveliness")


def measure_quality(
    weights: str | None = None, *, count: int = 64, samples: Path | None = None, device: str = "auto"
) -> Report:
    """Animate held-out heads by relative motion with the public class, and compare."""
    animator = ImageAnimator.from_pretrained(weights, device=device)
    return compare(animator, count, samples)


def compare(animator: ImageAnimator, count: int, samples: Path | None = None) -> Report:
    """The report on one loaded model."""
    found: dict[str, list[Measured]] = {"animated": [], "repeat the source": [], "copy the driver": []}
    columns, jumps, last, detect = [], [], [], detector(animator)
    for index in range(count):
        scene = held_out_scene(index, animator.size)
        animated, burst = moved(animator, scene), held_out_burst(index, animator.size)
        jumps.append(jump(moved(animator, burst), burst.truth))
        methods = {
            "animated": animated,
            "repeat the source": np.broadcast_to(scene.source, scene.truth.shape),
            "copy the driver": scene.driving,
        }
        for name, frames in methods.items():
            found[name].append(judge(np.ascontiguousarray(frames), scene, detect))
        last.append((animated[-1], scene.truth[-1], scene.source))
        columns.append((scene.source, *scene.driving[[0, -1]], animated[-1], scene.truth[-1]))
    if samples:
        save_grid(samples, list(zip(*columns, strict=True)))
    made, truths, sources = zip(*last, strict=True)
    details = measure_detail(made, truths, sources), measure_detail(sources, truths, sources)
    return report(animator, found, float(np.mean(jumps)), details)


def moved(animator: ImageAnimator, scene: Scene) -> Frames:
    """Animate the scene's source by relative motion."""
    frames = animator(scene.source, list(scene.driving), transfer="relative", adapt_scale=True, crop="none")
    return np.stack(list(frames))


def jump(made: Frames, truth: Frames) -> float:
    """The largest change between consecutive frames of a burst, relative to the truth's largest."""
    largest = [float(temporal_difference(to_tensor(clip[1:])).max()) for clip in (made, truth)]
    return largest[0] / largest[1]


def detector(animator: ImageAnimator) -> Callable[[Frames], Float[Tensor, "t k 2"]]:
    """The model's own keypoint detector, in pixels at 256."""
    return lambda frames: animator.keypoints(list(frames)).position.cpu() * 255 / 2


def judge(frames: Frames, scene: Scene, detect: Callable[[Frames], Float[Tensor, "t k 2"]]) -> Measured:
    """Compute the metrics of all frames but the initial one."""
    truth, seen = scene.truth, detect(frames[1:])
    count = min(seen.shape[1], len(SUPERVISED))
    gap = (seen[:, :count] - scene.landmarks[1:, :count] * 255 / 2).norm(dim=2)
    made, right = to_tensor(frames), to_tensor(truth)
    changes = [float(temporal_difference(clip).mean()) for clip in (made, right)]
    return Measured(
        psnr=float(psnr(made[1:], right[1:]).mean()),
        ssim=float(ssim(made[1:], right[1:]).mean()),
        keypoints=float(average_keypoint_distance(seen, detect(truth[1:])).mean()),
        landmarks=float(gap[scene.visible[1:, :count]].mean()),
        liveliness=changes[0] / changes[1],
    )


def report(
    animator: ImageAnimator, found: dict[str, list[Measured]], jumps: float, details: tuple[Detail, Detail]
) -> Report:
    """Build the report: means over the heads, and margins; `details` are of the results and of the sources."""
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
        *(f"{margins[name]:+.2f} dB against '{name}'; better on {ahead[name]} of {heads} heads" for name in margins),
        f"Means over {heads} held-out heads of {animator.size} px, {LATER} frames each, relative transfer, weights "
        f"{animator.name}. AKD: average keypoint distance of result and truth by the model's own detector, "
        "in pixels at 256; landmarks: distance of the detected keypoints to the visible landmarks of the truth. "
        "Motion: change from frame to frame, relative to the truth's. Jump: the largest change between two of "
        f"{len(BURST) - 1} consecutive frames at {VIDEO:g} frames per second, relative to the truth's.",
        f"The last frame of each clip: fine detail {details[0].fine:.2f}, grid {details[0].grid:.2f}. {NOTE}",
    )
    figured = (*figures(means, margins, jumps), *detail_figures("", *details, bar=DETAIL_BAR))
    return Report(
        title="quality fomm",
        columns=("PSNR dB", "SSIM", "AKD px", "landmarks px", "motion"),
        rows=tuple(
            Row(
                name=name,
                values=(
                    f"{m['psnr']:.2f}",
                    f"{m['ssim']:.3f}",
                    f"{m['keypoints']:.2f}",
                    f"{m['landmarks']:.2f}",
                    f"{m['liveliness']:.2f}",
                ),
            )
            for name, m in means.items()
        ),
        notes=notes,
        bars=tuple(figure.bar() for figure in figured),
        figures={
            "weights": animator.name,
            "heads": heads,
            "means": means,
            "margins_db": margins,
            "heads_ahead": ahead,
            "jump": jumps,
            "detail": details[0],
        },
    )


def figures(means: dict[str, dict[str, float]], margins: dict[str, float], jumps: float) -> list[Figure]:
    """The targets."""
    animated, still = means["animated"], means["repeat the source"]
    distances = {"average keypoint distance": "keypoints", "distance to the drawn landmarks": "landmarks"}
    return [
        *(
            Figure(measure=f"PSNR above '{name}'", result=margin, target=PSNR_BAR, unit=" dB")
            for name, margin in margins.items()
        ),
        Figure(measure="SSIM", result=animated["ssim"], target=SSIM_BAR, baseline=still["ssim"], digits=3),
        *(
            Figure(
                measure=measure, result=animated[key], target=KEYPOINT_BAR, baseline=still[key],
                more_is_better=False, unit=" px",
            )
            for measure, key in distances.items()
        ),
        Figure(measure="largest jump, relative to the truth", result=jumps, target=JUMP_BAR, more_is_better=False),
    ]  # fmt: skip
