"""Image animation against the truth that drawn heads have: the source itself, drawn in the driver's relative pose."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from benchmarks.drawings import held_out, save_sheet, to_frames, to_tensor
from benchmarks.report import Figure, Report, Row
from deepfake_core import ImageAnimator
from deepfake_core.metrics import average_keypoint_distance, psnr, ssim, temporal_difference
from deepfake_core.synthetic.heads import HeadIdentity, HeadState, draw, sample_identity, sample_state
from deepfake_core.synthetic.heads.motions import relative_state, turning_clip
from deepfake_core.synthetic.heads.truth import LANDMARKS
from train.recipes.fomm.synthetic import GUIDES

Frames = UInt8[np.ndarray, "t h w 3"]
GUIDED = [LANDMARKS.index(name) for name in GUIDES]
LATER = 6  # frames that are compared; the initial one, where nothing has moved yet, is not
RATE = 2.5  # frames a second: they span 2.4 seconds, in which a head turns and talks
VIDEO = 25.0  # frames a second of the burst, in which jumps would be seen
BURST = (0, *range(30, 36))  # its frames: the initial one, then some that follow one another
PSNR_BAR = 6.0  # dB above both baselines
SSIM_BAR = 0.85
KEYPOINT_BAR = 4.0  # pixels of 256
JUMP_BAR = 1.5  # largest change from frame to frame, as a multiple of the truth's


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A source, a driver's clip (its first frame is the initial one), and what the source should look like in it."""

    source: UInt8[np.ndarray, "s s 3"]
    driving: Frames
    truth: Frames
    landmarks: Float[Tensor, "t k 2"]
    """Of the truth, those that the starters' keypoints are guided to, in the order of the keypoints."""
    visible: Bool[Tensor, "t k"]


def held_out_scene(index: int, size: int) -> Scene:
    """The scene with that number, the same on every machine: a few frames of it, far apart."""
    return scene_at(index, size, RATE, tuple(range(LATER + 1)))


def held_out_burst(index: int, size: int) -> Scene:
    """The same head and driver; behind the initial frame, frames that follow one another in a video."""
    return scene_at(index, size, VIDEO, BURST)


def scene_at(index: int, size: int, rate: float, places: tuple[int, ...]) -> Scene:
    """Some frames of the held-out scene with that number; the first of them is the initial one."""
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
        landmarks=picture.landmarks[:, GUIDED], visible=picture.visible[:, GUIDED],
    )  # fmt: skip


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
    """Average distance of the keypoints that the model's own detector finds in result and truth, in pixels of 256."""
    landmarks: float
    """Distance of the keypoints found in the result to the drawn truth's landmarks, where these show; in pixels of 256.
    It means something only for models whose keypoints were guided to these landmarks, as the starters' are."""
    liveliness: float
    """Change from frame to frame, as a share of the truth's."""


MEASURES = ("psnr", "ssim", "keypoints", "landmarks", "liveliness")


def measure_quality(
    weights: str | None = None, *, count: int = 64, sheet: Path | None = None, device: str = "auto"
) -> Report:
    """Animate held-out heads by relative transfer through the public class, and compare."""
    animator = ImageAnimator.from_pretrained(weights, device=device)
    return compare(animator, count, sheet)


def compare(animator: ImageAnimator, count: int, sheet: Path | None = None) -> Report:
    """The report on one loaded model."""
    found: dict[str, list[Measured]] = {"animated": [], "repeat the source": [], "copy the driver": []}
    columns, jumps, detect = [], [], detector(animator)
    for index in range(count):
        scene = held_out_scene(index, animator.size)
        animated, burst = moved(animator, scene), held_out_burst(index, animator.size)
        jumps.append(jump(moved(animator, burst), burst.truth))
        answers = {
            "animated": animated,
            "repeat the source": np.broadcast_to(scene.source, scene.truth.shape),
            "copy the driver": scene.driving,
        }
        for name, frames in answers.items():
            found[name].append(judge(np.ascontiguousarray(frames), scene, detect))
        columns.append((scene.source, *scene.driving[[0, -1]], animated[-1], scene.truth[-1]))
    if sheet:
        save_sheet(sheet, list(zip(*columns, strict=True)))
    return report(animator, found, float(np.mean(jumps)))


def moved(animator: ImageAnimator, scene: Scene) -> Frames:
    """The scene's source, animated by relative transfer."""
    frames = animator(scene.source, list(scene.driving), transfer="relative", adapt_scale=True, crop="none")
    return np.stack(list(frames))


def jump(made: Frames, truth: Frames) -> float:
    """The largest change from one frame of a burst to the next, as a multiple of the truth's largest."""
    largest = [float(temporal_difference(to_tensor(clip[1:])).max()) for clip in (made, truth)]
    return largest[0] / largest[1]


def detector(animator: ImageAnimator) -> Callable[[Frames], Float[Tensor, "t k 2"]]:
    """The model's own keypoint detector, in pixels of a picture with 256."""
    return lambda frames: animator.keypoints(list(frames)).position.cpu() * 255 / 2


def judge(frames: Frames, scene: Scene, detect: Callable[[Frames], Float[Tensor, "t k 2"]]) -> Measured:
    """Compare all but the initial frame."""
    truth, seen = scene.truth, detect(frames[1:])
    count = min(seen.shape[1], len(GUIDED))
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


def report(animator: ImageAnimator, found: dict[str, list[Measured]], jumps: float) -> Report:
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
        "in pixels of 256; landmarks: that of the keypoints found in the result to the landmarks of the drawn truth "
        "that show. Motion: change from frame to frame as a share of the truth's. Jump: the largest change between "
        f"two of {len(BURST) - 1} frames that follow one another at {VIDEO:g} frames a second, beside the truth's.",
    )
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
        bars=tuple(figure.bar() for figure in figures(means, margins, jumps)),
        figures={
            "weights": animator.name,
            "heads": heads,
            "means": means,
            "margins_db": margins,
            "heads_ahead": ahead,
            "jump": jumps,
        },
    )


def figures(means: dict[str, dict[str, float]], margins: dict[str, float], jumps: float) -> list[Figure]:
    """What is demanded."""
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
        Figure(measure="largest jump, beside the truth's", result=jumps, target=JUMP_BAR, more_is_better=False),
    ]  # fmt: skip
