"""The Python API of StarGAN: the generator, and the classifier that reads attributes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.device import choose_device
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Crop, Face, Uncropped, Whole, crop_named
from deepfake_core.hub.manifest import Subject
from deepfake_core.hub.store import load
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.media.picture_kind import PictureKind
from deepfake_core.networks.stargan import HAIR_COLOURS, StarGan
from deepfake_core.pipelines.cropped import Cropped, crop_image
from deepfake_core.pipelines.image_batch import BATCH
from deepfake_core.pipelines.runtime import Runtime
from deepfake_core.pipelines.suitability import may_read
from deepfake_core.pixels import from_batch, from_signed, to_batch, to_signed
from deepfake_core.settings import Precision

Changes = Mapping[str, bool]
"""Attribute -> whether the result has it."""


NO_CLASSIFIER = "has no attribute classifier"


class AttributeEditor:
    """StarGAN on one device (Choi et al., CVPR 2018)."""

    def __init__(
        self,
        network: StarGan,
        *,
        name: str,
        about: str,
        device: torch.device,
        subject: Subject,
        precision: Precision = "auto",
    ) -> None:
        self.network = network.to(device)
        self.name, self.about, self.device, self.subject = name, about, device, subject
        self.size = network.config.size
        self.runtime = Runtime(device, BATCH[device.type], precision)
        self.attributes: tuple[str, ...] = network.config.attributes
        """The attributes in the network's order."""
        self.reads = network.discriminator is not None
        """Whether the weights include the attribute classifier."""
        group = self.attributes if network.config.exclusive else HAIR_COLOURS
        self.exclusive: tuple[str, ...] = tuple(name for name in self.attributes if name in group)
        """The attributes of which a picture can have at most one."""

    @property
    def batch(self) -> int:
        """Pictures per batch."""
        return self.runtime.batch

    @classmethod
    def from_pretrained(
        cls, model: str | Path | None = None, device: str = "auto", *, precision: Precision = "auto"
    ) -> "AttributeEditor":
        """Load weights by manifest name or file; None selects the best installed weights.

        Raises `UnknownModel`, `WeightsMissing`, `MissingFile`, `BadWeights`, or `BadRequest` for device and precision.
        """
        loaded = load(model, "stargan")
        assert isinstance(loaded.network, StarGan)
        subject: Subject = loaded.entry.subject if loaded.entry else "face"
        on = choose_device(device)
        return cls(
            loaded.network, name=loaded.name, about=loaded.about, device=on, subject=subject, precision=precision
        )

    def __call__(self, image: ImageLike, changes: Changes, *, crop: str = "auto") -> Image:
        """Change attributes of one picture, such as {"Blond_Hair": True}; returns uint8 RGB of the network's size.

        Attributes that are not named are kept. Setting one hair colour removes the others.
        No files are written, so nothing is labelled: see `pipelines.attributes.edit` for files. Raises `BadRequest` for
        unknown or contradictory attributes.
        """
        self.check(changes)
        pixels = self.cropped(image, crop=crop_named(crop)).pixels
        seen = self.read_pixels([pixels])[0] if self.reads else None
        return self.render([pixels], [self.wanted(seen, changes)])[0]

    def reads_kind(self, kind: PictureKind) -> bool:
        """Whether the weights include an attribute classifier that is of use for pictures of this kind."""
        return self.reads and may_read(self.name, kind)

    def read(self, image: ImageLike, *, crop: str = "auto") -> dict[str, float]:
        """Attribute -> probability, 0 to 1.

        Raises `BadRequest` if the weights have no classifier, and what reading the picture raises.
        """
        self.require_classifier()
        return self.read_pixels([self.cropped(image, crop=crop_named(crop)).pixels])[0]

    def flips(self, image: ImageLike, *, crop: str = "auto") -> dict[str, Image]:
        """Attribute -> the picture with this attribute inverted. A hair colour replaces the others.

        Raises `BadRequest` if the weights have no classifier.
        """
        self.require_classifier()
        pixels = self.cropped(image, crop=crop_named(crop)).pixels
        return self.flip_pixels(pixels, self.shown(self.read_pixels([pixels])[0]))

    def cropped(
        self, image: ImageLike, name: str | None = None, *, crop: Crop = Face(), deadline: Deadline = NEVER
    ) -> Cropped:
        """Crop a picture for the network: always to a square, so `Uncropped` means `Whole`."""
        square = Whole() if isinstance(crop, Uncropped) else crop
        return crop_image(image, self.size, square, subject=self.subject, name=name, deadline=deadline)

    def check(self, changes: Changes) -> None:
        """Raise `BadRequest` for unknown attributes, and for more than one exclusive attribute."""
        if unknown := [name for name in changes if name not in self.attributes]:
            raise BadRequest(f"unknown attribute {unknown[0]!r}; {self.name} knows {', '.join(self.attributes)}")
        if len(wanted := [name for name in self.exclusive if changes.get(name)]) > 1:
            raise BadRequest(
                f"{' and '.join(wanted)} exclude one another; set at most one of {', '.join(self.exclusive)}"
            )

    def shown(self, seen: Mapping[str, float]) -> dict[str, bool]:
        """Threshold the probabilities; of exclusive attributes only the most probable one can be true."""
        has = {name: seen[name] >= 0.5 for name in self.attributes}
        if self.exclusive:
            surest = max(self.exclusive, key=lambda name: seen[name])
            has |= {name: has[name] and name == surest for name in self.exclusive}
        return has

    def wanted(self, seen: Mapping[str, float] | None, changes: Changes) -> dict[str, bool]:
        """All attributes of the result: those read from the picture, with the changes applied.

        Raises `BadRequest` for invalid changes, and for missing attributes if nothing was read.
        """
        self.check(changes)
        wanted = self.all_of(self.shown(seen) if seen is not None else {}, changes)
        if missing := [name for name in self.attributes if name not in wanted]:
            reason = "was trained on other pictures and reads no attributes here" if self.reads else NO_CLASSIFIER
            raise BadRequest(f"{self.name} {reason}; set {', '.join(missing)} as well")
        if self.network.config.exclusive and not any(wanted.values()):
            raise BadRequest(f"one attribute must be set; choose one of {', '.join(self.attributes)}")
        return {name: wanted[name] for name in self.attributes}

    def all_of(self, has: Changes, changes: Changes) -> dict[str, bool]:
        """Apply changes to attributes; setting an exclusive attribute clears the others."""
        made = {name: bool(value) for name, value in changes.items()}
        others = dict.fromkeys(self.exclusive, False) if any(made.get(name) for name in self.exclusive) else {}
        return {**has, **others, **made}

    def require_classifier(self) -> None:
        """Raise `BadRequest` if the weights have no attribute classifier."""
        if not self.reads:
            raise BadRequest(
                f"{self.name} contains only the generator and cannot read attributes; import it together with the "
                "authors' discriminator (200000-D.ckpt), or set every attribute yourself"
            )

    def read_pixels(self, pictures: Sequence[Image]) -> list[dict[str, float]]:
        """`read` for crops of the network's size."""
        rows = self.probabilities(to_signed(to_batch(pictures, self.device)))
        return [dict(zip(self.attributes, row, strict=True)) for row in rows.tolist()]

    def probabilities(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b a"]:
        """The probability of each attribute in pictures in [-1, 1], by the class head of the discriminator."""
        head = self.network.discriminator
        assert head is not None
        logits = torch.cat(
            self.runtime.parts(range(len(images)), lambda part: head(images[part[0] : part[-1] + 1]).logits)
        )
        return logits.softmax(dim=1) if self.network.config.exclusive else logits.sigmoid()

    def render(self, pictures: Sequence[Image], wanted: Sequence[Mapping[str, bool]]) -> list[Image]:
        """Render crops of the network's size with the wanted attributes."""

        def run(rows: Sequence[int]) -> Float[Tensor, "b 3 s s"]:
            part = slice(rows[0], rows[-1] + 1)
            return self.network(to_signed(to_batch(pictures[part], self.device)), self.labels(wanted[part]))

        return from_batch(from_signed(torch.cat(self.runtime.parts(range(len(pictures)), run))))

    def flip_pixels(self, pixels: Image, has: Mapping[str, bool]) -> dict[str, Image]:
        """`flips` for a crop of the network's size that has these attributes."""
        rows = self.inversions(has)
        return dict(zip(self.attributes, self.render([pixels] * len(rows), rows), strict=True))

    def inversions(self, has: Mapping[str, bool]) -> list[dict[str, bool]]:
        """For each attribute, all attributes with this one inverted; an exclusive one replaces the others."""
        return [self.all_of(has, {name: name in self.exclusive or not has[name]}) for name in self.attributes]

    def labels(self, wanted: Sequence[Mapping[str, bool]]) -> Float[Tensor, "b a"]:
        """Attributes as label vectors."""
        rows = [[float(one[name]) for name in self.attributes] for one in wanted]
        return torch.tensor(rows, device=self.device)
