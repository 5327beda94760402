"""`credentials`: show or replace the key that signs results."""

import argparse
from typing import TYPE_CHECKING, Any

from deepfake_core.cli.options import add_command

if TYPE_CHECKING:
    from deepfake_core.provenance.keys import SigningPair


def add(commands: Any) -> None:
    """Add the subcommand `credentials`."""
    credentials: argparse.ArgumentParser = commands.add_parser("credentials", help="the key that signs results")
    actions = credentials.add_subparsers(required=True, metavar="ACTION")
    add_command(actions, "show", show, "Show the signer, its expiry date and the file of the key.")
    add_command(actions, "rotate", rotate, "Generate a new key; files signed with the old one are still recognised.")


def show(asked: argparse.Namespace) -> dict[str, Any]:
    """Show the current pair, generated if there is none."""
    from deepfake_core.provenance.credentials import ready_pair

    return described(ready_pair())


def rotate(asked: argparse.Namespace) -> dict[str, Any]:
    """Replace the user's own pair by a new one."""
    from deepfake_core.provenance.keys import rotate as rotate_key

    return described(rotate_key())


def described(pair: "SigningPair") -> dict[str, Any]:
    """Everything about the pair except the key itself."""
    one = pair.certificates
    key = str(pair.path or "in DEEPFAKE_SIGNING_KEY")
    rows = {
        "signer": one.name,
        "fingerprint": one.fingerprint,
        "serial": one.serial,
        "until": f"{one.until:%Y-%m-%d}",
        "key": key,
    }
    text = (
        f"Signed by {one.name}, until {one.until:%d %B %Y}\n"
        f"Certificate (SHA-256): {one.fingerprint}\nCertificate serial number: {one.serial}\nKey: {key}"
    )
    return {**rows, "certificate": one.pem.decode(), "text": text}
