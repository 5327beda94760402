"""Errors that a visitor may read: one sentence that names the cause and the next step.

Everything else is a bug and keeps its trace. The screen shows `str(error)` of a `LabError` and nothing more;
the command line prints it on one line and exits with status 2.
"""


class LabError(Exception):
    """Something that the person at the screen can put right; `str(error)` is the sentence to show."""


class MissingFile(LabError):
    """A path that names nothing, or nothing that may be read."""


class UnreadableMedia(LabError):
    """A file that is not the picture or video that its name claims, or holds no frame that decodes."""


class MediaTooLarge(LabError):
    """More pixels, frames or seconds than the limits allow; refused before decoding."""


class MediaTooSmall(LabError):
    """Fewer pixels than a network can work with."""


class NoFaceFound(LabError):
    """No face where one was asked for; cropping can be switched off."""


class NotEnoughSpace(LabError):
    """The disk filled up while a result was written; nothing is left under the final name."""


class NotEnoughMemory(LabError):
    """A device whose memory does not even hold what one picture needs."""


class UnknownModel(LabError):
    """A name that the manifest does not hold."""


class WeightsMissing(LabError):
    """A known model whose weights are not on this machine."""


class BadWeights(LabError):
    """A weights file that does not fit its network, or may not be trusted."""


class LicenceNotAccepted(LabError):
    """Weights whose licence has to be read and accepted before they are fetched."""


class DownloadFailed(LabError):
    """A server that is away, too slow, or does not hand a file out."""


class ConsentMissing(LabError):
    """A file of the visitor's own, before they have said that the people in it agree."""


class TooManyRuns(LabError):
    """More runs in a minute than one visitor, or one address, may start."""


class TookTooLong(LabError):
    """A run that held the network longer than the limit allows."""


class BadRequest(LabError):
    """An option with a value that makes no sense, alone or beside another."""
