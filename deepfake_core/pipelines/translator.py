"""The Python API of CycleGAN: the generators of one direction and of the reverse one."""

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
from deepfake_core.networks.cyclegan import HALVINGS, Generator, PatchDiscriminator
from deepfake_core.pipelines.cropped import Cropped, crop_image
from deepfake_core.pipelines.image_batch import BATCH
from deepfake_core.pipelines.runtime import Runtime
from deepfake_core.pixels import from_batch, from_signed, to_batch, to_signed
from deepfake_core.settings import Precision

CROPS = ("auto", "none", "whole")
"""Names of crops; `whole` because this network accepts pictures of any shape."""
STEP = 2**HALVINGS  # the sides of the input must be multiples of this


@dataclass(frozen=True, kw_only=True, slots=True)
class Cycle:
    """A picture translated, and translated back."""

    translated: Image
    back: Image | None
    """None if the weights for the reverse direction are not installed."""
    error: float | None
    """Mean |x - back| with pixels in [-1, 1], the cycle loss of the paper: 0 is perfect, 2 the worst case."""
    note: str
    """One sentence: which weights translate back, or why none do."""


class CycleTranslator:
    """One direction of a CycleGAN on one device (Zhu et al., ICCV 2017)."""

    def __init__(
        self,
        network: Generator,
        *,
        name: str,
        about: str,
        device: torch.device,
        subject: Subject,
        back: str | None,
        discriminator: str | None = None,
        precision: Precision = "auto",
    ) -> None:
        self.network = network.to(device)
        self.name, self.about, self.device, self.subject = name, about, device, subject
        self.size = network.config.size
        self.runtime = Runtime(device, BATCH[device.type], precision)
        self.back_name = back
        """Name or file of the weights for the reverse direction."""
        self._back: Generator | None = None
        self.discriminator_name = discriminator
        """Name or file of the weights of the discriminator that judges the results."""
        self._discriminator: PatchDiscriminator | None = None

    @property
    def batch(self) -> int:
        """Pictures per batch."""
        return self.runtime.batch

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path | None = None,
        device: str = "auto",
        *,
        precision: Precision = "auto",
        back: str | Path | None = None,
    ) -> "CycleTranslator":
        """Load weights by manifest name or file; None selects the best installed weights.

        `back` names the weights for the reverse direction. The default comes from the manifest; for the file
        a2b.safetensors it is b2a.safetensors in the same folder. Raises `UnknownModel`, `WeightsMissing`,
        `MissingFile`, `BadWeights`, or `BadRequest` for device and precision.
        """
        loaded = load(model, "cyclegan")
        assert isinstance(loaded.network, Generator)
        partner = back or (loaded.entry.back if loaded.entry else reverse_weights(Path(str(model))))
        judge = loaded.entry.discriminator if loaded.entry else discriminator_weights(Path(str(model)))
        subject: Subject = loaded.entry.subject if loaded.entry else "scene"
        on = choose_device(device)
        return cls(
            loaded.network,
            name=loaded.name,
            about=loaded.about,
            device=on,
            subject=subject,
            back=str(partner) if partner else None,
            discriminator=str(judge) if judge else None,
            precision=precision,
        )

    def __call__(self, image: ImageLike, *, crop: str = "auto") -> Image:
        """Translate one picture; returns uint8 RGB of the network's size, or with crop="whole" in its own shape.

        `auto` and `none` crop to the centre square. No files are written, so nothing is labelled: see
        `pipelines.translation.translate` for files.
        """
        return self.render([self.cropped(image, crop=crop_named(crop, CROPS)).pixels])[0]

    def many(self, images: Sequence[ImageLike], *, crop: str = "auto") -> list[Image]:
        """Translate a list of pictures."""
        return [self(image, crop=crop) for image in images]

    def cycle(self, image: ImageLike, *, crop: str = "auto") -> Cycle:
        """Translate a picture and the result back, and measure the cycle error."""
        return self.there_and_back([self.cropped(image, crop=crop_named(crop, CROPS)).pixels])[0]

    def cropped(
        self, image: ImageLike, name: str | None = None, *, crop: Crop = Face(), deadline: Deadline = NEVER
    ) -> Cropped:
        """Crop a picture for the network."""
        return crop_image(image, self.size, crop, subject=self.subject, name=name, deadline=deadline)

    def render(self, pictures: Sequence[Image]) -> list[Image]:
        """Translate pictures of the same size."""
        return from_batch(from_signed(self.translated(self.network, to_signed(to_batch(pictures, self.device)))))

    def translated(self, network: Generator, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Run a generator on pictures of the same size, in batches."""
        rows = self.runtime.parts(range(len(images)), lambda part: run(network, images[part[0] : part[-1] + 1]))
        return torch.cat(rows)

    def there_and_back(self, pictures: Sequence[Image]) -> list[Cycle]:
        """Translate pictures of the same size, and the results back."""
        images = to_signed(to_batch(pictures, self.device))
        there = self.translated(self.network, images)
        translated, note = from_batch(from_signed(there)), self.load_reverse()
        if self._back is None:
            return [Cycle(translated=one, back=None, error=None, note=note) for one in translated]
        returned = self.translated(self._back, there)
        errors = (images - returned).abs().mean(dim=(1, 2, 3)).tolist()
        rows = zip(translated, from_batch(from_signed(returned)), errors, strict=True)
        return [Cycle(translated=one, back=back, error=error, note=note) for one, back, error in rows]

    @property
    def reverse(self) -> Generator | None:
        """The generator of the reverse direction, once `load_reverse` has loaded it."""
        return self._back

    def discriminator(self) -> PatchDiscriminator | None:
        """The discriminator of the domain of the results; None if its weights are not installed."""
        name = self.discriminator_name
        if self._discriminator is None and name and (name.endswith(".safetensors") or find(name) is not None):
            network = load(name, "cyclegan-discriminator").network
            assert isinstance(network, PatchDiscriminator)
            self._discriminator = network.to(self.device)
        return self._discriminator

    def load_reverse(self) -> str:
        """Load the weights for the reverse direction if they are installed; returns the note for the user."""
        if self.back_name is None:
            return f"No weights are known for the reverse direction of {self.name}."
        if self._back is None:
            own = self.back_name.endswith(".safetensors")
            if not own and find(self.back_name) is None:
                return f"Translating back needs {self.back_name}, which is not installed; import it first."
            network = load(self.back_name, "cyclegan").network
            assert isinstance(network, Generator)
            self._back = network.to(self.device)
        return f"Translated back with {Path(self.back_name).stem}."


def reverse_weights(path: Path) -> Path | None:
    """The weights for the reverse direction in the same folder: zebra2horse for horse2zebra."""
    here, _, there = path.stem.partition("2")
    other = path.with_name(f"{there}2{here}{path.suffix}")
    return other if there and other.is_file() else None


def discriminator_weights(path: Path) -> Path | None:
    """The discriminator of the results in the same folder: zebra-discriminator for horse2zebra."""
    other = path.with_name(f"{path.stem.partition('2')[2]}-discriminator{path.suffix}")
    return other if other.is_file() else None


def run(network: Generator, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Run a generator. Sides that are not multiples of 4 are padded with edge pixels and cropped again."""
    height, width = images.shape[2:]
    padded = F.pad(images, (0, -width % STEP, 0, -height % STEP), mode="replicate")
    made: Tensor = network(padded)[:, :, :height, :width]
    return made
