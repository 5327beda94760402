"""Draw the example pictures and clips of this folder again: python examples/00_draw_the_examples.py"""

import math
import sys
import tempfile
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from deepfake_core.media.decode import read_frames
from deepfake_core.pixels import from_batch, from_unit
from deepfake_core.provenance.writer import Origin, open_video, save_image
from deepfake_core.synthetic import animals, fields
from deepfake_core.synthetic.heads import HeadState, draw, neutral_state, sample_identity

HERE = Path(__file__).parent
PORTRAITS = {"amara": 54, "ben": 12, "chloe": 1, "luca": 49, "mei": 33, "otto": 22}  # name: seed of the head
DRIVERS = {"nod": 37, "look-around": 43, "sing": 24, "smile-and-tilt": 25}
HORSES = {"horse-chestnut": 17, "horse-palomino": 14, "horse-grey": 4, "horse-black": 24}  # name: seed of the field
ZEBRAS = {"zebra-alert": 23, "zebra-grazing": 25}
ANIMALS = {  # name: species, seed
    "cat-white": ("cat", 0),
    "cat-tabby": ("cat", 5),
    "dog-husky": ("dog", 1),
    "dog-spaniel": ("dog", 4),
    "wild-leopard": ("wild", 0),
    "wild-lion": ("wild", 9),
}
FIELD_SIDE, ANIMAL_SIDE = 192, 240  # pixels; files of about 60 kB
RATE, SECONDS, SOUND_RATE = 25, 4, 22050
THUMBNAIL, THUMBNAIL_FRAMES = 160, 12  # pixels; of a clip, from its beginning to its end
ORIGIN = Origin(model="the drawn heads (no network)", source_type="algorithmicMedia")


def main(folder: Path = HERE) -> None:
    """Write portraits/*.png, clips/*.mp4, fields/*.png and animals/*.png below `folder`, with their thumbnails."""
    for name, seed in PORTRAITS.items():
        save_image(
            picture(seed, neutral_state(1)._replace(smile=torch.tensor([0.45])), 512)[0],
            folder / "portraits" / f"{name}.png",
            origin=ORIGIN,
            label=False,
        )
    time = torch.arange(RATE * SECONDS) / RATE
    for name, seed in DRIVERS.items():
        write_clip(folder / "clips" / f"{name}.mp4", seed, motion(name, time))
    for name, seed in {**HORSES, **ZEBRAS}.items():
        save_image(field(seed, name in ZEBRAS), folder / "fields" / f"{name}.png", origin=ORIGIN, label=False)
    for name, (species, seed) in ANIMALS.items():
        save_image(animal(seed, species), folder / "animals" / f"{name}.png", origin=ORIGIN, label=False)
    for path in sorted(folder.glob("*/*.*")):
        write_thumbnail(path)


def write_thumbnail(path: Path) -> None:
    """Write thumbnails/NAME.webp beside a picture or a clip; a clip's one shows its motion once."""
    target = path.parent / "thumbnails" / f"{path.stem}.webp"
    target.parent.mkdir(exist_ok=True)
    if path.suffix != ".mp4":
        small(Image.open(path), THUMBNAIL).save(target, quality=75, method=6)
        return
    frames = list(read_frames(path))
    shown = [
        small(Image.fromarray(frames[int(index)]), THUMBNAIL)
        for index in np.linspace(0, len(frames) - 1, THUMBNAIL_FRAMES)
    ]
    milliseconds = 1000 * SECONDS // THUMBNAIL_FRAMES
    shown[0].save(target, save_all=True, append_images=shown[1:], duration=milliseconds, loop=1, quality=50, method=6)


def small(picture: Image.Image, side: int) -> Image.Image:
    """The picture, at most `side` pixels wide and high."""
    copy = picture.convert("RGB")
    copy.thumbnail((side, side), Image.Resampling.LANCZOS)
    return copy


def field(seed: int, zebra: bool) -> np.ndarray:
    """A field with horses, or the same with zebras."""
    place = fields.sample_field(1, torch.Generator().manual_seed(seed))
    return from_batch(from_unit(fields.draw(place, torch.tensor([float(zebra)]), FIELD_SIDE).image))[0]


def animal(seed: int, species: str) -> np.ndarray:
    """One animal as it happens to look up."""
    rng = torch.Generator().manual_seed(seed)
    kind = torch.tensor([animals.SPECIES.index(species)])
    identity, state = animals.sample_identity(1, rng, species=kind), animals.sample_state(1, rng)
    return from_batch(from_unit(animals.draw(identity, state, ANIMAL_SIDE).image))[0]


def motion(name: str, time: torch.Tensor) -> HeadState:
    """The states of one clip; all start and end near the neutral one."""
    still, turn = neutral_state(len(time)), 2 * math.pi * time / SECONDS
    blink = (1 - ((time - 1.6).abs() / 0.12)).clamp(0, 1)
    states = {
        "nod": still._replace(
            pitch=0.22 * torch.sin(3 * turn) * torch.sin(turn / 2), shift_y=0.02 * torch.sin(3 * turn)
        ),
        "look-around": still._replace(
            yaw=0.55 * torch.sin(turn), pitch=0.10 * torch.sin(2 * turn), gaze_x=0.8 * torch.sin(turn)
        ),
        "sing": still._replace(mouth_open=mouth(time), yaw=0.15 * torch.sin(turn), brow_raise=0.5 * mouth(time)),
        "smile-and-tilt": still._replace(
            smile=0.5 - 0.5 * torch.cos(2 * turn), roll=0.25 * torch.sin(turn), yaw=0.2 * torch.sin(2 * turn)
        ),
    }
    return states[name]._replace(lids=blink)


def mouth(time: torch.Tensor) -> torch.Tensor:
    """How far the singing mouth is open: one syllable every half second."""
    return torch.sin(math.pi * (2 * time % 1)) ** 0.7 * 0.9


def melody() -> np.ndarray:
    """One hummed note a syllable, as loud as the mouth is open; 16-bit mono."""
    time = torch.arange(SOUND_RATE * SECONDS) / SOUND_RATE
    notes = torch.tensor((262.0, 330.0, 392.0, 330.0, 349.0, 330.0, 294.0, 262.0))
    phase = 2 * math.pi * torch.cumsum(notes[(2 * time).long()].double() / SOUND_RATE, 0)
    voice = sum(torch.sin(harmonic * phase) / harmonic**1.5 for harmonic in range(1, 6))
    return (9000 * mouth(time) * voice).numpy().astype(np.int16)  # type: ignore[union-attr, operator]


def picture(seed: int, states: HeadState, size: int) -> list[np.ndarray]:
    """One head in every state."""
    head = sample_identity(1, torch.Generator().manual_seed(seed))
    frames = [draw(head, states.pick(slice(row, row + 1)), size).image[0] for row in range(len(states.yaw))]
    return from_batch(from_unit(torch.stack(frames)))


def write_clip(path: Path, seed: int, states: HeadState) -> None:
    """Draw a clip; the singing one gets its sound."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "melody.wav" if path.stem == "sing" else None
        if sound:
            with wave.open(str(sound), "wb") as file:
                file.setparams((1, 2, SOUND_RATE, 0, "NONE", ""))
                file.writeframes(melody().tobytes())
        with open_video(path, rate=Fraction(RATE), origin=ORIGIN, label=False, sound_from=sound) as video:
            for frame in picture(seed, states, 256):
                video.write(frame)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
