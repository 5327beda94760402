"""Shared parts of the subcommands: registration, options for pictures, progress bar and result."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from deepfake_core.device import DEVICES
from deepfake_core.settings import PRECISIONS

if TYPE_CHECKING:
    from deepfake_core.faces import Crop
    from deepfake_core.media.images import ImageLike
    from deepfake_core.pipelines.events import Finished, Progress

Run = Callable[[argparse.Namespace], dict[str, Any]]
"""A subcommand: returns what `--json` prints; without it the value of the key `text` is printed."""


def add_command(commands: Any, name: str, run: Run, about: str) -> argparse.ArgumentParser:
    """Add a subcommand with the options common to all."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    command.set_defaults(run=run)
    return command


def add_picture_options(command: argparse.ArgumentParser, crops: Sequence[str] = ("auto", "none")) -> None:
    """Options of every subcommand that transforms pictures."""
    command.add_argument(
        "--model", help="a name from 'weights list', or a .safetensors file (default: what suits the first picture)"
    )
    command.add_argument("--crop", choices=crops, default="auto", help="the square to use (default: auto)")
    add_face_option(command)
    command.add_argument("--paste-back", action="store_true", help="paste the square back into the whole picture")
    add_run_options(command)


def add_face_option(command: argparse.ArgumentParser) -> None:
    """Which face of a picture with several."""
    command.add_argument(
        "--face", type=int, default=1, metavar="N", help="of several faces, the N-th largest (default: 1, the largest)"
    )


def model_for(asked: argparse.Namespace, network: str, picture: "ImageLike", crop: "Crop") -> str:
    """`--model`; without it, weights for photographs for a photograph if some are installed, else the starters."""
    from deepfake_core.pipelines.suitability import weights_for

    return str(asked.model or weights_for(network, None, picture, crop))


def add_run_options(command: argparse.ArgumentParser) -> None:
    """Label and device, for every subcommand that processes pictures of people."""
    command.set_defaults(uses_faces=True)
    command.add_argument("--label", action=argparse.BooleanOptionalAction, default=True, help="the visible label")
    command.add_argument("--device", choices=DEVICES, default="auto")
    command.add_argument(
        "--precision", choices=PRECISIONS, default="auto", help="of the network (default: the fastest)"
    )


def finished(events: "Iterable[Progress | Finished]", as_json: bool) -> "Finished":
    """Run a pipeline to its end, with a progress bar on a terminal."""
    from deepfake_core.pipelines.events import Progress

    with tqdm(disable=as_json or not sys.stderr.isatty()) as bar:
        for event in events:
            if not isinstance(event, Progress):
                return event
            bar.unit, bar.total = event.unit, event.total
            bar.set_description(event.task or None, refresh=False)
            bar.update(event.done - bar.n)
    raise RuntimeError("the pipeline ended without a Finished event")


def answer(done: "Finished", model: str, notes: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """The result of a subcommand that wrote pictures; `notes` are appended to those of the run."""
    names, notes = [str(file.path) for file in done.files], [*done.notes, *notes]
    lines = [*notes, f"{', '.join(names)} in {done.seconds:.1f} s with {model}"]
    return {"paths": names, "notes": notes, "seconds": done.seconds, "model": model, **more, "text": "\n".join(lines)}
