"""Quality of the invisible mark: how faint, how fast, what it survives, and how often an unmarked picture has one."""

import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageFilter, ImageOps

from benchmarks.drawings import Picture, held_out, to_frames
from benchmarks.report import Bar, Report, Row
from deepfake_core.media.decode import read_frames
from deepfake_core.media.encode import VideoEncoder
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.provenance.label import label
from deepfake_core.provenance.mark import embed, is_ours, names_model, payload_of, read
from deepfake_core.synthetic import animals, fields, heads

MODEL = "fomm-starter"
SIZES = ((128, 128), (256, 256), (512, 512), (720, 1280))  # height, width
EXAMPLES = Path(__file__).parents[1] / "examples"
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina")
DRAWN = 256  # side at which the drawn ones are drawn
CLIP, SAMPLED = 64, 8  # frames of a clip, and how many of them are read
FAITHFUL, FAINT, RARE = 0.95, 40.0, 1e-3
BUDGETS = {(256, 256): 3.0, (720, 1280): 40.0}  # milliseconds to embed


def measure_mark(count: int = 40, unmarked: int = 4000, sizes: Sequence[tuple[int, int]] = SIZES) -> Report:
    """`count` pictures and 8 moving clips of every size, marked, attacked and read; and `unmarked` ones, read."""
    attacks = {**MUST_SURVIVE, **MAY_NOT}
    rates: dict[str, list[float]] = {name: [] for name in (*attacks, FILM, STILL)}
    quality, in_clips, wrong, readings = [], [], 0, 0
    clips = moving_clips()
    for size in sizes:
        plain = [label(fitted(picture, size)) for picture in pictures(count)]
        marked = [embed(picture, payload_of(MODEL)) for picture in plain]
        quality.append([decibels(one, other) for one, other in zip(plain, marked, strict=True)])
        in_clips.append([decibels(picture, embed(picture, payload_of(MODEL), moving=True)) for picture in plain])
        outcomes = {name: [outcome([attack(picture)]) for picture in marked] for name, attack in attacks.items()}
        films = [filmed([fitted(frame, size) for frame in clip]) for clip in clips]
        outcomes[FILM] = [outcome(film[:: CLIP // SAMPLED]) for film in films]
        outcomes[STILL] = [outcome([film[CLIP // 2]]) for film in films]
        for name, found in outcomes.items():
            rates[name].append(found.count("right") / len(found))
            wrong += found.count("wrong")
            readings += len(found) - found.count("none")
    false = sum(read([picture]) is not None for picture in unmarked_pictures(unmarked))
    return reported(sizes, (quality, in_clips), rates, milliseconds(), (wrong, readings), (false, unmarked), count)


def jpeg(picture: Picture, quality: int = 80, kind: str = "JPEG") -> Picture:
    """Saved with losses and opened again."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def scaled(picture: Picture, factor: float) -> Picture:
    """Made smaller or larger."""
    height, width, _ = picture.shape
    return fitted(picture, (round(height * factor), round(width * factor)))


def cropped(picture: Picture, share: float = 0.01) -> Picture:
    """Without this share of the sides at the left and at the top."""
    height, width, _ = picture.shape
    return picture[max(1, round(height * share)) :, max(1, round(width * share)) :]


def less_contrast(picture: Picture, factor: float = 0.85) -> Picture:
    """Nearer to middle grey."""
    return np.rint(128 + factor * (picture.astype(np.float32) - 128)).astype(np.uint8)


def drawn_on(change: Callable[[Image.Image], Image.Image]) -> Callable[[Picture], Picture]:
    """An attack that Pillow knows."""
    return lambda picture: np.asarray(change(Image.fromarray(picture)))


FILM, STILL = f"H.264 crf 28, {SAMPLED} frames", "H.264 crf 28, one frame"
MUST_SURVIVE: dict[str, Callable[[Picture], Picture]] = {
    "untouched": lambda picture: picture,
    "JPEG 80": jpeg,
    "WebP 80": lambda picture: jpeg(picture, kind="WEBP"),
    "resize 0.8": lambda picture: scaled(picture, 0.8),
    "resize 0.8, JPEG 80": lambda picture: jpeg(scaled(picture, 0.8)),
}
MAY_NOT: dict[str, Callable[[Picture], Picture]] = {
    "JPEG 50": lambda picture: jpeg(picture, 50),
    "resize 0.5, JPEG 80": lambda picture: jpeg(scaled(picture, 0.5)),
    "resize 1.5": lambda picture: scaled(picture, 1.5),
    "contrast 0.85": less_contrast,
    "blur of 2 pixels": drawn_on(lambda image: image.filter(ImageFilter.GaussianBlur(2))),
    "blur of 4 pixels": drawn_on(lambda image: image.filter(ImageFilter.GaussianBlur(4))),
    "labelled once more": label,
    "crop of 1%": cropped,
    "turn of 1 degree": drawn_on(lambda image: image.rotate(1, Image.Resampling.BICUBIC)),
    "mirrored": drawn_on(ImageOps.mirror),
}


def outcome(frames: Sequence[Picture]) -> str:
    """Whether the right model is read from `frames`, a wrong one, or none."""
    reading = read(frames)
    if reading is None:
        return "none"
    return "right" if is_ours(reading.payload) and names_model(reading.payload, MODEL) else "wrong"


def fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """Cut to the shape of `size` (height, width) around the middle, and resized to it."""
    return np.asarray(ImageOps.fit(Image.fromarray(picture), size[::-1], Image.Resampling.BICUBIC))


def decibels(one: Picture, other: Picture) -> float:
    """Peak signal-to-noise ratio."""
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float32) - other) ** 2)))


def pictures(count: int) -> list[Picture]:
    """Drawn heads, animals and fields, and parts of photos, in turn."""
    makers = (one_head, one_animal, one_field, part_of_photo)
    return [makers[index % len(makers)](index) for index in range(count)]


def one_head(index: int, side: int = DRAWN) -> Picture:
    """A drawn head."""
    rng = held_out(index)
    return to_frames(heads.draw(heads.sample_identity(1, rng), heads.sample_state(1, rng), side).image)[0]


def one_animal(index: int, side: int = DRAWN) -> Picture:
    """A drawn animal."""
    rng = held_out(index)
    return to_frames(animals.draw(animals.sample_identity(1, rng), animals.sample_state(1, rng), side).image)[0]


def one_field(index: int, side: int = DRAWN) -> Picture:
    """A drawn field with horses or zebras."""
    return to_frames(fields.draw(fields.sample_field(1, held_out(index)), torch.ones(1) * (index % 8 > 3), side).image)[
        0
    ]


def part_of_photo(index: int, least: int = 200) -> Picture:
    """A square part, of at least so many pixels a side, of one of skimage's photos."""
    photo = getattr(skimage.data, PHOTOS[index // 4 % len(PHOTOS)])()
    rng = np.random.default_rng(index)
    side = int(rng.integers(least, min(photo.shape[:2]) + 1))
    top, left = (int(rng.integers(0, whole - side + 1)) for whole in photo.shape[:2])
    return np.ascontiguousarray(photo[top : top + side, left : left + side])


def unmarked_pictures(count: int) -> Iterator[Picture]:
    """One in twenty drawn; the others parts of photos, which no two are alike."""
    makers = (one_head, one_animal, one_field)
    for index in range(count):
        seed = 100_000 + index
        yield part_of_photo(seed, 64) if index % 20 else makers[index // 20 % 3](seed, 96)


def moving_clips() -> list[list[Picture]]:
    """The example clips, and portraits that the starter animates after them."""
    examples = [list(islice(read_frames(path), 10, 10 + CLIP)) for path in sorted((EXAMPLES / "clips").glob("*.mp4"))]
    animator = ImageAnimator.from_pretrained(MODEL, device="cpu")
    portraits = sorted((EXAMPLES / "portraits").glob("*.png"))
    return examples + [list(animator(face, clip, crop="none")) for face, clip in zip(portraits, examples, strict=False)]


def filmed(frames: Sequence[Picture]) -> list[Picture]:
    """Labelled, marked, encoded with losses and decoded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with VideoEncoder(path, rate=Fraction(25), crf=28) as video:
            for frame in frames:
                video.write(embed(label(frame), payload_of(MODEL), moving=True))
        return list(read_frames(path))


def milliseconds(rounds: int = 15) -> dict[tuple[int, int], float]:
    """The quickest of several embeddings of every size with a budget: others on the machine only make it slower."""
    taken = {}
    for size in BUDGETS:
        picture, times = fitted(part_of_photo(3), size), []
        for _ in range(rounds):
            start = time.perf_counter()
            embed(picture, payload_of(MODEL))
            times.append(1000 * (time.perf_counter() - start))
        taken[size] = min(times)
    return taken


def reported(
    sizes: Sequence[tuple[int, int]],
    quality: tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]],
    rates: dict[str, list[float]],
    taken: dict[tuple[int, int], float],
    wrong: tuple[int, int],
    false: tuple[int, int],
    count: int,
) -> Report:
    """The table; `wrong` of so many readings named another model, `false` of so many unmarked pictures were read."""
    rows = [
        Row(name=f"PSNR{where}, {what}", values=tuple(f"{summary(each):.1f} dB" for each in decibel))
        for where, decibel in zip(("", " of clips"), quality, strict=True)
        for what, summary in (("least", np.min), ("median", np.median))
    ]
    rows += [Row(name=name, values=tuple(f"{100 * rate:.0f}%" for rate in each)) for name, each in rates.items()]
    named = {f"{width}x{height}": each for (height, width), each in taken.items()}
    return Report(
        title="invisible mark: share of pictures and clips from which the model is read",
        columns=tuple(f"{width}x{height}" for height, width in sizes),
        rows=tuple(rows),
        notes=(
            f"{count} pictures a size: drawn at {DRAWN} px, and parts of photos, resized; 8 clips of {CLIP} frames, 4 "
            "of them animated by the starter. All labelled, then marked.",
            f"Marks found in {false[0]} of {false[1]} unmarked pictures; another model named in {wrong[0]} of "
            f"{wrong[1]} readings. Embedding: {', '.join(f'{size} {each:.1f} ms' for size, each in named.items())}.",
        ),
        bars=(
            Bar(
                claim=f"PSNR of every picture at least {FAINT:g} dB",
                met=min(min(min(each) for each in kind) for kind in quality) >= FAINT,
            ),
            *(survival(name, rates[name]) for name in (*MUST_SURVIVE, FILM)),
            *(
                Bar(claim=f"{size[1]}x{size[0]} marked in {BUDGETS[size]:g} ms", met=taken[size] <= BUDGETS[size])
                for size in BUDGETS
            ),
            Bar(claim="another model is named in less than 1 of 100 readings", met=wrong[0] < 0.01 * wrong[1]),
            Bar(claim="a mark is found in less than 1 of 1000 unmarked pictures", met=false[0] < RARE * false[1]),
        ),
        figures={
            "rates": rates,
            "psnr": quality,
            "sizes": sizes,
            "found_in_unmarked": false,
            "named_wrongly": wrong,
            "milliseconds": named,
        },
    )


def survival(name: str, rates: Sequence[float]) -> Bar:
    """Whether an attack leaves the mark readable at every size."""
    return Bar(claim=f"{name}: read in at least {100 * FAITHFUL:.0f}% at every size", met=min(rates) >= FAITHFUL)
