"""`weights`: what is on this machine, how to get more, and whether it is still sound."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tqdm import tqdm

from deepfake_core.cli.options import add_command
from deepfake_core.errors import BadWeights
from deepfake_core.hub.downloads import Fetching
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.inventory import free_bytes, inventory, push, remove, verify
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.pulling import Pulled, Step, Waiting, pull


def add(commands: Any) -> None:
    """The options of `weights`."""
    weights: argparse.ArgumentParser = commands.add_parser("weights", help="what is here, and how to get more")
    actions = weights.add_subparsers(required=True, metavar="ACTION")
    add_command(actions, "list", list_weights, "Every name, whether it is here, and what it is for.")
    command = add_command(actions, "pull", pull_weights, "Fetch the authors' weights from the Hub, and convert them.")
    command.add_argument("name", metavar="NAME")
    command.add_argument("--accept-licence", action="store_true", help="of weights that forbid commercial use")
    command.add_argument("--time-limit", type=float, metavar="SECONDS", help="give up after so long")
    command = add_command(
        actions, "import", import_weights, "Convert the authors' checkpoint, checked and safe to load."
    )
    command.add_argument("name", metavar="NAME")
    command.add_argument("checkpoint", metavar="CHECKPOINT")
    command.add_argument(
        "--critic", metavar="FILE", help="StarGAN's discriminator, which reads attributes (default: the -D file beside)"
    )
    command.add_argument("-o", "--output", metavar="FILE", help="default: the cache, where the name finds it")
    command = add_command(actions, "verify", verify_weights, "Hash again what is here, and name what is damaged.")
    command.add_argument("names", nargs="*", metavar="NAME", help="default: all that are here")
    command = add_command(actions, "remove", remove_weights, "Delete fetched or imported weights.")
    command.add_argument("name", metavar="NAME")
    command = add_command(actions, "push", push_weights, "Fill the mirror that DEEPFAKE_WEIGHTS_REPO names.")
    command.add_argument("names", nargs="+", metavar="NAME")


def list_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Name, whether it is here, and what it is for."""
    rows, lines = {}, []
    for one in inventory():
        entry = one.entry
        rows[entry.name] = {"installed": one.usable, **asdict(entry), "bytes": one.bytes, "source": entry.source}
        size = f" ({one.bytes / 1e6:.1f} MB)" if one.bytes else ""
        lines.append(f"{'*' if one.usable else ' '} {entry.name}: {entry.about}{size}")
        lines += [f"      {part}: {rows[entry.name][part]}" for part in ("source", "licence", "paper")]
    free = free_bytes()
    text = "\n".join([*lines, f"* on this machine; {free / 1e9:.1f} GB are free"])
    return {"weights": rows, "free_bytes": free, "text": text}


def pull_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Fetch, check and convert, behind a progress bar in bytes."""
    steps = pull(asked.name, accept_licence=asked.accept_licence, time_limit=asked.time_limit)
    done = shown(steps, quiet=asked.json or not sys.stderr.isatty())
    return {"path": str(done.path), "notes": list(done.notes), "text": "\n".join([str(done.path), *done.notes])}


def shown(steps: Iterator[Step], *, quiet: bool) -> Pulled:
    """Walk through the steps of a pull while a bar shows bytes and the time left."""
    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, disable=quiet) as bar:
        for step in steps:
            if isinstance(step, Fetching):
                bar.total = step.total
                bar.set_description(step.file, refresh=False)
                bar.update(step.done - bar.n)
            elif isinstance(step, Pulled):
                return step
            else:
                bar.set_description("another process fetches it" if isinstance(step, Waiting) else "converting")
    raise AssertionError("a pull ends with Pulled")


def import_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Convert a checkpoint; the licence is told."""
    path = import_checkpoint(asked.name, asked.checkpoint, asked.output, critic=asked.critic)
    return {"path": str(path), "text": f"{path}\nlicence: {entry(asked.name).licence}"}


def verify_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """A line for each; raises `BadWeights` that names what is damaged."""
    verdicts = list(verify(asked.names))
    if damaged := [f"{one.name} is {one.words}" for one in verdicts if not one.sound]:
        raise BadWeights("; ".join(damaged))
    rows = {one.name: {"path": str(one.path), "sound": one.sound, "words": one.words} for one in verdicts}
    return {"weights": rows, "text": "\n".join(f"{one.name}: {one.words}" for one in verdicts)}


def remove_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Delete the file; the repository's own stay."""
    path = remove(asked.name)
    return {"path": str(path), "text": f"{path} was removed"}


def push_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Upload each; the mirror is private unless its owner makes it public."""
    pushed = dict(push(asked.names))
    return {"pushed": pushed, "text": "\n".join(f"{name}: {address}" for name, address in pushed.items())}
