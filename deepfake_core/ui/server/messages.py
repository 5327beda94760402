"""Error messages for visitors: one sentence; the traceback goes to the log."""

import html
import logging
import textwrap

from deepfake_core.errors import ConsentMissing, LabError

log = logging.getLogger(__name__)

MAX_LENGTH = 600
"""Characters of a message: some quote their input."""

SMALLER = "choose a smaller picture, or a clip of lower resolution"
"""The hint for a file that takes too long to analyse."""


def sentence(error: Exception) -> str:
    """The message for `error`. Errors other than `LabError` are logged with their traceback."""
    if isinstance(error, LabError):
        return textwrap.shorten(f"{error}.", MAX_LENGTH, placeholder=" …")
    log.error("a handler failed", exc_info=error)
    return "Something went wrong here; the server's log has the details."


def alert(error: Exception) -> str:
    """The message as an HTML paragraph with the role `alert`; the page hides one about consent after the tick."""
    kind = ' class="consent-missing"' if isinstance(error, ConsentMissing) else ""
    return f'<p role="alert"{kind}><strong>That did not work:</strong> {html.escape(sentence(error))}</p>'
