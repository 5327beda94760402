"""One pose instead of a motion: a still picture as driver gives the portrait in its pose, as one picture.

Relative motion is measured from an initial frame, which a single picture does not have, so the pose is transferred
absolutely: the portrait's keypoints become the driver's. Both crops frame the face alike, so that its size and place
match; of its shape something comes along too. The options of a motion (transfer, scale, start, best frame, smoothing)
play no part.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.media.images import WRITABLE, Image, ImageLike
from deepfake_core.pipelines.animation_request import AnimationRequest, read_driver, read_source
from deepfake_core.pipelines.cropped import name_of
from deepfake_core.pipelines.events import Clock, File, Finished
from deepfake_core.pipelines.image_batch import places_for, save
from deepfake_core.pipelines.motion_model import MotionModel

NOTE = "The driver is a picture: the portrait takes its pose, and the options of the motion play no part."


def pose(
    animator: MotionModel, request: AnimationRequest, driver: ImageLike, deadline: Deadline = NEVER
) -> Iterator[Finished]:
    """Write the portrait in the pose of the picture `driver`, as PNG, JPEG or WebP by the suffix of the output.

    A folder gets a PNG with the portrait's name. Raises `BadRequest` for another output, `TookTooLong`, and what
    reading, cropping and writing raise.
    """
    assert request.output is not None
    clock = Clock()
    (place,) = places_for((request.source,), request.output)
    for path in (place, Path(request.side_by_side or place)):
        if path.suffix.lower() not in WRITABLE:
            raise BadRequest(
                f"{name_of(driver, 'the driver')} is a picture and gives a picture, not {path.name}; choose a driving "
                f"clip, or an output ending in {', '.join(WRITABLE)}"
            )
    source, drawn = read_source(animator, request, deadline), read_driver(animator, request, driver, deadline)
    deadline.check()
    square = posed(animator, source.pixels, drawn.pixels)
    files = [_written(source.paste(square) if request.paste_back else square, place, animator, request, driver)]
    if request.side_by_side is not None:
        combined = np.hstack((source.pixels, drawn.pixels, square))
        files.append(_written(combined, Path(request.side_by_side), animator, request, driver, second=True))
    yield Finished(
        files=tuple(files),
        seconds=clock.seconds,
        notes=(f"Portrait: {source.note}", f"Driving picture: {drawn.note}", NOTE, *animator.runtime.notes()),
    )


def posed(
    animator: MotionModel, source: UInt8[np.ndarray, "s s 3"], driver: UInt8[np.ndarray, "s s 3"]
) -> UInt8[np.ndarray, "s s 3"]:
    """The portrait `source` at the keypoints of `driver`; both have the network's size."""
    (made,) = animator.render(animator.portrait(source), animator.keypoints([driver]))
    return made


def _written(
    image: Image,
    path: Path,
    animator: MotionModel,
    request: AnimationRequest,
    driver: ImageLike,
    *,
    second: bool = False,
) -> File:
    """One labelled and signed picture of the result."""
    written = save(image, path, request.source, driver, model=animator.name, label=request.label, edited=False)
    return File(path=written, role="side_by_side" if second else "result", facts={"frames": 1})
