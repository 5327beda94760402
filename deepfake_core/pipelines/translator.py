"""CycleGAN as Python calls it: one loaded generator, and the one that leads the way back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.device import choose_device
from deepfake_core.faces import Crop, Face, crop_named
from deepfake_core.hub.manifest import Subject
from deepfake_core.hub.store import find, load
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.networks.cyclegan import HALVINGS, Generator
from deepfake_core.pipelines.cropped import Cropped, crop_image
from deepfake_core.pipelines.image_batch import BATCH
from deepfake_core.pipelines.runtime import Runtime
from deepfake_core.pixels import from_batch, from_signed, to_batch, to_signed

CROPS = ("auto", "none", "whole")
"""Names of crops: this network takes pictures of any shape."""
STEP = 2**HALVINGS  # the network takes sides that are multiples of this


@dataclass(frozen=True, kw_only=True, slots=True)
class Cycle:
    """A picture there and back."""

    translated: Image
    back: Image | None
    """None where the weights of the way back are not on this machine."""
    error: float | None
    """Mean |x - back|, with pixels in [-1, 1]: what the cycle loss of the paper measures; 0 is perfect, 2 the worst."""
    note: str
    """One sentence: which weights lead back, or why none do."""


class CycleTranslator:
    """One direction of a CycleGAN on one device (Zhu et al., ICCV 2017)."""

    def __init__(
        self, network: Generator, *, name: str, about: str, device: torch.device, subject: Subject, back: str | None
    ) -> None:
        self.network = network.to(device)
        self.name, self.about, self.device, self.subject = name, about, device, subject
        self.size = network.config.size
        self.runtime = Runtime(device, BATCH[device.type])
        self.back_name = back
        """Name or file of the weights that lead back."""
        self._back: Generator | None = None

    @property
    def batch(self) -> int:
        """Pictures at once."""
        return self.runtime.batch

    @classmethod
    def from_pretrained(
        cls, model: str | Path | None = None, device: str = "auto", *, back: str | Path | None = None
    ) -> "CycleTranslator":
        """Load weights by manifest name or file; None takes the best on this machine.

        `back` names the weights of the other direction. A manifest name knows its own, and of files that training
        wrote, a2b.safetensors finds b2a.safetensors beside it. Raises `UnknownModel`, `WeightsMissing`, `MissingFile`,
        `BadWeights`, or `BadRequest` for the device.
        """
        loaded = load(model, "cyclegan")
        assert isinstance(loaded.network, Generator)
        partner = back or (loaded.entry.back if loaded.entry else other_direction(Path(str(model))))
        subject: Subject = loaded.entry.subject if loaded.entry else "scene"
        on = choose_device(device)
        return cls(
            loaded.network,
            name=loaded.name,
            about=loaded.about,
            device=on,
            subject=subject,
            back=str(partner) if partner else None,
        )

    def __call__(self, image: ImageLike, *, crop: str = "auto") -> Image:
        """Translate one picture; returns uint8 RGB of the network's size, or with crop="whole" in its own shape.

        `auto` and `none` take the middle square. Nothing is written, so nothing is labelled: see
        `pipelines.translation.translate` for files.
        """
        return self.render([self.cropped(image, crop=crop_named(crop, CROPS)).pixels])[0]

    def many(self, images: Sequence[ImageLike], *, crop: str = "auto") -> list[Image]:
        """Translate several pictures."""
        return [self(image, crop=crop) for image in images]

    def cycle(self, image: ImageLike, *, crop: str = "auto") -> Cycle:
        """Translate a picture there and back, and measure how much of it came back."""
        return self.there_and_back([self.cropped(image, crop=crop_named(crop, CROPS)).pixels])[0]

    def cropped(
        self, image: ImageLike, name: str | None = None, *, crop: Crop = Face(), deadline: Deadline = NEVER
    ) -> Cropped:
        """What the network sees of a picture."""
        return crop_image(image, self.size, crop, subject=self.subject, name=name, deadline=deadline)

    def render(self, pictures: Sequence[Image]) -> list[Image]:
        """Translate pictures of one size."""
        return from_batch(from_signed(self.translated(self.network, to_signed(to_batch(pictures, self.device)))))

    def translated(self, network: Generator, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """What a network makes of pictures of one size."""
        rows = self.runtime.parts(range(len(images)), lambda part: run(network, images[part[0] : part[-1] + 1]))
        return torch.cat(rows)

    def there_and_back(self, pictures: Sequence[Image]) -> list[Cycle]:
        """Translate pictures of one size there and back."""
        images = to_signed(to_batch(pictures, self.device))
        there = self.translated(self.network, images)
        translated, note = from_batch(from_signed(there)), self.way_back()
        if self._back is None:
            return [Cycle(translated=one, back=None, error=None, note=note) for one in translated]
        returned = self.translated(self._back, there)
        errors = (images - returned).abs().mean(dim=(1, 2, 3)).tolist()
        rows = zip(translated, from_batch(from_signed(returned)), errors, strict=True)
        return [Cycle(translated=one, back=back, error=error, note=note) for one, back, error in rows]

    def way_back(self) -> str:
        """Load the weights of the other direction, if they are here; say which, or why there are none."""
        if self.back_name is None:
            return f"No weights are known that lead back from {self.name}."
        if self._back is None:
            own = self.back_name.endswith(".safetensors")
            if not own and find(self.back_name) is None:
                return f"The way back needs {self.back_name}, which is not on this machine; import it first."
            network = load(self.back_name, "cyclegan").network
            assert isinstance(network, Generator)
            self._back = network.to(self.device)
        return f"{Path(self.back_name).stem} leads back."


def other_direction(path: Path) -> Path | None:
    """The weights of the other direction in the folder of some that training wrote: zebra2horse for horse2zebra."""
    here, _, there = path.stem.partition("2")
    other = path.with_name(f"{there}2{here}{path.suffix}")
    return other if there and other.is_file() else None


def run(network: Generator, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """The translated pictures. Sides that are no multiples of 4 are padded with their edge, and cut off again."""
    height, width = images.shape[2:]
    padded = F.pad(images, (0, -width % STEP, 0, -height % STEP), mode="replicate")
    made: Tensor = network(padded)[:, :, :height, :width]
    return made
