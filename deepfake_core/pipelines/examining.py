"""Examine a file of any origin, and change a result to see what its marks still say, for the Verify tab."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import LabError
from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import Image, read_image
from deepfake_core.provenance.formats import kind_of
from deepfake_core.provenance.manipulations import can_be_changed, manipulate, why
from deepfake_core.provenance.verdict import Verdict, verdict_of
from deepfake_core.provenance.verification import Verification
from deepfake_core.provenance.verify import verify
from deepfake_core.provenance.writer import save_input

SHOWN_SIDE = 640
"""Maximum side in pixels of the picture that is shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """What a file says of its origin, and what it looks like."""

    found: Verification
    verdict: Verdict
    picture: Path | None
    """The picture or the first frame of the clip, unchanged but smaller; None if it cannot be decoded."""
    can_be_changed: bool
    """Whether `change` takes the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """A changed picture, and the verdicts before and after."""

    path: Path
    before: Verdict
    after: Verdict
    why: str


def examine(path: Path, folder: Path, models: Iterable[str], deadline: Deadline = NEVER) -> Examination:
    """Verify a picture or clip; what is shown of it is written into `folder`. Raises what `verify` raises."""
    found = verify(path, models=models, deadline=deadline)
    return Examination(
        found=found,
        verdict=verdict_of(found),
        picture=_shown(path, folder / "examined.jpg", deadline),
        can_be_changed=can_be_changed(path, found),
    )


def change(path: Path, how: str, folder: Path, models: Iterable[str], deadline: Deadline = NEVER) -> Changed:
    """Change a signed picture (see `manipulate`) into a file in `folder`, and verify both.

    Raises what `manipulate` and `verify` raise.
    """
    names = tuple(models)
    before = verify(path, models=names, deadline=deadline)
    changed = manipulate(path, how, folder, found=before, deadline=deadline)
    after = verify(changed, models=names, deadline=deadline)
    return Changed(path=changed, before=verdict_of(before), after=verdict_of(after), why=why(how, after))


def _shown(path: Path, output: Path, deadline: Deadline) -> Path | None:
    try:
        picture = _first_picture(path, deadline)
        return None if picture is None else save_input(picture, output)
    except LabError:  # the notes of the verdict say that the pixels could not be read
        return None


def _first_picture(path: Path, deadline: Deadline) -> Image | None:
    kind = kind_of(path)
    if kind is None or not kind.moving:
        return read_image(path, longest=SHOWN_SIDE, deadline=deadline)
    with read_frames(path, max_side=SHOWN_SIDE, deadline=deadline) as frames:
        return next(frames, None)
