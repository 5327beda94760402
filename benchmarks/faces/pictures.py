"""Pictures whose faces are known by construction, made from upright portraits, and pictures without people."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageDraw

from benchmarks.images import Picture, held_out, to_frames
from deepfake_core.faces.box import Box
from deepfake_core.faces.detector import FoundFace
from deepfake_core.faces.resample import fit
from deepfake_core.media.images import read_image
from deepfake_core.synthetic import animals, fields, heads

THINGS = (
    *("brick", "cell", "chelsea", "clock", "coffee", "coins", "colorwheel", "grass", "gravel", "hubble_deep_field"),
    *("immunohistochemistry", "microaneurysms", "moon", "page", "retina", "rocket", "text"),
)
"""Pictures of scikit-image without people that come with the package."""
EXAMPLES = Path(__file__).parents[2] / "examples"
WIDE = (1200, 1600)
"""Height and width in pixels of a picture in which a face is small."""
TWENTIETH = 20
DARK = 0.08
MASK = (168, 200, 214)
RIGHT_HALF = ((0.3, 0.4), (1.7, 0.65), (1.5, 1.2), (0.6, 1.75))
MASK_OUTLINE = (*RIGHT_HALF, *((-u, v) for u, v in reversed(RIGHT_HALF)))
"""Corners of a mask from the middle of the eyes: across in half their distance, down in their distance to the mouth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A picture, and the squares around the faces in it."""

    image: Picture
    truth: tuple[Box, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """An upright portrait and its face."""

    image: Picture
    face: FoundFace
    index: int
    """Decides turns and places, so that every run makes the same pictures."""


Make = Callable[[Portrait], Case]


def darkened(portrait: Portrait) -> Case:
    return Case(image=(portrait.image * DARK).astype(np.uint8), truth=(portrait.face.box,))


def turned(degrees: int) -> Make:
    """Turn a portrait, every other one to the left."""

    def make(portrait: Portrait) -> Case:
        angle = degrees if portrait.index % 2 else -degrees
        before = Image.fromarray(portrait.image)
        grey = tuple(int(value) for value in portrait.image.mean(axis=(0, 1)))
        after = before.rotate(angle, Image.Resampling.BILINEAR, expand=True, fillcolor=grey)
        cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        x, y = np.subtract(portrait.face.box.centre, np.divide(before.size, 2))
        place = (cosine * x + sine * y + after.width / 2, -sine * x + cosine * y + after.height / 2)
        return Case(image=np.array(after), truth=(_around(place, portrait.face.box.side),))

    return make


def masked(portrait: Portrait) -> Case:
    """Draw a mask from the bridge of the nose over the chin."""
    points = portrait.face.points
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    down, across = mouth - eyes, (points[1] - points[0]) / 2
    outline = [eyes + v * down + u * across for u, v in MASK_OUTLINE]
    picture = Image.fromarray(portrait.image.copy())
    brush = ImageDraw.Draw(picture)
    brush.polygon([(float(x), float(y)) for x, y in outline], fill=MASK)
    for height in (0.8, 1.05, 1.3):
        ends = [tuple(float(value) for value in eyes + height * down + u * across) for u in (-1.3, 1.3)]
        brush.line(ends, fill=(140, 172, 188), width=max(1, round(portrait.face.box.side / 60)))
    return Case(image=np.array(picture), truth=(portrait.face.box,))


def twentieth(portrait: Portrait) -> Case:
    """Paste a portrait into a wide picture, shrunk so that the face is a twentieth as wide as the picture."""
    rng = np.random.default_rng(portrait.index)
    scenes = [thing for thing in things() if min(thing.shape[:2]) >= 256]
    scene = Image.fromarray(scenes[portrait.index % len(scenes)]).resize(WIDE[::-1])
    zoom = WIDE[1] / TWENTIETH / portrait.face.box.side
    return _pasted(np.array(scene), [(portrait, zoom)], [rng.uniform(0, 1, 2)])


def together(others: Sequence[Portrait], zooms: Sequence[float]) -> Make:
    """Paste portraits next to each other: one, and those that follow it in `others`, scaled by `zooms`."""

    def make(portrait: Portrait) -> Case:
        group = [others[(portrait.index + step) % len(others)] for step in range(len(zooms))]
        tiles = [(one, zoom * 240 / one.image.shape[1]) for one, zoom in zip(group, zooms, strict=True)]
        height = max(round(one.image.shape[0] * zoom) for one, zoom in tiles)
        image = np.full((height, 260 * len(tiles), 3), 120, np.uint8)
        places = [np.array((place / max(len(tiles) - 1, 1), 0.5)) for place in range(len(tiles))]
        return _pasted(image, tiles, places)

    return make


def things() -> list[Picture]:
    """Photographs, textures and pages without people."""
    grey = [np.asarray(getattr(skimage.data, name)()) for name in THINGS]
    return [np.stack((one,) * 3, -1) if one.ndim == 2 else np.ascontiguousarray(one[..., :3]) for one in grey]


def without_people(count: int) -> Iterator[Picture]:
    """Things and their quarters, the examples without people, and `count` drawn animals and fields each."""
    for thing in things():
        yield thing
        half, middle = thing.shape[0] // 2, thing.shape[1] // 2
        yield from (thing[:half, :middle], thing[:half, middle:], thing[half:, :middle], thing[half:, middle:])
    for folder in ("animals", "fields"):
        yield from (read_image(path, trusted=True) for path in sorted((EXAMPLES / folder).glob("*.png")))
    for index in range(count):
        rng = held_out(index)
        animal = animals.draw(animals.sample_identity(1, rng), animals.sample_state(1, rng), size=128)
        yield to_frames(animal.image)[0]
        yield to_frames(fields.draw(fields.sample_field(1, rng), torch.tensor([float(index % 2)]), size=128).image)[0]


def drawn_heads(count: int, size: int = 128, *, posed: bool = False) -> Iterator[Case]:
    """Held-out drawn heads; the square around brows, cheeks and chin is measured by their landmarks."""
    places = [heads.LANDMARKS.index(name) for name in ("left brow", "right brow", "chin")]
    for index in range(count):
        rng = held_out(index)
        identity = heads.sample_identity(1, rng)
        state = heads.sample_state(1, rng) if posed else heads.neutral_state(1)
        drawing = heads.draw(identity, state, size=size)
        points = (drawing.landmarks[0, places].numpy() + 1) / 2 * (size - 1) + 0.5
        brows, chin = points[:2].mean(axis=0), points[2]
        yield Case(
            image=to_frames(drawing.image)[0],
            truth=(_around((brows + chin) / 2, float(np.hypot(*(chin - brows)))),),
        )


def of_one_megapixel(image: Picture) -> Picture:
    """The picture enlarged to a million pixels."""
    height, width = image.shape[:2]
    return fit(image, round(max(height, width) * (1e6 / (height * width)) ** 0.5))[0]


def _pasted(scene: Picture, tiles: Sequence[tuple[Portrait, float]], places: Sequence[np.ndarray]) -> Case:
    """Paste portraits, scaled, at places in [0, 1]: shares of the room that is left to them."""
    scene, truth = scene.copy(), []
    for (portrait, zoom), place in zip(tiles, places, strict=True):
        small, ratio = fit(portrait.image, max(1, round(max(portrait.image.shape[:2]) * zoom)))
        height, width = small.shape[:2]
        x, y = (
            int(share * room)
            for share, room in zip(place, (scene.shape[1] - width, scene.shape[0] - height), strict=True)
        )
        scene[y : y + height, x : x + width] = small
        centre = np.divide(portrait.face.box.centre, ratio) + np.array((x, y))
        truth.append(_around(centre, portrait.face.box.side / ratio))
    return Case(image=scene, truth=tuple(truth))


def _around(centre: Sequence[float] | np.ndarray, side: float) -> Box:
    x, y = (float(value) for value in centre)
    return Box(left=x - side / 2, top=y - side / 2, side=side)
