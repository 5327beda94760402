"""A notice on consent, shown once to users of the command line."""

import sys

from deepfake_core.hub.files import cache_folder

NOTICE = (
    "Use only your own face, synthetic faces, or faces of people who have agreed to it. Results are labelled as "
    "AI-generated and signed; anyone who publishes a deepfake must disclose it. (This notice is shown once.)"
)
SHOWN = "told-about-consent"
"""Name of a file in the cache folder that exists once the notice has been shown to this user."""


def show_notice_once() -> None:
    """Print the notice on a terminal, unless this user has seen it."""
    shown = cache_folder() / SHOWN
    if shown.exists() or not sys.stderr.isatty():
        return
    print(NOTICE, file=sys.stderr)
    try:
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.touch()
    except OSError:  # a read-only folder: the notice is shown again next time
        return
