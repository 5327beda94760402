"""Real portraits for training: found, cut as the animator sees faces, judged, and listed in a table.

The photographs come from a checkout of a public repository of portraits of members of the US Congress (`members.csv`
and `images/`), or from any folder with a `portraits.csv` of the columns file, sex, born and last_congress. They stay
where they are; the folder that is written holds canvases (PNG), mattes and `portraits.csv`.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from tqdm import tqdm

from deepfake_core.errors import BadRequest, LabError, MissingFile
from deepfake_core.faces.box import FACE_HEIGHT, FACE_SHARE, Box
from deepfake_core.faces.centerface import find_faces
from deepfake_core.faces.resample import cut
from deepfake_core.media.images import read_image
from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.photos.fit import EYE, MOUTH, fit, to_face
from deepfake_core.synthetic.photos.matte import person_matte
from deepfake_core.synthetic.photos.portrait import CANVAS, FRAME, REACH

HEAD_SPAN = 1.25  # head units from brows to chin, which the pipelines' crop is told by
SURE = 0.6  # score of the detector
SMALL = 26.0  # pixels a head unit: smaller faces are too coarse for 256 pixels
TURNED, TILTED = 0.42, 0.40  # radians
BLURRED = 0.012  # standard deviation of the Laplacian of the face in [0, 1], at the canvas's size
GREY = 0.04  # mean range of the channels, in [0, 1]
CUT_HAIR = 0.90  # share of the head's oval that a sound matte covers
LEFT_OUT = Path(__file__).with_name("left_out.txt")
EVERY = 6  # one person of so many is never trained on


class Listed(NamedTuple):
    """A photograph and what a table says of it."""

    number: str
    path: Path
    sex: str  # "M", "F" or "" where nobody says
    born: str
    last_congress: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A row of the table that is written; places are in the grid of the frame, which spans [-1, 1]."""

    file: str
    sex: str
    born: str
    last_congress: str
    held_out: int
    grey: int
    unit: float
    """Pixels of the photograph a head unit: how sharp it can be."""
    sharpness: float
    points: str
    """x and y of eyes, nose tip and mouth corners, separated by spaces."""


class Doubtful(Exception):
    """A portrait that is left out; the message is the reason in a word or two."""


