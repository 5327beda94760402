"""Whether weights were made for a picture: weights for drawings do badly with photographs, and the reverse."""

from collections.abc import Sequence
from dataclasses import dataclass

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import NoFaceFound
from deepfake_core.faces import Crop, Face, Uncropped, Whole, find_crop
from deepfake_core.hub.manifest import Subject, manifest
from deepfake_core.hub.selection import depends_on_picture, select, task_of
from deepfake_core.media.images import ImageLike, read_image
from deepfake_core.media.picture_kind import PictureKind
from deepfake_core.pipelines.cropped import MAX_SHOWN_SIDE, kind_in, name_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """Pictures of a kind for which the weights were not made."""

    kind: PictureKind
    """Of the pictures."""
    text: str
    """One sentence for the user."""


def mismatch(weights: str, kinds: Sequence[PictureKind]) -> Mismatch | None:
    """What to say of pictures of these kinds under named weights.

    None if they fit, for a user's own weights, and if no others do the same task.
    """
    one = manifest().get(weights)
    if one is None or one.task is None:
        return None
    others = [kind for kind in kinds if one.pictures not in (kind, "any")]
    if not others:
        return None
    who = (
        f"This looks like a {others[0]}" if len(kinds) == 1 else f"{len(others)} of {len(kinds)} look like {others[0]}s"
    )
    if others[0] == "drawing":
        what = "these weights are made for photographs, so the result may be poor"
    elif one.also_photographs:
        what = "these weights are made for drawn heads, and photographs move less exactly"
    else:
        what = "these weights are made for drawings, so the result will be poor"
    return Mismatch(kind=others[0], text=f"{who}; {what}.")


def noted(found: Mismatch | None) -> list[str]:
    """The notes of a run about a mismatch."""
    return [found.text] if found else []


def may_read(weights: str, kind: PictureKind) -> bool:
    """Whether what a classifier says of such a picture means anything: weights for drawings never saw a photograph."""
    one = manifest().get(weights)
    return one is None or kind == "drawing" or one.pictures != "drawing"


def weights_for(
    network: str,
    choice: str | None,
    picture: ImageLike | None = None,
    crop: Crop = Face(),
    *,
    deadline: Deadline = NEVER,
) -> str:
    """The name of the weights for a picture: `choice` itself, or what the automatic choice (or None) selects.

    The picture is only read if weights of both kinds are installed. Without one, weights for a drawing are selected,
    as the first example is one. Raises `BadRequest` for an unknown automatic choice, `WeightsMissing`, and what
    reading a picture raises.
    """
    task = task_of(network, choice)
    if task is None:
        assert choice is not None
        return choice
    if picture is None or not depends_on_picture(network, task):
        return select(network, "drawing", task)
    subject = next(one.subject for one in manifest().values() if one.network == network and one.task == task)
    return select(network, kind_of_picture(picture, crop, subject=subject, deadline=deadline), task)


def kind_of_picture(
    image: ImageLike, crop: Crop = Face(), *, subject: Subject = "face", deadline: Deadline = NEVER
) -> PictureKind:
    """The kind of the part of a picture that a network would get; of the whole picture if there is no face."""
    picture = read_image(image, longest=MAX_SHOWN_SIDE, deadline=deadline)
    wanted = Whole() if isinstance(crop, Uncropped) or (isinstance(crop, Face) and subject != "face") else crop
    try:
        found = find_crop(picture, wanted, name=name_of(image, "the picture"))
    except NoFaceFound:
        found = find_crop(picture, Whole())
    return kind_in(picture, found.box)
