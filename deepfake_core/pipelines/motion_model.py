"""The First Order Motion Model on one device: keypoints of frames, and a portrait at given keypoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from deepfake_core.faces import crop_named, cut, find_crop
from deepfake_core.hub.manifest import Subject
from deepfake_core.media.images import ImageLike, read_image
from deepfake_core.motion import Keypoints, apply, joined
from deepfake_core.networks.fomm import Encoded, FirstOrderModel
from deepfake_core.networks.inference import prepare
from deepfake_core.pipelines.runtime import Runtime
from deepfake_core.pixels import from_batch, from_unit, to_batch, to_unit
from deepfake_core.settings import Precision

BATCH = {"cpu": 4, "mps": 8, "cuda": 32}  # driving frames per batch
SMALL = 128  # pixels; larger pictures gain nothing from larger batches on a CPU, and Stop waits for the batch


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """The intermediate results for one driving frame, on the CPU; shapes as in `networks.fomm`."""

    source_keypoints: Keypoints
    driving_keypoints: Keypoints
    mask: Float[Tensor, "1 k1 hs ws"]
    deformation: Float[Tensor, "1 hs ws 2"]
    occlusion: Float[Tensor, "1 1 hs ws"]
    warped: Float[Tensor, "1 3 h w"]
    prediction: Float[Tensor, "1 3 h w"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Portrait:
    """A source picture, encoded once for a whole clip."""

    encoded: Encoded
    keypoints: Keypoints


class MotionModel:
    """One loaded network (Siarohin et al., NeurIPS 2019), arrays in and out."""

    def __init__(
        self,
        network: FirstOrderModel,
        *,
        name: str,
        about: str,
        device: torch.device,
        subject: Subject = "face",
        precision: Precision = "auto",
    ) -> None:
        self.network = prepare(network.to(device))
        self.name, self.about, self.device, self.subject = name, about, device, subject
        self.size = network.config.size
        self.runtime = Runtime(
            device, BATCH[device.type] if device.type != "cpu" or self.size <= SMALL else 2, precision
        )

    @property
    def batch(self) -> int:
        """Driving frames per batch."""
        return self.runtime.batch

    def portrait(self, image: UInt8[np.ndarray, "s s 3"]) -> Portrait:
        """Encode a picture of the network's size."""
        tensor = self.tensor([image])
        encoded, keypoints = self.runtime(lambda: (self.network.encode(tensor), self.network.keypoint_detector(tensor)))
        return Portrait(encoded=encoded, keypoints=keypoints)

    def keypoints(self, frames: Sequence[UInt8[np.ndarray, "s s 3"]]) -> Keypoints:
        """Keypoints of frames of the network's size."""
        return joined(self.runtime.parts(frames, lambda part: self.network.keypoint_detector(self.tensor(part))))

    def render(self, portrait: Portrait, moved: Keypoints) -> list[UInt8[np.ndarray, "s s 3"]]:
        """The portrait at each row of keypoints."""

        def run(rows: Sequence[int]) -> Float[Tensor, "b 3 s s"]:
            there = apply(lambda part: part[rows[0] : rows[-1] + 1], moved)
            here = apply(lambda part: part.expand(len(rows), *part.shape[1:]), portrait.keypoints)
            return self.network.generate(portrait.encoded.repeat(len(rows)), here, there).prediction

        made = torch.cat(self.runtime.parts(range(len(moved.position)), run))
        return from_batch(from_unit(made))

    @torch.inference_mode()
    def inspect(
        self, source: ImageLike, driving_frame: ImageLike, *, crop: Literal["auto", "none"] = "none"
    ) -> Inspection:
        """Compute the intermediate results for one driving frame, with absolute motion."""
        images = [read_image(image) for image in (source, driving_frame)]
        crops = [cut(image, find_crop(image, crop_named(crop)).box, self.size) for image in images]
        portrait, there = self.portrait(crops[0]), self.keypoints(crops[1:])
        made = self.runtime(lambda: self.network.generate(portrait.encoded, portrait.keypoints, there))
        warped = self.network.generator.deform(portrait.encoded.image, made.motion.deformation)
        return Inspection(
            source_keypoints=apply(Tensor.cpu, portrait.keypoints),
            driving_keypoints=apply(Tensor.cpu, there),
            mask=made.motion.mask.cpu(),
            deformation=made.motion.deformation.cpu(),
            occlusion=made.motion.occlusion.cpu(),
            warped=warped.cpu(),
            prediction=made.prediction.cpu(),
        )

    def tensor(self, frames: Sequence[UInt8[np.ndarray, "s s 3"]]) -> Float[Tensor, "b 3 s s"]:
        """Frames as a tensor in [0, 1] on the network's device."""
        return to_unit(to_batch(frames, self.device))
