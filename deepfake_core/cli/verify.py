"""`verify`: what a file says of its origin, in plain words.

Status 0: Content Credentials that hold. 1: none, or something was changed since they were signed. 2: nothing readable.
"""

import argparse
from dataclasses import asdict
from typing import Any

from deepfake_core.cli.options import add_command


def add(commands: Any) -> None:
    """The options of `verify`."""
    about = "Who made a picture or video, with what, and whether it was changed since. Status 1: nothing that holds."
    command = add_command(commands, "verify", verify_file, about)
    command.add_argument("file", metavar="FILE")


def verify_file(asked: argparse.Namespace) -> dict[str, Any]:
    """Sentences, then the particulars."""
    from deepfake_core.hub.manifest import manifest
    from deepfake_core.provenance.verify import verify

    found = verify(asked.file, models=manifest())
    width = max(len(name) for name, _ in found.rows)
    table = [f"{name:{width}}  {value}" for name, value in found.rows]
    return {
        **asdict(found),
        "state": found.state,
        "xmp": found.xmp and found.xmp._asdict(),
        "mark": found.mark and found.mark._asdict(),
        "sentences": found.sentences,
        "text": "\n".join([*found.sentences, "", *table]),
        "status": 0 if found.state == "valid" else 1,
    }
