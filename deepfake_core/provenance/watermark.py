"""The invisible mark: 32 bits in the picture itself, which stay when a re-save has stripped the credentials.

A picture's luma is projected on 64 carriers, each a sum of a few coarse cosines over the whole picture (2.5 to 10
waves across it), which do not depend on its size in pixels. Carrier i says the sign s_i by where its projection
p_i lies: on a multiple of a step for +1, half way between two for -1 (spread-transform dither modulation; Chen and
Wornell, "Quantization Index Modulation", 2001). So the picture's own content does not disturb the mark, and no
projection moves by more than half a step. 32 signs say the 16 bits that are always ours, 32 the checksum of a model's
name, each half by the Reed-Muller code (2, 5): two words differ in 8 signs or more.

A reader sums c_i = mean over the frames of cos(2 pi p_i / step), which is s_i in a marked picture, and near 0 in a
mean over frames that say nothing. Our half is known, so it tells whether there is a mark, how noisy it is, and by
what factor the contrast was changed.

Survives (rates: `python -m benchmarks mark`): JPEG and WebP of quality 80 and less, another size or shape, less or
more contrast (0.8 to 1.24, while nothing is clipped), and H.264 of crf 28 when 8 frames, better 16, spread over a
moving clip are read. Embed it after the visible label. Does not survive: a crop of 1%, a turn of 1 degree, mirroring,
a blur that is strong for the size (2 pixels at 128), mostly not a label or another picture laid over it later. It
costs a clip 20 to 75% more bytes at crf 18. It hides nothing: whoever reads this file can remove or forge it, which
only the signed credentials withstand.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32, Int, Integer, UInt8
from PIL import Image
from scipy.fft import dct
from scipy.ndimage import uniform_filter

OURS = 0x444C
"""The upper 16 bits, "DL" in ASCII. As many of its signs are + as -, so that a blank picture does not look marked."""

FINE, COARSE = 0.45, 0.75
"""Steps: grey levels, root mean square over the picture, between two places of a projection that say the same.

Evenly spread remainders move each projection by step / sqrt(12): about 47 dB, which no eye finds, and 42.5 dB, which
H.264 of crf 28 leaves readable in small frames. Never change them: marks are out in the world.
"""

LARGE = 384
"""Pixels: clips whose shorter side has as many keep the fine step in H.264, so they get it."""

LOWEST, HIGHEST = 5, 20
"""Half waves across the picture. Coarser ones carry too much of the picture's contrast, finer ones die in H.264."""

WORD = 32
CARRIERS = 2 * WORD
GRID = 128
"""Side of the square on which the pattern is worked out, whatever the frame's size."""

FINEST = 256
"""Pixels on which luma is projected at most: far above what the finest cosine needs."""

SMALLEST = 32
"""Pixels: frames with a shorter side cannot hold the finest cosines and stay unmarked."""

MOST_MASKING = 6.0
"""How much more the mark may change the busiest places than smooth ones."""

WINDOW = 5
"""Cells of the grid, along each side, in which contrast is measured."""

CORRECTIONS = 4
"""Rounds after which masking no longer pulls a projection from its place (measured: within 3% of a step)."""

TRIED = np.outer((FINE, COARSE), 1.02 ** np.arange(-11.0, 12.0)).ravel()
"""Steps that a reader tries: both, after changes of contrast from 0.8 to 1.24, none of which is 1% off all of them."""

CAUTION = 0.5
"""Share of the Gaussian evidence that is believed."""

LEAST_PRESENCE, LEAST_CERTAINTY = 0.99, 0.9
"""How sure it must be that there is a mark at all, and that it is there and read rightly. Both are careful bounds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A mark that was found."""

    payload: int
    """All 32 bits; the upper 16 are ours."""
    certainty: float
    """From `LEAST_CERTAINTY` to 1: how sure it is that there is a mark and that it says this."""


def payload_of(model: str) -> int:
    """What the mark says in results of `model`: our 16 bits, then 16 bits of the SHA-256 of its name."""
    return OURS << 16 | _checksum(model)


def is_ours(payload: int) -> bool:
    """Whether the upper 16 bits are ours."""
    return payload >> 16 == OURS


def names_model(payload: int, name: str) -> bool:
    """Whether the mark is of the model called `name`; of 65,536 other names one fits by chance."""
    return payload == payload_of(name)


