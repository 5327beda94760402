"""The Python API of Image Animation."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from deepfake_core.device import choose_device
from deepfake_core.errors import BadRequest
from deepfake_core.faces import crop_named
from deepfake_core.hub.manifest import Subject
from deepfake_core.hub.store import load
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.motion import AbsoluteMotion, RelativeMotion, Transfer
from deepfake_core.networks.fomm import FirstOrderModel
from deepfake_core.pipelines.animation import AnimationRequest, frames_of
from deepfake_core.pipelines.by_hand import posed
from deepfake_core.pipelines.controls import Controls, Region
from deepfake_core.pipelines.cropped import crop_image
from deepfake_core.pipelines.motion_model import MotionModel
from deepfake_core.pipelines.motion_template import record
from deepfake_core.settings import Precision


class ImageAnimator(MotionModel):
    """First Order Motion Model on one device (Siarohin et al., NeurIPS 2019)."""

    @classmethod
    def from_pretrained(
        cls, model: str | Path | None = None, device: str = "auto", *, precision: Precision = "auto"
    ) -> "ImageAnimator":
        """Load weights by manifest name or file; None selects the best installed weights.

        Raises `UnknownModel`, `WeightsMissing`, `MissingFile`, `BadWeights`, or `BadRequest` for device and precision.
        """
        loaded = load(model, "fomm")
        assert isinstance(loaded.network, FirstOrderModel)
        subject: Subject = loaded.entry.subject if loaded.entry else "face"
        on = choose_device(device)
        return cls(
            loaded.network, name=loaded.name, about=loaded.about, device=on, subject=subject, precision=precision
        )

    def __call__(
        self,
        source: ImageLike,
        driving: ImageLike | Iterable[Image],
        *,
        transfer: Literal["relative", "absolute"] = "relative",
        adapt_scale: bool = True,
        crop: Literal["auto", "none"] = "auto",
        best_frame: bool = False,
        smoothing: float = 0.0,
        start: float = 0.0,
        strength: float = 1.0,
        region: Region = "all",
    ) -> Iterator[Image]:
        """Animate `source` with the motion of `driving`; yields uint8 RGB frames of the network's size as a stream.

        `driving` is a path, or any iterable of uint8 frames (one that can be read twice for `best_frame`). Motion
        starts `start` seconds into it or later, at a face; relative motion is multiplied by `strength` (0 to 2). Of
        a face, `region` can be "mouth" or "pose" (of the head) with weights whose keypoints are landmarks. A
        picture (a path, a PIL image or one array) gives one frame, the portrait in its pose: see `pipelines.pose`. A
        path that ends in `.npz` is a motion template: see `record`. No
        files are written, so nothing is labelled: see `pipelines.animation.animate` for files.
        """
        square = crop_named(crop)
        request = AnimationRequest(
            source=source,
            driving=driving,
            transfer=transfer_named(transfer, adapt_scale, strength),
            source_crop=square,
            driving_crop=square,
            best_frame=best_frame,
            smoothing=smoothing,
            region=region,
            start=start,
        )
        return frames_of(self, request)

    def record(
        self,
        driving: str | Path | Iterable[Image],
        output: str | Path,
        *,
        crop: Literal["auto", "none"] = "auto",
        start: float = 0.0,
    ) -> Path:
        """Write the motion of a clip, without its pictures, as a template (`.npz`), which can drive any portrait with
        these weights: `animator(portrait, "motion.npz")`. Returns its path.
        """
        request = AnimationRequest(
            source="", driving=driving, output=output, start=start, driving_crop=crop_named(crop)
        )  # no portrait takes part
        *_, done = record(self, request)
        return done.files[0].path

    def by_hand(self, source: ImageLike, *poses: Controls, crop: Literal["auto", "none"] = "auto") -> list[Image]:
        """The portrait `source` in each of the poses, without a driving clip: uint8 RGB of the network's size.

        No files are written, so nothing is labelled: see `pipelines.by_hand` for files.
        """
        cropped = crop_image(source, self.size, crop_named(crop), subject=self.subject)
        return posed(self, cropped.pixels, poses)


def transfer_named(transfer: str, adapt_scale: bool, strength: float | int = 1.0) -> Transfer:
    """The motion transfer of this name. Raises `BadRequest` for an unknown one, or a strength out of range."""
    if transfer == "relative":
        return RelativeMotion(adapt_scale=adapt_scale, strength=float(strength))
    if transfer == "absolute":
        return AbsoluteMotion()
    raise BadRequest(f"unknown transfer {transfer!r}; choose 'relative' or 'absolute'")
