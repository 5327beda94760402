"""Finished results into files, with what they were made of: the pipelines' way, and that of Python's own `save`."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from deepfake_core.errors import BadRequest, UnknownModel
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.store import expected_hash, find
from deepfake_core.media.images import ImageLike, read_image
from deepfake_core.provenance.origin import Input, Origin
from deepfake_core.provenance.writer import open_sink, save_image


def save(image: ImageLike, path: str | Path, *, model: str, sources: Iterable[ImageLike] = ()) -> Path:
    """Write a picture that `model` made to `path` (PNG, JPEG or WebP, by its suffix) and return where it is.

    It is labelled, marked and signed as all results are. `sources`: the pictures and clips that it was made from, of
    which hashes are kept. Raises `BadRequest` for another suffix, a place that cannot be written or a signing key that
    will not do, what reading the sources raises, and `NotEnoughSpace`.
    """
    return save_image(read_image(image), path, origin=origin_of(model, *sources))


def save_video(
    frames: Iterable[ImageLike],
    path: str | Path,
    *,
    model: str,
    rate: float | int | Fraction = 25,
    sources: Iterable[ImageLike] = (),
    sound_from: str | Path | None = None,
) -> Path:
    """Write frames of one size as they come: an `.mp4` of `rate` frames a second, or numbered frames in a folder.

    The rest is as for `save`. `sound_from`: the file whose sound goes beside them.
    """
    if not 0 < rate <= 240:
        raise BadRequest(f"rate must be above 0 and at most 240 frames a second, got {rate}")
    steady = Fraction(rate).limit_denominator(1001)
    sound = None if sound_from is None else Path(sound_from)
    with open_sink(path, rate=steady, origin=origin_of(model, *sources), sound_from=sound) as sink:
        for frame in frames:
            sink.write(read_image(frame))
    return sink.path


def origin_of(model: str, *sources: object, edited: bool = False) -> Origin:
    """What a result says of itself.

    Sources that are neither a file nor a picture, such as a stream of frames, are left out. `edited`: the result is
    another state of the first source. Raises what reading a source's file raises.
    """
    inputs = [Input.from_source(source) for source in sources if isinstance(source, ImageLike)]
    return Origin(model=model, weights_sha256=hash_of(model), inputs=tuple(inputs), edited=edited)


def hash_of(model: str) -> str | None:
    """The written hash of named weights that are on this machine: which version of them is meant."""
    try:
        path = find(model)
        return expected_hash(path, entry(model)) if path else None
    except UnknownModel:
        return None