def embed(frame: UInt8[np.ndarray, "h w 3"], payload: int, *, moving: bool = False) -> UInt8[np.ndarray, "h w 3"]:
    """Return a copy of `frame` with the mark, equally in red, green and blue; tiny frames are copied as they are.

    `moving` frames will be a compressed clip: in small ones the mark is stronger, and motion hides it.

    `ValueError` when `payload` is not a number of 32 bits.
    """
    if not 0 <= payload < 1 << 32:
        raise ValueError(f"payload {payload} is not a number of 32 bits")
    height, width, _ = frame.shape
    if min(height, width) < SMALLEST:
        return frame.copy()
    step = COARSE if moving and min(height, width) < LARGE else FINE
    grey = _grey(frame)
    places = _project(np.asarray(grey, np.float32))
    start = np.where(_signs(payload) > 0, 0.0, step / 2).astype(np.float32)
    wanted = start + step * np.rint((places - start) / step) - places
    pattern = Image.fromarray(_masked_pattern(wanted, _masking(grey)))
    change = np.rint(np.asarray(pattern.resize((width, height), Image.Resampling.BICUBIC))).astype(np.int16)
    return np.clip(frame + change[..., None], 0, 255).astype(np.uint8)


def read(frames: Sequence[UInt8[np.ndarray, "h w 3"]]) -> Reading | None:
    """The mark that all `frames` of one picture or clip share, or None when there is none of ours.

    More frames of a moving clip give more certainty: 8, better 16, spread over it are enough for H.264.
    Without a mark the chance of a reading is below 1 in 1000 (measured; `_chance` is only a bound).
    """
    if not frames or min(min(frame.shape[:2]) for frame in frames) < SMALLEST:
        return None
    places = np.stack([_project(np.asarray(_grey(frame), np.float32)) for frame in frames])
    votes = np.cos(2 * np.pi * places[:, None] / TRIED[:, None]).mean(0)  # (step, carrier)
    fits = _fit(votes[:, :WORD])
    best = int(fits.argmax())
    there = 1.0 - _chance(float(fits[best]))
    if there < LEAST_PRESENCE:
        return None
    word, sure = _decode(votes[best])
    if there * sure < LEAST_CERTAINTY:
        return None
    return Reading(payload=OURS << 16 | word, certainty=there * sure)


def _grey(frame: UInt8[np.ndarray, "h w 3"]) -> Image.Image:
    """Luma, each side at most `FINEST`: the carriers are the same in it, and a large picture costs no more memory."""
    grey = Image.fromarray(frame).convert("L")
    return grey.resize((min(grey.width, FINEST), min(grey.height, FINEST)), Image.Resampling.BICUBIC)


def _checksum(model: str) -> int:
    return int.from_bytes(hashlib.sha256(model.encode()).digest()[:2], "big")


def _fit(votes: Float[np.ndarray, "tried 32"]) -> Float[np.ndarray, " tried"]:
    """Agreement with our half, -1 to 1: the correlation of its signs and the votes."""
    length = np.sqrt(WORD * (votes**2).sum(1))
    return votes @ _word(OURS) / np.maximum(length, 1e-9)


def _chance(fit: float) -> float:
    """Bound on the chance that votes of random sign, however large and alike over the frames, fit so well.

    Hoeffding's inequality for a sum of random signs, once for each step that is tried.
    """
    return min(1.0, len(TRIED) * float(np.exp(-WORD * max(fit, 0.0) ** 2 / 2)))


def _decode(votes: Float[np.ndarray, "64"]) -> tuple[int, float]:
    """The likeliest lower 16 bits, and the probability that they are right.

    For Gaussian noise the log of a word's probability would be `level / noise` times its agreement. Votes of a strongly
    compressed frame wrap round to the next place, which is not Gaussian, and one half may be noisier than the other: so
    the worse half counts, and `CAUTION` is used.
    """
    bends, lines = _code()
    agreement = (bends * votes[WORD:]) @ lines.T  # (1024, 32): of each word, and negative, of its opposite
    row, column = np.unravel_index(np.abs(agreement).argmax(), agreement.shape)
    peak = float(agreement[row, column])
    word = int(row) << 6 | (peak < 0) << 5 | int(column)
    said = (votes * _signs(OURS << 16 | word)).reshape(2, WORD)
    evidence = CAUTION * float((said.mean(1) / np.maximum(said.var(1), 1e-4)).min())
    others = np.exp(evidence * (np.abs(agreement) - abs(peak)))  # 1 for the peak; a word's opposite weighs nothing
    return word, 1 / float(others.sum())


def _masked_pattern(wanted: Float[np.ndarray, "64"], masking: Float32[np.ndarray, "g g"]) -> Float32[np.ndarray, "g g"]:
    """Grey levels to add so that every projection moves by `wanted`, most of it where `masking` is large.

    Masking mixes the carriers a little, so what is still missing is added again, a few times.
    """
    pattern = np.zeros_like(masking)
    for _ in range(CORRECTIONS):
        missing = wanted - _project(pattern)
        pattern += masking * _waves(_spread(missing))
    return pattern


