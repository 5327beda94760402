"""The invisible watermark: 32 bits in the pixels, which survive when re-saving strips the credentials.

A picture's luma is projected onto 64 carriers, each a sum of a few coarse cosines over the whole picture (2.5 to 10
waves across it), which do not depend on its size in pixels. Carrier i encodes the sign s_i by quantising its projection
p_i: to a multiple of a step for +1, half way between two for -1 (spread-transform dither modulation; Chen and Wornell,
"Quantization Index Modulation", 2001). So the picture's own content does not interfere with the watermark, and no
projection changes by more than half a step. 32 signs encode a fixed 16-bit prefix and 32 a checksum of the model's
name, each by the Reed-Muller code (2, 5), in which two code words differ in at least 8 signs.

Extraction computes c_i = mean over the frames of cos(2 pi p_i / step), which is s_i in a watermarked picture and near
0 in a mean over other frames. The prefix is known, so it shows whether there is a watermark, how noisy it is, and by
which factor the contrast was changed.

Survives (rates: `python -m benchmarks watermark`): JPEG and WebP of quality 80 and less, a different size or aspect
ratio, changes of contrast (0.8 to 1.24, without clipping), and H.264 of crf 28 when 8 frames, better 16, spread over a
moving clip are read. Embed it after the visible label. Does not survive: a crop of 1%, a rotation of 1 degree,
mirroring, a blur that is strong for the size (2 pixels at 128), and usually not a label or other picture laid over it
later. It adds 20 to 75% to the size of a clip at crf 18. It is not secret: anyone who reads this file can remove or
forge it; only the signed credentials prevent that.
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
"""The prefix in the upper 16 bits, "DL" in ASCII. Half of its signs are positive, so a blank picture does not match."""

FINE, COARSE = 0.45, 0.75
"""Quantisation steps in grey levels (root mean square over the picture).

Uniform quantisation errors change each projection by step / sqrt(12): a PSNR of about 47 dB, which is invisible, and
42.5 dB, which remains readable after H.264 of crf 28 in small frames. Never change them: published files use them.
"""

LARGE = 384
"""Pixels: in clips with at least this shorter side the fine step survives H.264, so they use it."""

LOWEST, HIGHEST = 5, 20
"""Half waves across the picture. Lower ones carry too much of the picture's contrast, higher ones are lost in H.264."""

WORD = 32
CARRIERS = 2 * WORD
GRID = 128
"""Side of the square on which the pattern is computed, whatever the size of the frame."""

FINEST = 256
"""Maximum side in pixels at which luma is projected: far above what the highest cosine needs."""

SMALLEST = 32
"""Pixels: frames with a shorter side cannot hold the highest cosines and get no watermark."""

MOST_MASKING = 6.0
"""Maximum ratio of the change in textured regions to that in smooth ones."""

WINDOW = 5
"""Side, in cells of the grid, of the window in which contrast is measured."""

CORRECTIONS = 4
"""Iterations after which masking no longer shifts a projection (measured: within 3% of a step)."""

TRIED = np.outer((FINE, COARSE), 1.02 ** np.arange(-11.0, 12.0)).ravel()
"""Steps tried by `extract`: both, scaled by contrast changes from 0.8 to 1.24, at most 1% apart from any of these."""

CAUTION = 0.5
"""Factor by which the Gaussian log-likelihood is reduced, because errors are not Gaussian."""

LEAST_PRESENCE, LEAST_CERTAINTY = 0.99, 0.9
"""Minimum probability that there is a watermark, and that it is also decoded correctly. Both are conservative."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """A watermark found in a picture or clip."""

    payload: int
    """All 32 bits; the upper 16 are `OURS`."""
    certainty: float
    """From `LEAST_CERTAINTY` to 1: probability that there is a watermark and that this is its payload."""


def payload_of(model: str) -> int:
    """The payload for results of `model`: the prefix, then 16 bits of the SHA-256 of its name."""
    return OURS << 16 | _checksum(model)


def is_ours(payload: int) -> bool:
    """Whether the payload starts with this project's prefix."""
    return payload >> 16 == OURS


def names_model(payload: int, name: str) -> bool:
    """Whether the payload is that of the model `name`; one in 65,536 other names matches by chance."""
    return payload == payload_of(name)


