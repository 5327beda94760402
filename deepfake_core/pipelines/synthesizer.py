"""The Python API of StarGAN v2: style vectors from references or latents, and sources redrawn in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.device import choose_device
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Crop, Face, Uncropped, Whole, crop_named
from deepfake_core.hub.manifest import Subject
from deepfake_core.hub.store import load
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.networks.fan import FaceAlignmentNetwork
from deepfake_core.networks.layers import Masks
from deepfake_core.networks.starganv2 import Encoded, StarGanV2
from deepfake_core.pipelines.cropped import Cropped, crop_image
from deepfake_core.pipelines.image_batch import BATCH, in_grid
from deepfake_core.pipelines.runtime import Runtime
from deepfake_core.pixels import from_batch, from_signed, to_batch, to_signed
from deepfake_core.settings import Precision

MEAN_OF = 4096
"""Latents in a mean style; the standard error of the mean is 1/64 of the styles' standard deviation."""
MAX_SEED = 2**63 - 1
FRAMES = 60
"""The default length of an interpolation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source picture, encoded once for any number of styles."""

    pixels: Image
    encoded: Encoded
    masks: Masks | None


class StyleSynthesizer:
    """StarGAN v2 on one device (Choi et al., CVPR 2020)."""

    def __init__(
        self,
        network: StarGanV2,
        landmarks: FaceAlignmentNetwork | None,
        *,
        name: str,
        about: str,
        device: torch.device,
        subject: Subject,
        precision: Precision = "auto",
    ) -> None:
        self.network = network.to(device)
        self.landmarks = landmarks.to(device) if landmarks else None
        self.name, self.about, self.device, self.subject = name, about, device, subject
        self.size = network.config.size
        self.runtime = Runtime(device, BATCH[device.type], precision)
        self.domains: tuple[str, ...] = network.config.domains
        self._means: dict[str, Tensor] = {}

    @property
    def batch(self) -> int:
        """Styles per batch."""
        return self.runtime.batch

    @classmethod
    def from_pretrained(
        cls, model: str | Path | None = None, device: str = "auto", *, precision: Precision = "auto"
    ) -> "StyleSynthesizer":
        """Load weights by manifest name or file; None selects the best installed weights.

        Weights with masked skips load `fan-wing` as well. Raises `UnknownModel`, `WeightsMissing`, `MissingFile`,
        `BadWeights`, or `BadRequest` for device and precision.
        """
        loaded = load(model, "starganv2")
        assert isinstance(loaded.network, StarGanV2)
        landmarks = load("fan-wing", "fan").network if loaded.network.config.high_pass else None
        assert landmarks is None or isinstance(landmarks, FaceAlignmentNetwork)
        faces = loaded.network.config.high_pass or {"female", "male"} >= set(loaded.network.config.domains)
        subject: Subject = loaded.entry.subject if loaded.entry else "face" if faces else "animal"
        on = choose_device(device)
        return cls(
            loaded.network,
            landmarks,
            name=loaded.name,
            about=loaded.about,
            device=on,
            subject=subject,
            precision=precision,
        )

    def from_reference(self, image: ImageLike, reference: ImageLike, domain: str, *, crop: str = "auto") -> Image:
        """Redraw a picture in the style of a reference in `domain`.

        Returns uint8 RGB of the network's size. No files are written, so nothing is labelled: see `pipelines.styles`
        for files. Raises `NoFaceFound` with the name of the picture, and `BadRequest` for an unknown domain.
        """
        return self.from_style(image, self.style_of(reference, domain, crop=crop), crop=crop)

    def from_latent(
        self, image: ImageLike, domain: str, seed: int = 0, *, truncation: float | int = 1.0, crop: str = "auto"
    ) -> Image:
        """Redraw a picture in the style of a seeded latent; a seed gives the same style on every machine.

        `truncation` interpolates from the mean style of the domain (0) to the style of the latent (1). Raises what
        `from_reference` raises.
        """
        return self.from_style(image, self.style_from(seed, domain, truncation=truncation), crop=crop)

    def from_style(self, image: ImageLike, style: Float[Tensor, "s"], *, crop: str = "auto") -> Image:
        """Redraw a picture in a style."""
        return self.render(self.source(self.cropped(image, crop=crop_named(crop)).pixels), [style])[0]

    def grid(
        self, sources: Sequence[ImageLike], references: Sequence[ImageLike], domain: str, *, crop: str = "auto"
    ) -> Image:
        """Each source (row) in the style of each reference (column), with both along the edges."""
        if not (sources and references):
            raise BadRequest("a grid needs at least one source and one reference")
        seen = [
            self.cropped(reference, f"reference {number}", crop=crop_named(crop)).pixels
            for number, reference in enumerate(references, 1)
        ]
        styles = self.read_styles(seen, [domain] * len(seen))
        crops = [
            self.cropped(image, f"source {number}", crop=crop_named(crop)).pixels
            for number, image in enumerate(sources, 1)
        ]
        cells = [cell for crop_pixels in crops for cell in self.render(self.source(crop_pixels), styles)]
        return in_grid(crops, seen, cells)

    def between(
        self,
        image: ImageLike,
        start: Float[Tensor, "s"],
        end: Float[Tensor, "s"],
        steps: int = FRAMES,
        *,
        crop: str = "auto",
    ) -> Iterator[Image]:
        """Interpolate from one style to another: a stream of `steps` frames, eased in and out."""
        source = self.source(self.cropped(image, crop=crop_named(crop)).pixels)
        return self.interpolated(source, start, end, steps)

    @torch.inference_mode()
    def style_of(self, reference: ImageLike, domain: str, *, crop: str = "auto") -> Float[Tensor, "s"]:
        """The style of a reference in `domain`."""
        self.number(domain)
        return self.read_styles([self.cropped(reference, "the reference", crop=crop_named(crop)).pixels], [domain])[0]

    @torch.inference_mode()
    def style_from(self, seed: int, domain: str, *, truncation: float | int = 1.0) -> Float[Tensor, "s"]:
        """The style of a seeded latent: mean + truncation * (mapped latent - mean), where mean is the domain's.

        Raises `BadRequest` for an unknown domain, a seed out of range, or a truncation outside 0 to 1.
        """
        if not 0 <= seed <= MAX_SEED:
            raise BadRequest(f"seed must be a whole number between 0 and {MAX_SEED}, got {seed}")
        if not 0 <= truncation <= 1:
            raise BadRequest(f"truncation must be between 0 (typical) and 1 (varied), got {truncation}")
        style = self.map_latents(1, seed, domain)[0]
        if truncation == 1:
            return style
        return torch.lerp(self.mean_style(domain), style, truncation)

    def mean_style(self, domain: str) -> Float[Tensor, "s"]:
        """The mean style of random latents in a domain; cached."""
        if domain not in self._means:
            self._means[domain] = self.map_latents(MEAN_OF, 0, domain).mean(dim=0)
        return self._means[domain]

    def cropped(
        self, image: ImageLike, name: str = "the source", *, crop: Crop = Face(), deadline: Deadline = NEVER
    ) -> Cropped:
        """Crop a picture for the network: always to a square, so `Uncropped` means `Whole`.

        Errors and notes contain `name` and the name of the file.
        """
        name = f"{name} {Path(image).name}" if isinstance(image, str | Path) else name
        square = Whole() if isinstance(crop, Uncropped) else crop
        return crop_image(image, self.size, square, subject=self.subject, name=name, deadline=deadline)

    def source(self, pixels: Image) -> Source:
        """Encode a crop of the network's size."""
        image = to_signed(to_batch([pixels], self.device))
        with torch.inference_mode():
            masks = self.landmarks.masks(image) if self.landmarks else None
        encoded = self.runtime(lambda: self.network.generator.encode(image))
        return Source(pixels=pixels, encoded=encoded, masks=masks)

    def render(self, source: Source, styles: Sequence[Float[Tensor, "s"]]) -> list[Image]:
        """Render the source in each style."""

        def run(part: Sequence[Float[Tensor, "s"]]) -> Float[Tensor, "b 3 h w"]:
            encoded = source.encoded.repeat(len(part))
            return self.network.generator.decode(encoded, torch.stack(list(part)).to(self.device), source.masks)

        return from_batch(from_signed(torch.cat(self.runtime.parts(styles, run))))

    def interpolated(
        self, source: Source, start: Float[Tensor, "s"], end: Float[Tensor, "s"], steps: int
    ) -> Iterator[Image]:
        """`between` for an encoded source."""
        if steps < 2:
            raise BadRequest(f"an interpolation needs at least 2 frames, got {steps}")
        for first in range(0, steps, self.batch):
            shares = [ease(step / (steps - 1)) for step in range(first, min(first + self.batch, steps))]
            yield from self.render(source, [torch.lerp(start, end, share) for share in shares])

    def read_styles(self, references: Sequence[Image], domains: Sequence[str]) -> list[Float[Tensor, "s"]]:
        """The style of each crop of the network's size in its domain."""

        def run(rows: Sequence[int]) -> Float[Tensor, "b s"]:
            part = slice(rows[0], rows[-1] + 1)
            return self.network.style_encoder(
                to_signed(to_batch(references[part], self.device)), self.numbers(domains[part])
            )

        return list(torch.cat(self.runtime.parts(range(len(references)), run)).cpu().unbind())

    @torch.inference_mode()
    def map_latents(self, count: int, seed: int, domain: str) -> Float[Tensor, "n s"]:
        """The styles of random latents, which are drawn on the CPU so that they are the same on every machine."""
        latents = torch.randn(count, self.network.config.latent, generator=torch.Generator().manual_seed(seed))
        styles: Tensor = self.network.mapping(latents.to(self.device), self.numbers([domain] * count))
        return styles.cpu()

    def numbers(self, domains: Sequence[str]) -> Int[Tensor, "b"]:
        """The indices of domains."""
        return torch.tensor([self.number(domain) for domain in domains], device=self.device)

    def number(self, domain: str) -> int:
        """The index of a domain. Raises `BadRequest` with the known names for an unknown one."""
        if domain not in self.domains:
            raise BadRequest(f"unknown domain {domain!r}; {self.name} knows {', '.join(self.domains)}")
        return self.domains.index(domain)


def ease(share: float) -> float:
    """Smoothstep 3t^2 - 2t^3 for t in [0, 1]: slope 0 at both ends, at most 1.5 in between."""
    return share * share * (3 - 2 * share)
