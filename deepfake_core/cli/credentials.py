"""`credentials`: the key that signs what this program makes."""

import argparse
from typing import TYPE_CHECKING, Any

from deepfake_core.cli.options import add_command

if TYPE_CHECKING:
    from deepfake_core.provenance.keys import SigningPair


def add(commands: Any) -> None:
    """The options of `credentials`."""
    credentials: argparse.ArgumentParser = commands.add_parser("credentials", help="the key that signs results")
    actions = credentials.add_subparsers(required=True, metavar="ACTION")
    add_command(actions, "show", show, "Who signs, until when, and where the key lies.")
    add_command(actions, "rotate", rotate, "Make a new key; files signed with the old one are still known as ours.")


def show(asked: argparse.Namespace) -> dict[str, Any]:
    """The present pair, made if there is none."""
    from deepfake_core.provenance.credentials import ready_pair

    return told(ready_pair())


def rotate(asked: argparse.Namespace) -> dict[str, Any]:
    """A new pair of our own."""
    from deepfake_core.provenance.keys import rotate as renew

    return told(renew())


def told(pair: "SigningPair") -> dict[str, Any]:
    """All but the key itself."""
    one = pair.certificates
    rows = {
        "signer": one.name,
        "fingerprint": one.fingerprint,
        "serial": one.serial,
        "until": f"{one.until:%Y-%m-%d}",
        "key": str(pair.place),
    }
    text = (
        f"Signed by {one.name}, until {one.until:%d %B %Y}\n"
        f"Certificate (SHA-256): {one.fingerprint}\nCertificate number: {one.serial}\nKey: {pair.place}"
    )
    return {**rows, "certificate": one.pem.decode(), "text": text}
