"""The command line: one subcommand a pipeline, and `weights`.

A subcommand builds a request and shows what the pipeline yields. Bad input ends with status 2 and one line.
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, NoReturn

from tqdm import tqdm

from deepfake_core.device import DEVICES
from deepfake_core.errors import BadRequest, LabError
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import entry, manifest
from deepfake_core.hub.store import find

Run = Callable[[argparse.Namespace], dict[str, Any]]
"""A subcommand: returns what `--json` prints; the key `text`, if there, is what it prints otherwise."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit status: 0, 2 after one line on bad input, 130 after Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    try:
        asked = parser().parse_args(arguments)
        answer = asked.run(asked)
    except LabError as error:
        print(json.dumps({"error": str(error)}) if as_json else f"deepfake_core: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("deepfake_core: stopped; nothing was written", file=sys.stderr)
        return 130
    text = answer.pop("text", "")
    print(json.dumps(answer) if asked.json else text)
    return 0


class OneLineParser(argparse.ArgumentParser):
    """Tells a wrong option in one line, as every other mistake is told."""

    def error(self, message: str) -> NoReturn:
        """Raise `BadRequest`."""
        raise BadRequest(f"{message}; see '{self.prog} --help'")


def parser() -> argparse.ArgumentParser:
    """The options of every subcommand."""
    options = OneLineParser(prog="python -m deepfake_core", description="Face and image synthesis with GANs.")
    commands = options.add_subparsers(required=True, metavar="COMMAND")
    add_animate(commands)
    add_weights(commands)
    return options


def add_command(commands: Any, name: str, run: Run, about: str) -> argparse.ArgumentParser:
    """Add a subcommand with what all of them take."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    command.set_defaults(run=run)
    return command


def add_animate(commands: Any) -> None:
    command = add_command(commands, "animate", animate_files, "Move a portrait as a driving clip moves.")
    command.add_argument("source", metavar="SOURCE", help="the portrait")
    command.add_argument("driving", metavar="DRIVING", help="the clip that moves it")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help=".mp4; a folder or .png: numbered frames")
    command.add_argument("--model", help="a name of 'weights list', or a .safetensors file (default: the best here)")
    command.add_argument("--transfer", choices=("relative", "absolute"), default="relative")
    command.add_argument("--adapt-scale", action=argparse.BooleanOptionalAction, default=True)
    command.add_argument("--best-frame", action="store_true", help="start from the frame that fits the portrait best")
    command.add_argument("--smoothing", type=float, default=0.0, metavar="0..1", help="calm the keypoints' jitter")
    command.add_argument("--crop", choices=("auto", "none"), default="auto")
    command.add_argument("--paste-back", action="store_true", help="put the face back into the whole picture")
    command.add_argument(
        "--side-by-side", metavar="OUT.mp4", help="also write source, driver and result beside another"
    )
    command.add_argument("--label", action=argparse.BooleanOptionalAction, default=True, help="the visible label")
    command.add_argument("--device", choices=DEVICES, default="auto")


def animate_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Animate, with a progress bar on a terminal."""
    from deepfake_core.pipelines.animation import AnimationRequest, Finished, Progress, Searching, animate
    from deepfake_core.pipelines.animator import ImageAnimator, transfer_named

    animator = ImageAnimator.from_pretrained(asked.model, asked.device)
    request = AnimationRequest(
        source=asked.source,
        driving=asked.driving,
        output=asked.output,
        side_by_side=asked.side_by_side,
        transfer=transfer_named(asked.transfer, asked.adapt_scale),
        best_frame=asked.best_frame,
        smoothing=asked.smoothing,
        crop=asked.crop,
        paste_back=asked.paste_back,
        label=asked.label,
    )
    event: Searching | Progress | Finished
    with tqdm(unit="frame", disable=asked.json or not sys.stderr.isatty()) as bar:
        for event in animate(animator, request):
            if isinstance(event, Progress):
                bar.total = event.total
                bar.update()
    assert isinstance(event, Finished)
    lines = [*event.notes, f"{event.path}: {event.frames} frames in {event.seconds:.1f} s with {animator.name}"]
    return {**asdict(event), "path": str(event.path), "side_by_side": asked.side_by_side, "model": animator.name,
            "text": "\n".join(lines)}  # fmt: skip


def add_weights(commands: Any) -> None:
    weights: argparse.ArgumentParser = commands.add_parser("weights", help="what is here, and how to get more")
    actions = weights.add_subparsers(required=True, metavar="ACTION")
    add_command(actions, "list", list_weights, "Every name, whether it is here, and what it is for.")
    command = add_command(
        actions, "import", import_weights, "Convert the authors' checkpoint, checked and safe to load."
    )
    command.add_argument("name", metavar="NAME")
    command.add_argument("checkpoint", metavar="CHECKPOINT")
    command.add_argument("-o", "--output", metavar="FILE", help="default: the cache, where the name finds it")


def list_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Name, whether it is here, and what it is for."""
    rows = {name: {"installed": find(name) is not None, **asdict(one)} for name, one in manifest().items()}
    lines = []
    for name, row in rows.items():
        lines.append(f"{'*' if row['installed'] else ' '} {name}: {row['about']}")
        lines += [f"      {part}: {row[part]}" for part in ("source", "licence", "paper")]
    return {"weights": rows, "text": "\n".join([*lines, "* on this machine"])}


def import_weights(asked: argparse.Namespace) -> dict[str, Any]:
    """Convert a checkpoint; the licence is told."""
    path = import_checkpoint(asked.name, asked.checkpoint, asked.output)
    return {"path": str(path), "text": f"{path}\nlicence: {entry(asked.name).licence}"}
