"""Folders of images as training data: listing, cached reading, random crops and flips."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from deepfake_core.errors import BadRequest, LabError
from deepfake_core.media.images import SUFFIXES, read_image
from deepfake_core.pixels import to_signed

logger = logging.getLogger("train")
MEMORY = 2**30  # bytes of resized images cached by one `Pictures`; images beyond that are read again each time


def list_images(folder: str | Path) -> tuple[Path, ...]:
    """List the images of a folder, sorted; raises `BadRequest` if it is missing or empty."""
    folder = Path(folder)
    if not folder.is_dir():
        raise BadRequest(f"there is no folder {folder}; create it and add images ({', '.join(SUFFIXES)})")
    found = tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()))
    if not found:
        raise BadRequest(f"there are no images in {folder}; add some ({', '.join(SUFFIXES)})")
    return found


def subfolders(folder: str | Path) -> tuple[Path, ...]:
    """List the visible folders in a folder, sorted; raises `BadRequest` if it is missing."""
    folder = Path(folder)
    if not folder.is_dir():
        raise BadRequest(f"there is no folder {folder}; use one with a folder of images for each domain")
    return tuple(sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))


def domain_folders(folder: str | Path) -> dict[str, tuple[Path, ...]]:
    """List the images of each domain, by the name of its subfolder, sorted.

    Raises `BadRequest` if there are fewer than two subfolders, or one has no images.
    """
    domains = subfolders(folder)
    if len(domains) < 2:
        held = f"only the folder {domains[0].name}" if domains else "no folder"
        raise BadRequest(f"{folder} must have at least two folders, each with the images of one domain; got {held}")
    return {domain.name: list_images(domain) for domain in domains}


class Pictures:
    """Random crops of a set of images.

    Each image is read when it is first drawn, resized so that its shorter side is `enlarge * size`, and cached as bytes
    (up to `MEMORY` in all). A random crop of `size` is then taken and, with `flip`, mirrored half of the time; 1.12 is
    the 286 / 256 of Isola et al. (CVPR 2017). An image that cannot be read is skipped with a warning and counted in
    `skipped`.
    """

    def __init__(self, paths: Sequence[Path], size: int, enlarge: float = 1.12, flip: bool = True) -> None:
        self.paths, self.size, self.flip = tuple(paths), size, flip
        self.side = round(size * enlarge)
        self.skipped = 0
        self._usable = [True] * len(self.paths)
        self._kept: dict[Path, UInt8[Tensor, "3 h w"]] = {}
        self._room = MEMORY

    def sample(self, count: int, generator: torch.Generator) -> Float[Tensor, "b 3 s s"]:
        """Draw `count` crops in [-1, 1] on the generator's device; raises `BadRequest` if no image can be read."""
        return self.sample_with_indices(count, generator)[0]

    def sample_with_indices(
        self, count: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "b 3 s s"], Int[Tensor, "b"]]:
        """Draw crops, and return the index into `paths` of each, for labels."""
        crops: list[UInt8[Tensor, "3 s s"]] = []
        places: list[int] = []
        while len(crops) < count:
            place = chance(len(self.paths), generator)
            picture = self._readable(place)
            if picture is not None:
                crops.append(self.crop(picture, generator))
                places.append(place)
        device = generator.device
        return to_signed(torch.stack(crops).to(device)), torch.tensor(places, device=device)

    def read(self, path: Path) -> UInt8[Tensor, "3 h w"]:
        """Read one image with its shorter side at `enlarge * size`; raises a `LabError` if it cannot be read."""
        if path in self._kept:
            return self._kept[path]
        whole = torch.from_numpy(read_image(path, trusted=True)).permute(2, 0, 1)[None].float()
        scale = self.side / min(whole.shape[-2:])
        height, width = (max(self.side, round(side * scale)) for side in whole.shape[-2:])
        shrunk = F.interpolate(whole, size=(height, width), mode="bilinear", antialias=True, align_corners=False)
        picture = shrunk[0].round().clamp(0, 255).to(torch.uint8)
        if picture.numel() <= self._room:
            self._kept[path] = picture
            self._room -= picture.numel()
        return picture

    def crop(self, picture: UInt8[Tensor, "3 h w"], generator: torch.Generator) -> UInt8[Tensor, "3 s s"]:
        """Crop a random square of `size`, mirrored half of the time with `flip`."""
        top, left = (chance(side - self.size + 1, generator) for side in picture.shape[-2:])
        square = picture[:, top : top + self.size, left : left + self.size]
        return square.flip(-1) if self.flip and chance(2, generator) else square

    def _readable(self, place: int) -> UInt8[Tensor, "3 h w"] | None:
        """The image at an index, or None if it cannot be read, with a warning the first time."""
        if not self._usable[place]:
            return None
        try:
            return self.read(self.paths[place])
        except LabError as error:
            self._usable[place] = False
            self.skipped += 1
            logger.warning("skipped (%d so far): %s", self.skipped, error)
            if not any(self._usable):
                folder = self.paths[place].parent
                raise BadRequest(f"none of the images in {folder} can be read; add others") from error
            return None


def chance(count: int, generator: torch.Generator) -> int:
    """A random integer in [0, count)."""
    return int(torch.randint(count, (), generator=generator, device=generator.device))
