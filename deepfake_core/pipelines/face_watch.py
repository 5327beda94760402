"""Where the motion of a driving clip starts, pauses and starts anew: at its first face, without one, and at a cut.

The face finder takes longer than the network, so it runs on few frames: on the first ones until a face is found, and
later only where a frame no longer looks like the last one that showed the face.
"""

from fractions import Fraction

import numpy as np

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import NoFaceFound
from deepfake_core.faces import Box, Crop, Face, FaceCrop, find_crop
from deepfake_core.faces.box import centre_square
from deepfake_core.media.images import Image
from deepfake_core.pipelines.motion_start import FixedStart, Motion
from deepfake_core.pipelines.thumbnails import (
    BLANK,
    SIDE,
    Thumbnail,
    contrast,
    correlation,
    difference,
    shifted_correlation,
    thumbnail,
)

SEARCH_SECONDS = 5
"""How long the first face is looked for, without blank frames."""
LOOK_SECONDS = 0.25
"""Between two runs of the face finder while no face is found."""
SETTLE_SECONDS = 1
"""By how much a fade-in delays a start: networks were not trained on dark frames."""
RISE = 1.02
"""Ratio of the contrasts of consecutive frames above which the picture is fading in."""
FADED = 1.1
"""Ratio of the contrasts of a frame and the first one of a fade-in above which motion is measured from that one."""
UNLIKE = 0.6
"""Correlation with the last frame that showed the face below which the face may be gone. Turned and talking heads stay
above 0.65 for seconds. Brightness and contrast play no part, so flashes and fades change nothing."""
ALIKE = 0.9
"""Correlation with that frame above which the same face is back after a cut, or a face the same in a fade-in."""
SAME = 2.0
"""Difference, of 255, below which two frames are the same picture, such as a title: one look is enough."""
CUT, STEADY = 0.6, 0.85
"""A cut: the correlation of consecutive frames, even if shifted, is below `CUT`, and the one before it was above
`STEADY`. Recordings of people stay above 0.92; a clip of a few frames per second is never steady: `UNLIKE` finds its
cuts."""
MIDDLE, STILL = 0.25, 0.05
"""Distances, as a share of the crop's side: a face that moved less is still in the crop; one that moved less between
two looks has come to rest."""
MOST_NOTES = 4


