"""What the visitor reads about an error: one sentence; the trace goes to the log."""

import html
import logging
import textwrap

from deepfake_core.errors import LabError

log = logging.getLogger(__name__)

LONGEST = 600
"""Letters of a sentence: some quote what they were given."""

SMALLER = "choose a smaller picture, or a clip of fewer pixels"
"""What to do about a file that takes too long to look at."""


def sentence(error: Exception) -> str:
    """What the visitor reads about `error`. What they cannot put right is logged with its trace."""
    if isinstance(error, LabError):
        return textwrap.shorten(f"{error}.", LONGEST, placeholder=" …")
    log.error("a handler failed", exc_info=error)
    return "Something went wrong here; the log has the details."


def alert(error: Exception) -> str:
    """The same as a paragraph that screen readers say at once."""
    return f'<p role="alert"><strong>That did not work:</strong> {html.escape(sentence(error))}</p>'