def embed(frame: UInt8[np.ndarray, "h w 3"], payload: int, *, moving: bool = False) -> UInt8[np.ndarray, "h w 3"]:
    """Return a copy of `frame` with the watermark, equal in red, green and blue; tiny frames are copied unchanged.

    `moving`: the frame is part of a clip to be compressed; in a small one the watermark is stronger, hidden by motion.
    Raises `ValueError` when `payload` is not a 32-bit number.
    """
    if not 0 <= payload < 1 << 32:
        raise ValueError(f"payload must be from 0 to 2^32 - 1, got {payload}")
    height, width, _ = frame.shape
    if min(height, width) < SMALLEST:
        return frame.copy()
    step = COARSE if moving and min(height, width) < LARGE else FINE
    grey = _grey(frame)
    projections = _project(np.asarray(grey, np.float32))
    start = np.where(_signs(payload) > 0, 0.0, step / 2).astype(np.float32)
    wanted = start + step * np.rint((projections - start) / step) - projections
    pattern = Image.fromarray(_masked_pattern(wanted, _masking(grey)))
    change = np.rint(np.asarray(pattern.resize((width, height), Image.Resampling.BICUBIC))).astype(np.int16)
    return np.clip(frame + change[..., None], 0, 255).astype(np.uint8)


def extract(frames: Sequence[UInt8[np.ndarray, "h w 3"]]) -> Extraction | None:
    """The watermark shared by all `frames` of one picture or clip, or None if this project's is not found.

    More frames of a moving clip give a higher certainty: 8, better 16, spread over it are enough for H.264.
    Without a watermark the false positive rate is below 1 in 1000 (measured; `_chance` is only a bound).
    """
    if not frames or min(min(frame.shape[:2]) for frame in frames) < SMALLEST:
        return None
    projections = np.stack([_project(np.asarray(_grey(frame), np.float32)) for frame in frames])
    votes = np.cos(2 * np.pi * projections[:, None] / TRIED[:, None]).mean(0)  # (step, carrier)
    fits = _fit(votes[:, :WORD])
    best = int(fits.argmax())
    there = 1.0 - _chance(float(fits[best]))
    if there < LEAST_PRESENCE:
        return None
    word, sure = _decode(votes[best])
    if there * sure < LEAST_CERTAINTY:
        return None
    return Extraction(payload=OURS << 16 | word, certainty=there * sure)


def _grey(frame: UInt8[np.ndarray, "h w 3"]) -> Image.Image:
    """Luma with each side at most `FINEST`: the carriers do not depend on the size, and this bounds the memory."""
    grey = Image.fromarray(frame).convert("L")
    return grey.resize((min(grey.width, FINEST), min(grey.height, FINEST)), Image.Resampling.BICUBIC)


def _checksum(model: str) -> int:
    return int.from_bytes(hashlib.sha256(model.encode()).digest()[:2], "big")


def _fit(votes: Float[np.ndarray, "tried 32"]) -> Float[np.ndarray, " tried"]:
    """Correlation, -1 to 1, of the votes with the signs of the prefix."""
    length = np.sqrt(WORD * (votes**2).sum(1))
    return votes @ _word(OURS) / np.maximum(length, 1e-9)


def _chance(fit: float) -> float:
    """Upper bound on the probability that votes of random sign have this correlation.

    Hoeffding's inequality for a sum of random signs, times the number of steps tried.
    """
    return min(1.0, len(TRIED) * float(np.exp(-WORD * max(fit, 0.0) ** 2 / 2)))


def _decode(votes: Float[np.ndarray, "64"]) -> tuple[int, float]:
    """The most likely lower 16 bits, and the probability that they are correct.

    For Gaussian noise a word's log-probability would be `level / noise` times its correlation. Votes of a strongly
    compressed frame wrap around to the next multiple, which is not Gaussian, and one half may be noisier than the
    other: so the noisier half is used, and `CAUTION` applied.
    """
    quadratic, linear = _code()
    agreement = (quadratic * votes[WORD:]) @ linear.T  # (1024, 32): of each word; negative for the opposite word
    row, column = np.unravel_index(np.abs(agreement).argmax(), agreement.shape)
    peak = float(agreement[row, column])
    word = int(row) << 6 | (peak < 0) << 5 | int(column)
    agreeing = (votes * _signs(OURS << 16 | word)).reshape(2, WORD)
    evidence = CAUTION * float((agreeing.mean(1) / np.maximum(agreeing.var(1), 1e-4)).min())
    others = np.exp(evidence * (np.abs(agreement) - abs(peak)))  # 1 for the peak; the opposite word is negligible
    return word, 1 / float(others.sum())


