"""Which weights a picture gets when none are chosen."""

from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import manifest
from deepfake_core.hub.store import choose, preference, usable
from deepfake_core.media.picture_kind import PictureKind

AUTOMATIC = "automatic "
"""Beginning of the name of an automatic choice, which ends with its task."""
RULE = "A photograph gets weights for photographs if some are installed; a drawing gets the starter weights."


def select(network: str, kind: PictureKind, task: str | None = None) -> str:
    """The best installed weights that do `task` (default: the network's first) with a picture of this kind.

    Weights for photographs come first for a photograph, the starters for a drawing; without any of these, what is
    installed. Raises `WeightsMissing` if nothing is.
    """
    named = candidates(network, task or tasks(network)[0])
    fitting = [name for name in named if manifest()[name].pictures == kind]
    if not named:
        return choose(network)
    return (fitting or named)[0]


def candidates(network: str, task: str) -> list[str]:
    """The installed weights that do a task, the best first."""
    entries = manifest()
    return [name for name in preference(network) if entries[name].task == task and usable(name)]


def depends_on_picture(network: str, task: str) -> bool:
    """Whether weights for drawings and weights for photographs are installed."""
    entries = manifest()
    return len({entries[name].pictures for name in candidates(network, task)}) > 1


def tasks(network: str) -> tuple[str, ...]:
    """What a network does with pictures, in the order of the manifest."""
    found = (one.task for one in manifest().values() if one.network == network)
    return tuple(dict.fromkeys(task for task in found if task))


def task_of(network: str, choice: str | None) -> str | None:
    """The task of an automatic choice, which is the network's first for None; None for the name of weights.

    Raises `BadRequest` for an automatic choice that the network does not have.
    """
    if choice is not None and not choice.startswith(AUTOMATIC):
        return None
    known = tasks(network)
    task = known[0] if choice is None else choice.removeprefix(AUTOMATIC)
    if task not in known:
        raise BadRequest(f"the automatic choice must be for {' or '.join(known)}, got {task!r}")
    return task