def prepare_portraits(checkout: Path, out: Path, legislators: Iterable[Path] = ()) -> str:
    """Cut all portraits of `checkout` into `out`; return the report."""
    unwanted = opted_out()
    listed = [one for one in photographs(checkout, legislators) if one.number not in unwanted]
    out.mkdir(parents=True, exist_ok=True)
    rows, reasons = [], Counter[str]()
    for photograph in tqdm(listed, desc="portraits", unit="picture", leave=False, disable=None):
        try:
            rows.append(cut_portrait(photograph, out))
        except Doubtful as reason:
            reasons[str(reason)] += 1
        except LabError:
            reasons["unreadable"] += 1
    if not rows:
        raise BadRequest(f"none of the {len(listed)} pictures of {checkout} is a portrait that can be used")
    with (out / "portraits.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    left_out = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "none"
    held = sum(row.held_out for row in rows)
    report = (f"{len(rows)} of {len(listed)} portraits kept ({sum(row.grey for row in rows)} grey), "
              f"{held} of them for measuring alone. Left out: {left_out}.")  # fmt: skip
    (out / "report.txt").write_text(report + "\n", encoding="utf-8")
    return report


def photographs(checkout: Path, legislators: Iterable[Path]) -> Iterator[Listed]:
    """All pictures that the tables of a checkout name. Raises `MissingFile` without a table."""
    sexes = {row["icpsr_id"].zfill(6): row["gender"] for path in legislators for row in table(path) if row["icpsr_id"]}
    if (checkout / "portraits.csv").is_file():
        for row in table(checkout / "portraits.csv"):
            yield Listed(Path(row["file"]).stem, checkout / row["file"], row["sex"], row["born"], row["last_congress"])
        return
    if not (checkout / "members.csv").is_file():
        raise MissingFile(f"{checkout} holds neither members.csv nor portraits.csv; name a checkout of portraits")
    for row in table(checkout / "members.csv"):
        number = row["ICPSR"].zfill(6)
        yield Listed(number, checkout / row["Image"], sexes.get(number, ""), row["Born"], row["Congress"])


def opted_out(path: Path = LEFT_OUT) -> set[str]:
    """Numbers of the people who asked not to be trained on."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def cut_portrait(photograph: Listed, out: Path) -> Cut:
    """Cut one portrait and write canvas and matte. Raises `Doubtful`."""
    image = read_image(photograph.path, trusted=True)
    points = five_points(image)
    fitted = fit(points[None])
    if abs(float(fitted.yaw)) > TURNED or abs(float(fitted.roll)) > TILTED:
        raise Doubtful("turned")
    box, unit = frame(points.numpy(), image.shape[0], image.shape[1])
    if unit < SMALL:
        raise Doubtful("small")
    pixel = box.side / FRAME
    wide = pixel * CANVAS
    canvas = cut(image, Box(left=box.centre[0] - wide / 2, top=box.centre[1] - wide / 2, side=wide), CANVAS)
    placed = (points - torch.tensor(box.centre)) / (pixel * (FRAME - 1) / 2)
    u, v = face_coordinates(placed)
    sharpness = detail(canvas, (np.abs(u) < 0.45) & (np.abs(v + 0.2) < 0.6))
    if sharpness < BLURRED:
        raise Doubtful("blurred")
    matte = person_matte(canvas, v, u)
    if (matte[(u / 0.62) ** 2 + ((v - 0.05) / 0.95) ** 2 < 1] > 0).mean() < CUT_HAIR:
        raise Doubtful("not to be told from the background")
    Image.fromarray(canvas).save(out / f"{photograph.number}.png")
    Image.fromarray(matte).save(out / f"{photograph.number}-matte.png")
    grey = float(np.ptp(canvas.astype(np.float32) / 255, axis=2).mean()) < GREY
    return Cut(
        file=f"{photograph.number}.png", sex=photograph.sex, born=photograph.born,
        last_congress=photograph.last_congress, held_out=int(is_held_out(photograph.number)), grey=int(grey),
        unit=round(unit, 1), sharpness=round(sharpness, 4),
        points=" ".join(f"{value:.4f}" for value in placed.flatten().tolist()),
    )  # fmt: skip


def is_held_out(number: str) -> bool:
    """Whether a person is kept for measuring: a sixth of all, by a hash of the number."""
    return int(hashlib.sha256(number.encode()).hexdigest(), 16) % EVERY == 0


def five_points(image: UInt8[np.ndarray, "h w 3"]) -> Float[torch.Tensor, "5 2"]:
    """Eyes, nose tip and mouth corners of the one face of a portrait. Raises `Doubtful`."""
    faces = find_faces(image)
    if len(faces) != 1 or faces[0].score < SURE:
        raise Doubtful("without one clear face")
    return torch.from_numpy(faces[0].points).float()


def frame(points: Float[np.ndarray, "5 2"], height: int, width: int) -> tuple[Box, float]:
    """The square that the app would cut, and the pixels of a head unit."""
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    unit = (
        float(np.linalg.norm(mouth - eyes) / (EYE[1] - MOUTH) + np.linalg.norm(points[1] - points[0]) / (2 * EYE[0]))
        / 2
    )
    side = min(HEAD_SPAN * unit / FACE_SHARE, height, width)
    x, y = (eyes + mouth) / 2 + np.array((0.0, 0.08 * unit))  # the middle between brows and chin
    y += (0.5 - FACE_HEIGHT) * side
    left = min(max(x - side / 2, 0), width - side)
    top = min(max(y - side / 2, 0), height - side)
    return Box(left=float(left), top=float(top), side=float(side)), unit


def face_coordinates(placed: Float[torch.Tensor, "5 2"]) -> tuple[Float[np.ndarray, "c c"], Float[np.ndarray, "c c"]]:
    """(u, v) of every pixel of a canvas."""
    grid = (coordinate_grid(CANVAS, CANVAS) * REACH).flatten(0, 1)[None]
    u, v = (part.view(CANVAS, CANVAS).numpy() for part in to_face(fit(placed[None]), grid))
    return u, v


def detail(canvas: UInt8[np.ndarray, "c c 3"], where: np.ndarray) -> float:
    """Standard deviation of the Laplacian of lightness, in [0, 1], over some pixels."""
    light = canvas.astype(np.float32).mean(2) / 255
    laplacian = 4 * light - sum(np.roll(light, shift, axis) for shift in (1, -1) for axis in (0, 1))
    return float(laplacian[where].std())
