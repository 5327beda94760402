"""The command line: one subcommand for each method, and `weights`, `verify` and `credentials`.

A subcommand builds a request and shows what the pipeline yields. Bad input ends with status 2 and one line.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from deepfake_core import registry
from deepfake_core.cli import credentials, verify, weights
from deepfake_core.cli.consent import tell_once
from deepfake_core.errors import BadRequest, LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit status: the answer's `status`, else 0.

    It is 2 after one line on bad input, 130 after Ctrl-C.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    try:
        asked = parser().parse_args(arguments)
        if getattr(asked, "uses_faces", False):
            tell_once()
        answer = asked.run(asked)
    except LabError as error:
        print(json.dumps({"error": str(error)}) if as_json else f"deepfake_core: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("deepfake_core: stopped; nothing was written", file=sys.stderr)
        return 130
    text, status = answer.pop("text", ""), answer.pop("status", 0)
    print(json.dumps(answer) if asked.json else text)
    return int(status)


class OneLineParser(argparse.ArgumentParser):
    """Tells a wrong option in one line, as every other mistake is told."""

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
    for module in (weights, verify, credentials):
        module.add(commands)
    return options
