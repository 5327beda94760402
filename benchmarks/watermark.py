"""Quality of the watermark: visibility, speed, robustness to attacks, and false positives."""

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

from benchmarks.images import Picture, held_out, to_frames
from benchmarks.report import Bar, Report, Row
from deepfake_core.media.decode import read_frames
from deepfake_core.media.encode import VideoEncoder
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.provenance.label import label
from deepfake_core.provenance.watermark import embed, extract, is_ours, names_model, payload_of
from deepfake_core.synthetic import animals, fields, heads

MODEL = "fomm-starter"
SIZES = ((128, 128), (256, 256), (512, 512), (720, 1280))  # height, width
EXAMPLES = Path(__file__).parents[1] / "examples"
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina")
DRAWN = 256  # size of the drawings
CLIP, SAMPLED = 64, 8  # frames of a clip, and of those, frames that are read
FAITHFUL, FAINT, RARE = 0.95, 40.0, 1e-3
BUDGETS = {(256, 256): 3.0, (720, 1280): 40.0}  # milliseconds to embed


def measure_watermark(count: int = 40, unmarked: int = 4000, sizes: Sequence[tuple[int, int]] = SIZES) -> Report:
    """Watermark, attack and read `count` images and 8 clips of every size; and read `unmarked` images without one."""
    attacks = {**MUST_SURVIVE, **MAY_NOT}
    rates: dict[str, list[float]] = {name: [] for name in (*attacks, FILM, STILL)}
    quality, in_clips, wrong, readings = [], [], 0, 0
    clips = moving_clips()
    for size in sizes:
        plain = [label(fitted(picture, size)) for picture in pictures(count)]
        marked = [embed(picture, payload_of(MODEL)) for picture in plain]
        quality.append([decibels(one, other) for one, other in zip(plain, marked, strict=True)])
        in_clips.append([decibels(picture, embed(picture, payload_of(MODEL), moving=True)) for picture in plain])
        readings_by_attack = {
            name: [reading_of([attack(picture)]) for picture in marked] for name, attack in attacks.items()
        }
        films = [filmed([fitted(frame, size) for frame in clip]) for clip in clips]
        readings_by_attack[FILM] = [reading_of(film[:: CLIP // SAMPLED]) for film in films]
        readings_by_attack[STILL] = [reading_of([film[CLIP // 2]]) for film in films]
        for name, found in readings_by_attack.items():
            rates[name].append(found.count("right") / len(found))
            wrong += found.count("wrong")
            readings += len(found) - found.count("none")
    false = sum(extract([picture]) is not None for picture in unmarked_pictures(unmarked))
    return reported(sizes, (quality, in_clips), rates, milliseconds(), (wrong, readings), (false, unmarked), count)


def jpeg(picture: Picture, quality: int = 80, kind: str = "JPEG") -> Picture:
    """Encode with lossy compression and decode."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def scaled(picture: Picture, factor: float) -> Picture:
    """Resize by a factor."""
    height, width, _ = picture.shape
    return fitted(picture, (round(height * factor), round(width * factor)))


def cropped(picture: Picture) -> Picture:
    """Crop 1% at the left and at the top."""
    height, width, _ = picture.shape
    return picture[max(1, round(height * 0.01)) :, max(1, round(width * 0.01)) :]


def less_contrast(picture: Picture) -> Picture:
    """Reduce the contrast to 85%."""
    return np.rint(128 + 0.85 * (picture.astype(np.float32) - 128)).astype(np.uint8)


def with_pillow(change: Callable[[Image.Image], Image.Image]) -> Callable[[Picture], Picture]:
    """Wrap an attack on Pillow images."""
    return lambda picture: np.asarray(change(Image.fromarray(picture)))


FILM, STILL = f"H.264 crf 28, {SAMPLED} frames", "H.264 crf 28, one frame"
MUST_SURVIVE: dict[str, Callable[[Picture], Picture]] = {
    "unchanged": lambda picture: picture,
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
    "blur of 2 pixels": with_pillow(lambda image: image.filter(ImageFilter.GaussianBlur(2))),
    "blur of 4 pixels": with_pillow(lambda image: image.filter(ImageFilter.GaussianBlur(4))),
    "second label": label,
    "crop of 1%": cropped,
    "rotation by 1 degree": with_pillow(lambda image: image.rotate(1, Image.Resampling.BICUBIC)),
    "mirrored": with_pillow(ImageOps.mirror),
}


def reading_of(frames: Sequence[Picture]) -> str:
    """Read `frames`: "right" if the correct model is read, "wrong" for another one, or "none"."""
    reading = extract(frames)
    if reading is None:
        return "none"
    return "right" if is_ours(reading.payload) and names_model(reading.payload, MODEL) else "wrong"


def fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """Crop the centre to the aspect ratio of `size` (height, width), and resize."""
    return np.asarray(ImageOps.fit(Image.fromarray(picture), size[::-1], Image.Resampling.BICUBIC))


def decibels(one: Picture, other: Picture) -> float:
    """Peak signal-to-noise ratio in decibels."""
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float32) - other) ** 2)))


def pictures(count: int) -> list[Picture]:
    """Drawn heads, animals and fields, and crops of photographs, in turn."""
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
    """A square crop of at least `least` pixels of one of scikit-image's photographs."""
    photo = getattr(skimage.data, PHOTOS[index // 4 % len(PHOTOS)])()
    rng = np.random.default_rng(index)
    side = int(rng.integers(least, min(photo.shape[:2]) + 1))
    top, left = (int(rng.integers(0, whole - side + 1)) for whole in photo.shape[:2])
    return np.ascontiguousarray(photo[top : top + side, left : left + side])


def unmarked_pictures(count: int) -> Iterator[Picture]:
    """Images without watermark: one in twenty drawn, the others different crops of photographs."""
    makers = (one_head, one_animal, one_field)
    for index in range(count):
        seed = 100_000 + index
        yield part_of_photo(seed, 64) if index % 20 else makers[index // 20 % 3](seed, 96)


def moving_clips() -> list[list[Picture]]:
    """The example clips, and portraits animated by them with the starter."""
    examples = [list(islice(read_frames(path), 10, 10 + CLIP)) for path in sorted((EXAMPLES / "clips").glob("*.mp4"))]
    animator = ImageAnimator.from_pretrained(MODEL, device="cpu")
    portraits = sorted((EXAMPLES / "portraits").glob("*.png"))
    return examples + [list(animator(face, clip, crop="none")) for face, clip in zip(portraits, examples, strict=False)]


def filmed(frames: Sequence[Picture]) -> list[Picture]:
    """Label, watermark, encode and decode a clip."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with VideoEncoder(path, rate=Fraction(25), crf=28) as video:
            for frame in frames:
                video.write(embed(label(frame), payload_of(MODEL), moving=True))
        return list(read_frames(path))


def milliseconds(rounds: int = 15) -> dict[tuple[int, int], float]:
    """The fastest of several embeddings for every size with a budget; other load only makes it slower."""
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
    """Build the report; `wrong` and `false` are (count, total) of readings of another model and of false positives."""
    rows = [
        Row(name=f"PSNR{where}, {what}", values=tuple(f"{summary(each):.1f} dB" for each in decibel))
        for where, decibel in zip(("", " of clips"), quality, strict=True)
        for what, summary in (("least", np.min), ("median", np.median))
    ]
    rows += [Row(name=name, values=tuple(f"{100 * rate:.0f}%" for rate in each)) for name, each in rates.items()]
    named = {f"{width}x{height}": each for (height, width), each in taken.items()}
    return Report(
        title="watermark: share of images and clips from which the model is read",
        columns=tuple(f"{width}x{height}" for height, width in sizes),
        rows=tuple(rows),
        notes=(
            f"{count} images per size: drawings of {DRAWN} px and crops of photographs, resized; 8 clips of {CLIP} "
            "frames, 4 of them animated by the starter. All labelled, then watermarked.",
            f"False positives: {false[0]} of {false[1]} images without watermark; another model read in {wrong[0]} of "
            f"{wrong[1]} readings. Embedding: {', '.join(f'{size} {each:.1f} ms' for size, each in named.items())}.",
        ),
        bars=(
            Bar(
                claim=f"PSNR of every image at least {FAINT:g} dB",
                met=min(min(min(each) for each in kind) for kind in quality) >= FAINT,
            ),
            *(survival(name, rates[name]) for name in (*MUST_SURVIVE, FILM)),
            *(
                Bar(claim=f"{size[1]}x{size[0]} embedded in {BUDGETS[size]:g} ms", met=taken[size] <= BUDGETS[size])
                for size in BUDGETS
            ),
            Bar(claim="another model is read in less than 1 of 100 readings", met=wrong[0] < 0.01 * wrong[1]),
            Bar(claim="less than 1 false positive in 1000 images", met=false[0] < RARE * false[1]),
        ),
        figures={
            "rates": rates,
            "psnr": quality,
            "sizes": sizes,
            "false_positives": false,
            "wrong_model": wrong,
            "milliseconds": named,
        },
    )


def survival(name: str, rates: Sequence[float]) -> Bar:
    """Whether the watermark survives an attack at every size."""
    return Bar(claim=f"{name}: read in at least {100 * FAITHFUL:.0f}% at every size", met=min(rates) >= FAITHFUL)
