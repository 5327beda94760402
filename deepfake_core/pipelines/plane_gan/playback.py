"""Play the training of a GAN in the plane: steps at the speed of a film, a snapshot for each of its frames."""

import time
from collections.abc import Iterator

from deepfake_core.deadline import Deadline
from deepfake_core.pipelines.plane_gan.snapshot import Snapshot, take
from deepfake_core.pipelines.plane_gan.training import PlaneGan

FRAMES_PER_SECOND = 12
MOST_STEPS = 20_000
"""In the life of one GAN, whose losses are all kept."""


def play(gan: PlaneGan, steps_per_frame: int, deadline: Deadline) -> Iterator[Snapshot]:
    """Train until `MOST_STEPS`; another thread may change the GAN's settings meanwhile.

    Raises `TookTooLong` at the deadline.
    """
    while gan.steps < MOST_STEPS:
        until = time.monotonic() + 1 / FRAMES_PER_SECOND
        for _ in range(steps_per_frame):
            gan.step()
        yield take(gan)
        deadline.check()
        time.sleep(max(0.0, until - time.monotonic()))
