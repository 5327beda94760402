"""`weights`: list, download, import, verify, remove and upload weights."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

from tqdm import tqdm

from deepfake_core.cli.options import add_command
from deepfake_core.errors import BadWeights
from deepfake_core.hub.downloads import Fetching
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.inventory import free_bytes, inventory, push, remove, verify
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.obtaining import SourceFailed
from deepfake_core.hub.pulling import Pulled, Step, Waiting, pull
from deepfake_core.hub.store import find


def add(commands: Any) -> None:
    """Add the subcommand `weights`."""
    weights: argparse.ArgumentParser = commands.add_parser("weights", help="list, download and manage weights")
    actions = weights.add_subparsers(required=True, metavar="ACTION")
    add_command(actions, "list", list_weights, "List all weights, whether they are installed, and their purpose.")
    command = add_command(
        actions,
        "pull",
        pull_weights,
        "Download the authors' weights from the first source that works, and convert them.",
    )
    command.add_argument("name", metavar="NAME")
    command.add_argument("--accept-licence", action="store_true", help="accept a licence that forbids commercial use")
    command.add_argument("--time-limit", type=float, metavar="SECONDS", help="abort after this time")
    command = add_command(
        actions, "import", import_weights, "Convert the authors' checkpoint to safetensors, after validation."
    )
    command.add_argument("name", metavar="NAME")
    command.add_argument("checkpoint", metavar="CHECKPOINT")
    command.add_argument(
        "--critic",
        metavar="FILE",
        help="StarGAN's discriminator, which predicts attributes (default: the -D file in the same folder)",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="default: NAME.safetensors in the cache")
    command = add_command(actions, "verify", verify_weights, "Verify the checksums of installed weights.")
    command.add_argument("names", nargs="*", metavar="NAME", help="default: all installed")
    command = add_command(actions, "remove", remove_weights, "Delete downloaded or imported weights.")
    command.add_argument("name", metavar="NAME")
    command = add_command(actions, "push", push_weights, "Upload weights to the mirror DEEPFAKE_WEIGHTS_REPO.")
    command.add_argument("names", nargs="+", metavar="NAME")


def list_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Name, whether it is installed, and its purpose; papers and licences once a family."""
    rows, lines = {}, list[str]()
    for title, group in groupby(inventory(), lambda one: one.entry.family):
        family = list(group)
        lines.append(title)
        for part in ("paper", "licence"):
            texts = dict.fromkeys(getattr(one.entry, part) for one in family)
            lines.append(f"  {part}: {'; or '.join(texts)}")
        for one in family:
            entry = one.entry
            rows[entry.name] = {"installed": one.usable, **asdict(entry), "bytes": one.bytes, "source": entry.source}
            size = f" ({one.bytes / 1e6:.1f} MB)" if one.bytes else ""
            lines.append(f"{'*' if one.usable else ' '} {entry.name}: {entry.title}{size}")
            lines.append(f"      for: {entry.about}")
            lines.append(f"      source: {entry.source}")
    free = free_bytes()
    text = "\n".join([*lines, f"* installed; {free / 1e9:.1f} GB of disk space free"])
    return {"weights": rows, "free_bytes": free, "text": text}


def pull_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Download, validate and convert, with a progress bar in bytes."""
    steps = pull(asked.name, accept_licence=asked.accept_licence, time_limit=asked.time_limit)
    done = with_progress(steps, disable=asked.json or not sys.stderr.isatty())
    return {"path": str(done.path), "notes": list(done.notes), "text": "\n".join([str(done.path), *done.notes])}


def with_progress(steps: Iterator[Step], *, disable: bool) -> Pulled:
    """Consume the steps of a pull, with a progress bar that shows bytes and remaining time."""
    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, disable=disable) as bar:
        for step in steps:
            if isinstance(step, Fetching):
                bar.total = step.total
                bar.set_description(step.file, refresh=False)
                bar.update(step.done - bar.n)
            elif isinstance(step, SourceFailed):
                tqdm.write(f"{step.reason}; trying the next source", file=sys.stderr)
            elif isinstance(step, Pulled):
                return step
            else:
                bar.set_description("waiting for another process" if isinstance(step, Waiting) else "converting")
    raise AssertionError("a pull ends with Pulled")


def import_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Convert a checkpoint and show its licence."""
    path = import_checkpoint(asked.name, asked.checkpoint, asked.output, critic=asked.critic)
    wanted = entry(asked.name)
    lines = [str(path), f"licence: {wanted.licence}"]
    if wanted.needs:
        state = "is installed, too" if find(wanted.needs) else f"is missing: run 'weights pull {wanted.needs}'"
        lines.append(f"it needs {wanted.needs}, which {state}")
    return {"path": str(path), "text": "\n".join(lines)}


def verify_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """One line per file; raises `BadWeights` that names the damaged ones."""
    files = list(verify(asked.names))
    if damaged := [f"{one.name} is {one.message}" for one in files if not one.intact]:
        raise BadWeights("; ".join(damaged))
    rows = {one.name: {"path": str(one.path), "sound": one.intact, "words": one.message} for one in files}
    return {"weights": rows, "text": "\n".join(f"{one.name}: {one.message}" for one in files)}


def remove_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Delete the file, unless it is part of the repository."""
    path = remove(asked.name)
    return {"path": str(path), "text": f"{path} was removed"}


def push_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Upload each file; a new mirror is private until its owner makes it public."""
    pushed = dict(push(asked.names))
    return {"pushed": pushed, "text": "\n".join(f"{name}: {address}" for name, address in pushed.items())}