def _masked_pattern(wanted: Float[np.ndarray, "64"], masking: Float32[np.ndarray, "g g"]) -> Float32[np.ndarray, "g g"]:
    """Grey levels to add so that every projection changes by `wanted`, mostly where `masking` is large.

    Masking mixes the carriers slightly, so the remaining error is corrected iteratively.
    """
    pattern = np.zeros_like(masking)
    for _ in range(CORRECTIONS):
        missing = wanted - _project(pattern)
        pattern += masking * _waves(_spread(missing))
    return pattern


def _masking(grey: Image.Image) -> Float32[np.ndarray, "g g"]:
    """Relative visibility threshold, of mean 1: it grows with the contrast in the surrounding 5 x 5 cells."""
    cells = np.asarray(grey.resize((GRID, GRID), Image.Resampling.BOX), np.float32)
    variance = uniform_filter(cells * cells, WINDOW) - uniform_filter(cells, WINDOW) ** 2
    hidden = np.sqrt(1 + np.sqrt(np.maximum(variance, 0))).clip(1, MOST_MASKING)
    return hidden / hidden.mean()


def _project(grey: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "64"]:
    """Projection onto every carrier in grey levels (root mean square), independent of the size of the picture."""
    height, width = grey.shape
    some = dct(grey, axis=0)[: HIGHEST + 1]
    coefficients = dct(some, axis=1)[:, : HIGHEST + 1] / (2 * height * width)
    index, weight = _carriers()
    return (coefficients.ravel()[index] * weight).sum(1)


def _spread(projections: Float[np.ndarray, "64"]) -> Float32[np.ndarray, "k k"]:
    """Coefficients of the cosines that have these projections: the inverse of `_project`."""
    index, weight = _carriers()
    coefficients = np.zeros((HIGHEST + 1) ** 2, np.float32)
    coefficients[index] = weight * projections[:, None]
    return coefficients.reshape(HIGHEST + 1, HIGHEST + 1)


def _waves(coefficients: Float32[np.ndarray, "k k"]) -> Float32[np.ndarray, "g g"]:
    """The sum of the cosines with these coefficients; each has mean square 1. The first row and column must be zero.

    By fast transforms, as in `_project`: small matrix products would keep all cores busy waiting.
    """
    return dct(dct(coefficients, type=3, n=GRID, axis=0), type=3, n=GRID, axis=1) / 2


@lru_cache(maxsize=1)
def _carriers() -> tuple[Integer[np.ndarray, "64 m"], Float32[np.ndarray, "64 m"]]:
    """The cosines of every carrier, as indices into the flattened coefficients, and their weights.

    Order and signs come from a hash, which unlike a random generator is stable for ever. None is constant, or a single
    half wave, along rows or columns: borders and horizons are strong there.
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
    """The 32 signs of 16 bits: 10 select products of two of the five index bits, 1 the sign, 5 a sum of these bits."""
    quadratic, linear = _code()
    return quadratic[bits >> 6] * linear[bits & 31] * np.float32(1 - 2 * (bits >> 5 & 1))


@lru_cache(maxsize=1)
def _code() -> tuple[Float32[np.ndarray, "1024 32"], Float32[np.ndarray, "32 32"]]:
    """The signs of all quadratic forms without squares, and of all linear forms, of the five index bits 0 to 31."""
    index_bits: Int[np.ndarray, "32 5"] = np.arange(32)[:, None] >> np.arange(5) & 1
    pairs = np.stack([index_bits[:, one] * index_bits[:, two] for one, two in itertools.combinations(range(5), 2)])
    choice: Int[np.ndarray, "1024 10"] = np.arange(1024)[:, None] >> np.arange(10) & 1
    quadratic, linear = 1 - 2 * (choice @ pairs % 2), 1 - 2 * (index_bits @ index_bits.T % 2)
    return _shared(quadratic.astype(np.float32)), _shared(linear.astype(np.float32))


def _shared(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)  # cached for every caller
    return array
