"""What several subcommands share: their registration, their options for pictures, their progress bar and answer."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from tqdm import tqdm

from deepfake_core.device import DEVICES

Run = Callable[[argparse.Namespace], dict[str, Any]]
"""A subcommand: returns what `--json` prints; the key `text`, if there, is what it prints otherwise."""

Event = TypeVar("Event")


def add_command(commands: Any, name: str, run: Run, about: str) -> argparse.ArgumentParser:
    """Add a subcommand with what all of them take."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    command.set_defaults(run=run)
    return command


def add_picture_options(command: argparse.ArgumentParser, crops: Sequence[str] = ("auto", "none")) -> None:
    """What every subcommand takes that makes pictures of pictures."""
    command.add_argument("--model", help="a name of 'weights list', or a .safetensors file (default: the best here)")
    command.add_argument("--crop", choices=crops, default="auto", help="which square is used (default: auto)")
    command.add_argument("--paste-back", action="store_true", help="put the square back into the whole picture")
    add_run_options(command)


def add_run_options(command: argparse.ArgumentParser) -> None:
    """Label and device, of every subcommand that works on pictures of people."""
    command.set_defaults(uses_faces=True)
    command.add_argument("--label", action=argparse.BooleanOptionalAction, default=True, help="the visible label")
    command.add_argument("--device", choices=DEVICES, default="auto")


def follow(events: Iterable[Event], counted: type, unit: str, as_json: bool) -> Iterator[Event]:
    """The events of a pipeline, while a progress bar on a terminal counts those of one type."""
    with tqdm(unit=unit, disable=as_json or not sys.stderr.isatty()) as bar:
        for event in events:
            if isinstance(event, counted):
                bar.total = getattr(event, "total", None)
                bar.update()
            yield event


def answer(paths: Sequence[object], notes: Sequence[str], seconds: float, model: str, **more: Any) -> dict[str, Any]:
    """What a subcommand that wrote pictures returns."""
    names = [str(path) for path in paths]
    lines = [*notes, f"{', '.join(names)} in {seconds:.1f} s with {model}"]
    return {"paths": names, "notes": list(notes), "seconds": seconds, "model": model, **more, "text": "\n".join(lines)}
