"""The command line: one subcommand per method, and `pose`, `motion`, `weights`, `verify` and `credentials`.

A subcommand builds a request, runs the pipeline and prints its result. Invalid input exits with status 2 and one line.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from deepfake_core import registry
from deepfake_core.cli import credentials, motion, pose, verify, weights
from deepfake_core.cli.consent import show_notice_once
from deepfake_core.errors import BadRequest, LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status: the result's `status`, else 0.

    It is 2 for invalid input, with a message on one line, and 130 after Ctrl-C.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    try:
        options = parser().parse_args(arguments)
        if getattr(options, "uses_faces", False):
            show_notice_once()
        result = options.run(options)
    except LabError as error:
        print(json.dumps({"error": str(error)}) if as_json else f"deepfake_core: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("deepfake_core: stopped; nothing was written", file=sys.stderr)
        return 130
    text, status = result.pop("text", ""), result.pop("status", 0)
    print(json.dumps(result) if options.json else text)
    return int(status)


class OneLineParser(argparse.ArgumentParser):
    """Reports an invalid option in one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        """Raise `BadRequest`."""
        raise BadRequest(f"{message}; see '{self.prog} --help'")


def parser() -> argparse.ArgumentParser:
    """The options of every subcommand."""
    options = OneLineParser(prog="python -m deepfake_core", description="Face and image synthesis with GANs.")
    commands = options.add_subparsers(required=True, metavar="COMMAND")
    for method in registry.METHODS:
        if method.command:
            registry.resolve(method.command)(commands)
    for module in (pose, motion, weights, verify, credentials):
        module.add(commands)
    return options