def _masking(grey: Image.Image) -> Float32[np.ndarray, "g g"]:
    """How much change a place hides, of mean 1: it grows with the contrast in the 5 by 5 cells of the grid around."""
    cells = np.asarray(grey.resize((GRID, GRID), Image.Resampling.BOX), np.float32)
    variance = uniform_filter(cells * cells, WINDOW) - uniform_filter(cells, WINDOW) ** 2
    hidden = np.sqrt(1 + np.sqrt(np.maximum(variance, 0))).clip(1, MOST_MASKING)
    return hidden / hidden.mean()


def _project(grey: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "64"]:
    """Place of every carrier, in grey levels (root mean square), the same for all sizes of one picture."""
    height, width = grey.shape
    some = dct(grey, axis=0)[: HIGHEST + 1]
    amounts = dct(some, axis=1)[:, : HIGHEST + 1] / (2 * height * width)
    index, weight = _carriers()
    return (amounts.ravel()[index] * weight).sum(1)


def _spread(places: Float[np.ndarray, "64"]) -> Float32[np.ndarray, "k k"]:
    """Amounts of the cosines that have these projections: `_project` turned round."""
    index, weight = _carriers()
    amounts = np.zeros((HIGHEST + 1) ** 2, np.float32)
    amounts[index] = weight * places[:, None]
    return amounts.reshape(HIGHEST + 1, HIGHEST + 1)


def _waves(amounts: Float32[np.ndarray, "k k"]) -> Float32[np.ndarray, "g g"]:
    """The sum of so much of every cosine; each has the mean square 1. The first row and column have to be empty.

    By fast transforms, as in `_project`: small products of matrices keep all cores of a machine busy with waiting.
    """
    return dct(dct(amounts, type=3, n=GRID, axis=0), type=3, n=GRID, axis=1) / 2


@lru_cache(maxsize=1)
def _carriers() -> tuple[Integer[np.ndarray, "64 m"], Float32[np.ndarray, "64 m"]]:
    """Which cosines make up every carrier, by their place in the flat square of amounts, and their weights.

    Shuffled and signed by a hash of their own, which is the same for ever, as no random generator promises to be.
    None is constant, or a single half wave, along rows or columns: frames and horizons are strong there.
    """
    waves = itertools.product(range(2, HIGHEST + 1), repeat=2)
    usable = [(down, across) for down, across in waves if LOWEST <= np.hypot(down, across) <= HIGHEST]
    digest = {wave: hashlib.sha256("deepfake-lab {} {}".format(*wave).encode()).digest() for wave in usable}
    each = len(usable) // CARRIERS
    chosen = sorted(usable, key=digest.__getitem__)[: CARRIERS * each]
    index = np.array([down * (HIGHEST + 1) + across for down, across in chosen])
    sign = np.array([1 - 2 * (digest[wave][-1] & 1) for wave in chosen], np.float32)
    return _shared(index.reshape(CARRIERS, each)), _shared(sign.reshape(CARRIERS, each) / np.float32(np.sqrt(each)))


def _signs(payload: int) -> Float32[np.ndarray, "64"]:
    return np.concatenate((_word(payload >> 16), _word(payload & 0xFFFF)))


def _word(bits: int) -> Float32[np.ndarray, "32"]:
    """The 32 signs of 16 bits: 10 choose products of two of the places' five bits, 1 the sign, 5 a sum of the bits."""
    bends, lines = _code()
    return bends[bits >> 6] * lines[bits & 31] * np.float32(1 - 2 * (bits >> 5 & 1))


@lru_cache(maxsize=1)
def _code() -> tuple[Float32[np.ndarray, "1024 32"], Float32[np.ndarray, "32 32"]]:
    """The signs of all quadratic forms without squares, and of all linear forms, of the five bits of 0 to 31."""
    place: Int[np.ndarray, "32 5"] = np.arange(32)[:, None] >> np.arange(5) & 1
    pairs = np.stack([place[:, one] * place[:, two] for one, two in itertools.combinations(range(5), 2)])
    choice: Int[np.ndarray, "1024 10"] = np.arange(1024)[:, None] >> np.arange(10) & 1
    bends, lines = 1 - 2 * (choice @ pairs % 2), 1 - 2 * (place @ place.T % 2)
    return _shared(bends.astype(np.float32)), _shared(lines.astype(np.float32))


def _shared(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)  # cached for every caller
    return array
