"""`verify`: what a file states about its origin, in plain language.

Status 0: valid Content Credentials. 1: none, or the file was changed after signing. 2: unreadable file.
"""

import argparse
from typing import Any

from deepfake_core.cli.options import add_command


def add(commands: Any) -> None:
    """Add the subcommand `verify`."""
    about = (
        "Show the signer and model of a picture or video, and whether it was changed. Status 1: no valid credential."
    )
    command = add_command(commands, "verify", verify_file, about)
    command.add_argument("file", metavar="FILE")


def verify_file(asked: argparse.Namespace) -> dict[str, Any]:
    """Sentences, then the details."""
    from deepfake_core.hub.manifest import manifest
    from deepfake_core.provenance.verify import verify

    found = verify(asked.file, models=manifest())
    width = max(len(name) for name, _ in found.rows)
    table = [f"{name:{width}}  {value}" for name, value in found.rows]
    return {
        **found.facts(),
        "text": "\n".join([*found.sentences, "", *table]),
        "status": 0 if found.state == "valid" else 1,
    }
