"""`python -m benchmarks kinds PORTRAITS_FOLDER`: how often a drawing is taken for a photograph, and the reverse."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from benchmarks.faces.measure import chosen, spread
from benchmarks.faces.pictures import things
from benchmarks.images import Picture, held_out, to_frames
from benchmarks.report import Figure, Report, Row
from deepfake_core.media.images import read_image
from deepfake_core.media.picture_kind import PictureKind
from deepfake_core.pipelines.suitability import kind_of_picture
from deepfake_core.synthetic import animals, fields, heads

LIMIT = 3.0
"""Per cent that may be wrong, of either kind."""
SIZES = (128, 192, 256, 384, 512)
"""Sides of drawings in pixels."""
QUALITIES = (40, 95)
"""Of pictures saved as JPEG."""
ZOOMS = (0.4, 1.6)
"""How much these are shrunk or enlarged before."""


def measure_kinds(folder: Path, count: int | None = None) -> Report:
    """Judge the portraits with odd numbers, which the rule was not fitted to, and held-out drawings.

    Each is judged as it is, re-encoded at another size as JPEG, and in a screenshot saved as JPEG.
    """
    paths = [path for path in chosen(folder, None) if is_held_out(path)]
    paths = spread(paths, count or len(paths))
    drawings = min(len(paths), 200)
    worlds: dict[str, tuple[PictureKind, Iterator[Picture]]] = {
        "portraits": ("photograph", (read_image(path, trusted=True) for path in paths)),
        "things (scikit-image)": ("photograph", iter(things())),
        "drawn heads": ("drawing", drawn("heads", drawings)),
        "drawn animals": ("drawing", drawn("animals", drawings)),
        "drawn fields": ("drawing", drawn("fields", drawings)),
    }
    rows, wrong = list[Row](), dict[PictureKind, list[bool]]({"photograph": [], "drawing": []})
    for name, (kind, pictures) in worlds.items():
        judged = [errors(picture, kind, index) for index, picture in enumerate(tqdm(pictures, desc=name, disable=None))]
        rows.append(Row(name=name, values=(*(f"{100 * share:.1f}%" for share in np.mean(judged, axis=0)),)))
        if "things" not in name:  # textures, pages of text and diagrams: shown, but neither portraits nor drawings
            wrong[kind] += [one for row in judged for one in row]
    figures = [
        Figure(measure=f"{kind}s taken for the other kind", result=100 * float(np.mean(found)), target=LIMIT,
               more_is_better=False, unit="%", digits=1)
        for kind, found in wrong.items()
    ]  # fmt: skip
    return Report(
        title=f"Drawing or photograph: {len(paths)} held-out portraits, {drawings} drawings of each world",
        columns=("as they are", "as JPEG", "screenshot"),
        rows=tuple(rows),
        notes=("Shares that are judged wrong. The rule was fitted to the other half of the portraits.",),
        bars=tuple(one.bar() for one in figures),
        figures={one.measure: one.result for one in figures},
    )


def is_held_out(portrait: Path) -> bool:
    """Whether the rule was not fitted to this portrait: its number is odd. Others than numbered ones are new to it."""
    return not portrait.stem.isdigit() or int(portrait.stem) % 2 == 1


def drawn(world: str, count: int) -> Iterator[Picture]:
    """Held-out drawings of several sizes."""
    for index in range(count):
        rng, size = held_out(index), SIZES[index % len(SIZES)]
        if world == "heads":
            image = heads.draw(heads.sample_identity(1, rng), heads.sample_state(1, rng), size=size).image
        elif world == "animals":
            image = animals.draw(animals.sample_identity(1, rng), animals.sample_state(1, rng), size=size).image
        else:
            image = fields.draw(fields.sample_field(1, rng), torch.tensor([float(index % 2)]), size=size).image
        yield to_frames(image)[0]


def errors(picture: Picture, kind: PictureKind, index: int) -> Sequence[bool]:
    """Whether the picture itself, as JPEG and in a screenshot, is judged wrong; `index` decides sizes and qualities."""
    rng = np.random.default_rng(index)
    versions = (picture, as_jpeg(picture, rng), screenshot(picture, rng))
    return [kind_of_picture(one) != kind for one in versions]


def as_jpeg(picture: Picture, rng: np.random.Generator) -> Picture:
    """Scaled, and saved as JPEG."""
    zoom = rng.uniform(*ZOOMS)
    image = Image.fromarray(picture)
    image = image.resize((max(32, round(image.width * zoom)), max(32, round(image.height * zoom))))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=int(rng.integers(*QUALITIES)))
    return np.array(Image.open(written))


def screenshot(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture somewhere on a light or dark page, as JPEG."""
    height, width = picture.shape[:2]
    shape = (round(height * rng.uniform(1.05, 1.5)), round(width * rng.uniform(1.05, 1.5)), 3)
    page = np.full(shape, rng.choice([255, 245, 30, 18]), np.uint8)
    top, left = (int(rng.integers(0, room + 1)) for room in (shape[0] - height, shape[1] - width))
    page[top : top + height, left : left + width] = picture
    return as_jpeg(page, rng)