class FaceWatch(FixedStart):
    """Says of each frame of a clip of a face, in order, what it does.

    Crops other than `Face` have no finder: then only blank frames pause the motion. `box` is the centre of the picture
    until a face is found.
    """

    def __init__(
        self, crop: Crop, rate: Fraction, name: str, *, start: float | int = 0.0, deadline: Deadline = NEVER
    ) -> None:
        super().__init__(crop, rate, name, start=start, deadline=deadline)
        self._finds_faces = isinstance(crop, Face)
        self._picture: Thumbnail = np.zeros((SIDE, SIDE), np.float32)
        self._known, self._empty = self._picture, self._picture
        """The last frame, the last one known to show the face, and the last one in which none was found."""
        self._steady, self._rising = False, False
        self._searched, self._looks, self._last_look = 0, 0, -1
        self._shots, self._start = 0, 0
        self._began, self._settling, self._dim = 0, False, False
        self._emerged: Image | None = None
        """The first frame of the scene, which may be a dark one of a fade-in."""
        self._lost_at: int | None = None
        self._seen: tuple[Box, Thumbnail] | None = None
        """Where the last look found a face that may be on its way back, and its picture."""
        self._new_scene, self._blanked = False, False
        """Whether there was a cut, or a frame of one colour, since the face was lost."""
        self._notes: list[str] = []

    def see(self, frame: Image) -> Motion:
        """What the next frame does. Raises `NoFaceFound` if `SEARCH_SECONDS` show no face, and `TookTooLong`."""
        self._index += 1
        if self._index == 0:
            self.box = centre_square(height=frame.shape[0], width=frame.shape[1])
        self.reference = None
        before, self._picture = self._picture, thumbnail(frame)
        likeness, after_blank = correlation(before, self._picture), contrast(before) < BLANK
        cut = self._steady and likeness < CUT and shifted_correlation(before, self._picture) < CUT
        self._steady = likeness > STEADY
        if contrast(self._picture) < BLANK:
            return self._blank()
        if not self._steady:
            self._emerged = frame
        self._rising = self._steady and contrast(self._picture) > RISE * contrast(before)
        if self.crop is None:
            return self._search(frame, cut or after_blank)
        if self._settling and (self._rising or self._dim):
            return self._settle(frame)
        self._settling, self._emerged = False, None if self._lost_at is None else self._emerged
        return self._follow(frame, cut) if self._lost_at is None else self._lost(frame, cut, after_blank)

    def end(self) -> None:
        """Check at the end of the clip that its motion has started. Raises `BadRequest` or `NoFaceFound`."""
        super().end()
        if self.crop is None and self._finds_faces:
            raise self._no_face()
        self._resume(self._index + 1)

    def notes(self) -> list[str]:
        """What happened when, one sentence each."""
        more = len(self._notes) - MOST_NOTES
        rest = [f"This happens {more} more times."] if more > 0 else []
        return [*self._start_note(self._start), *self._notes[:MOST_NOTES], *rest]

    def _blank(self) -> Motion:
        """A frame of one colour."""
        if self.crop is not None and self._lost_at is None:
            self._lost_at = self._index
        self._blanked = True
        return "hold"

    def _search(self, frame: Image, changed: bool) -> Motion:
        """Before the first start."""
        due = self._index in (0, self._first) or (self._index > self._first and self._may_look(changed))
        found = self._look(frame) if due else None
        self.box = found.box if found else self.box
        if found is not None and self._index >= self._first:
            self.crop = found
            return self._begin(frame, found.box)
        self._searched += self._index >= self._first
        if self._finds_faces and self._searched > SEARCH_SECONDS * self._rate:
            raise self._no_face()
        return "hold"

    def _follow(self, frame: Image, cut: bool) -> Motion:
        """While the face is there."""
        if not cut and (not self._finds_faces or self._likeness(frame) >= UNLIKE or not self._may_look(False)):
            return "move"
        found = self._look(frame)
        if found is None or not (cut or _same_place(self.box, found.box)):
            self._lost_at, self._new_scene = self._index, cut
            self._seen = (found.box, thumbnail(frame, found.box)) if found else None
            return "hold"
        if cut:
            self._notes.append(f"Cut at {self._at(self._index)}: motion starts anew.")
            return self._begin(frame, found.box)
        self._known = thumbnail(frame, self.box)
        return "move"

    def _lost(self, frame: Image, cut: bool, after_blank: bool) -> Motion:
        """While the face is away."""
        self._new_scene |= cut
        if self._likeness(frame) >= (ALIKE if self._new_scene or self._blanked else UNLIKE):
            self._resume(self._index)
            return "move"
        found = self._look(frame) if self._may_look(cut or after_blank) else None
        if found is None:
            return "hold"
        before, self._seen = self._seen, (found.box, thumbnail(frame, found.box))
        back = _same_place(self.box, found.box) and not self._blanked
        at_rest = before is not None and _at_rest(before, self._seen)
        if self._finds_faces and not (back or self._new_scene or at_rest):
            return "hold"  # it may be on its way back
        anew = self._new_scene or not back
        self._resume(self._index)
        if anew:
            self._notes.append(f"Motion starts anew at {self._at(self._index)}.")
            return self._begin(frame, found.box)
        self._known = thumbnail(frame, self.box)
        return "move"

    def _begin(self, frame: Image, box: Box) -> Motion:
        """Start, or start anew."""
        self.box, self._known = box, thumbnail(frame, box)
        self._new_scene, self._blanked = False, False
        self._shots, self._began, self._settling, self._dim = self._shots + 1, self._index, True, False
        return self._settle(frame)

    def _settle(self, frame: Image) -> Motion:
        """Start at this frame unless it is still fading in; then measure motion from the frame that emerged first."""
        self._dim = self._rising and self._index - self._began < SETTLE_SECONDS * self._rate
        if self._dim:
            return "hold"
        first = self._emerged
        if first is not None and contrast(self._picture) > FADED * contrast(thumbnail(first)):
            same = correlation(thumbnail(first, self.box), thumbnail(frame, self.box)) >= ALIKE
            self.reference = first if same else None
        if self._shots == 1:
            self._start = self._index
        return "start"

    def _resume(self, index: int) -> None:
        """End a pause, if there is one."""
        if self._lost_at is not None:
            what = "No face" if self._finds_faces else "A blank picture"
            self._notes.append(f"{what} from {self._at(self._lost_at)} to {self._at(index)}: the last pose is kept.")
        self._lost_at, self._seen = None, None
        self._new_scene, self._blanked = False, False

    def _likeness(self, frame: Image) -> float:
        """Correlation of the crop with the last frame known to show the face."""
        return correlation(self._known, thumbnail(frame, self.box))

    def _may_look(self, changed: bool) -> bool:
        """Whether the finder may run: at once when the picture has `changed`, else now and then, never twice on one."""
        if not self._finds_faces:
            return True
        seconds, since = self._index / self._rate, (self._index - self._last_look) / self._rate
        within_budget = self._looks * LOOK_SECONDS <= seconds + SEARCH_SECONDS
        due = since >= LOOK_SECONDS or (changed and within_budget)
        return due and difference(self._picture, self._empty) >= SAME

    def _look(self, frame: Image) -> FaceCrop | None:
        """The crop of the frame; None if it shows no face."""
        self._deadline.check()
        self._looks, self._last_look = self._looks + 1, self._index
        try:
            found = find_crop(frame, self._wanted, name=self._name)
        except NoFaceFound:
            self._empty = self._picture
            return None
        return found

    def _no_face(self) -> NoFaceFound:
        """The error when no face was found."""
        after = f" after {self._at(self._first)}" if self._first else ""
        return NoFaceFound(
            f"no face found in {self._at(self._index + 1 - self._first)} of {self._name}{after}; use a clip that shows "
            "a face from the front, set a later start, or switch cropping off to use the whole picture"
        )


def _at_rest(before: tuple[Box, Thumbnail], now: tuple[Box, Thumbnail]) -> bool:
    """Whether a face has come to rest. One that moves in may keep its place at the border, but not its picture."""
    return _same_place(before[0], now[0], STILL) and correlation(before[1], now[1]) >= ALIKE


def _same_place(old: Box, new: Box, share: float = MIDDLE) -> bool:
    """Whether the centres of two crops are at most `share` of their side apart, along each axis."""
    return max(abs(a - b) for a, b in zip(old.centre, new.centre, strict=True)) <= share * old.side
