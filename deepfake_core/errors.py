"""Errors for the user: the message is one sentence that names the cause and the next step.

All other exceptions are bugs and keep their traceback. The page shows `str(error)` of a `LabError` and nothing more;
the command line prints it on one line and exits with status 2.
"""


class LabError(Exception):
    """A problem that the user can fix; `str(error)` is the message to show."""


class MissingFile(LabError):
    """A path that does not exist or is not readable."""


class UnreadableMedia(LabError):
    """A file that is not a picture or video, or has no frame that can be decoded."""


class MediaTooLarge(LabError):
    """More pixels, frames or seconds than the limits allow; rejected before decoding."""


class MediaTooSmall(LabError):
    """Fewer pixels than a network can work with."""


class NoFaceFound(LabError):
    """No face was detected; cropping can be switched off."""


class NotEnoughSpace(LabError):
    """The disk is full; no partial file is left under the final name."""


class NotEnoughMemory(LabError):
    """The device's memory is too small for a single picture."""


class UnknownModel(LabError):
    """A name that is not in the manifest."""


class WeightsMissing(LabError):
    """A known model whose weights are not installed."""


class BadWeights(LabError):
    """A weights file that does not match its network, is damaged or cannot be trusted."""


class LicenceNotAccepted(LabError):
    """Weights whose licence has to be accepted before the download."""


class DownloadFailed(LabError):
    """A server that is unavailable, too slow or denies access."""


class ConsentMissing(LabError):
    """A user's own file, without consent confirmed."""


class TooManyRuns(LabError):
    """More runs than one visitor or address may start per minute."""


class TookTooLong(LabError):
    """A run that exceeded its time limit."""


class BadRequest(LabError):
    """An option with an invalid value, alone or in combination with another."""
