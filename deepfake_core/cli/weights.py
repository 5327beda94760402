"""`weights`: what is on this machine, and how to get more."""

import argparse
from dataclasses import asdict
from typing import Any

from deepfake_core.cli.options import add_command
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import entry, manifest
from deepfake_core.hub.store import usable


def add(commands: Any) -> None:
    """The options of `weights`."""
    weights: argparse.ArgumentParser = commands.add_parser("weights", help="what is here, and how to get more")
    actions = weights.add_subparsers(required=True, metavar="ACTION")
    add_command(actions, "list", list_weights, "Every name, whether it is here, and what it is for.")
    command = add_command(
        actions, "import", import_weights, "Convert the authors' checkpoint, checked and safe to load."
    )
    command.add_argument("name", metavar="NAME")
    command.add_argument("checkpoint", metavar="CHECKPOINT")
    command.add_argument(
        "--critic", metavar="FILE", help="StarGAN's discriminator, which reads attributes (default: the -D file beside)"
    )
    command.add_argument("-o", "--output", metavar="FILE", help="default: the cache, where the name finds it")


def list_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Name, whether it is here, and what it is for."""
    rows = {name: {"installed": usable(name), **asdict(one)} for name, one in manifest().items()}
    lines = []
    for name, row in rows.items():
        lines.append(f"{'*' if row['installed'] else ' '} {name}: {row['about']}")
        lines += [f"      {part}: {row[part]}" for part in ("source", "licence", "paper")]
    return {"weights": rows, "text": "\n".join([*lines, "* on this machine"])}


def import_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Convert a checkpoint; the licence is told."""
    path = import_checkpoint(asked.name, asked.checkpoint, asked.output, critic=asked.critic)
    return {"path": str(path), "text": f"{path}\nlicence: {entry(asked.name).licence}"}
