"""What whoever uses faces on the command line is told, once."""

import sys

from deepfake_core.hub.files import cache_folder

SENTENCE = (
    "Use only your own face, drawn ones, or faces of people who have agreed to it. Results are labelled as "
    "AI-generated and signed; whoever publishes a deep fake has to say so. (Said once.)"
)
TOLD = "told-about-consent"
"""A file in the cache folder: the sentence has been shown to this user."""


def tell_once() -> None:
    """Print the sentence on a terminal, unless this user has seen it."""
    told = cache_folder() / TOLD
    if told.exists() or not sys.stderr.isatty():
        return
    print(SENTENCE, file=sys.stderr)
    try:
        told.parent.mkdir(parents=True, exist_ok=True)
        told.touch()
    except OSError:  # a folder that may not be written: it is said again the next time
        return
