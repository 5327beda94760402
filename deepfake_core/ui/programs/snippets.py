"""A call of an endpoint as code: in Python, by curl, and on the command line."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfake_core.ui.server.routes import API

EXAMPLES = Path("examples")
RESULTS = {"animate": "result.mp4", "translate": "result.png", "edit": "result.png", "style": "result.png"}
"""Endpoint -> the file that its command writes."""
COMMANDS = {"edit": "attributes", "models": "weights list"}
"""Endpoint -> the subcommand, where it has another name."""


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """An example, which is called by its name."""

    path: Path

    @property
    def on_disk(self) -> str:
        """From the folder of the project."""
        return str(EXAMPLES / self.path.parent.name / self.path.name)


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of the caller, which is uploaded."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call of an endpoint."""

    endpoint: str
    arguments: Mapping[str, Any]
    """By name, without consent and without defaults; files are `ExampleFile` or `OwnFile`."""

    @property
    def uploads(self) -> dict[str, OwnFile]:
        """The files that have to be uploaded."""
        return {name: value for name, value in self.arguments.items() if isinstance(value, OwnFile)}

    @property
    def complete(self) -> dict[str, Any]:
        """The arguments with consent, if the endpoint has it."""
        consent = {"consent": bool(self.uploads)} if self.endpoint in RESULTS else {}
        return {**self.arguments, **consent}


def in_python(call: Call, address: str) -> str:
    """By Gradio's client."""
    lines = [f"    {name}={_python(value)}," for name, value in call.complete.items()]
    imports = "Client, handle_file" if call.uploads else "Client"
    result = "files, facts" if call.endpoint in RESULTS else "facts"
    shown = "files[0], facts" if call.endpoint in RESULTS else "facts"
    return "\n".join(
        (
            f"from gradio_client import {imports}",
            "",
            f"client = Client({json.dumps(address)})",
            f"{result} = client.predict(",
            *lines,
            f'    api_name="/{call.endpoint}",',
            ")",
            f"print({shown})",
        )
    )


def by_curl(call: Call, address: str) -> str:
    """By curl: the first request starts the call, the second one waits for its result."""
    root, names = f"{address}{API}", {name: name.upper() for name in call.uploads}
    uploads = [
        f"{names[name]}=$(curl -s {root}upload -F {shlex.quote(f'files=@{file.name}')} | tr -d '[]\"')"
        for name, file in call.uploads.items()
    ]
    values = {
        name: f"${{{names[name]}}}" if name in names else value.path.name if isinstance(value, ExampleFile) else value
        for name, value in call.complete.items()
    }
    body = shlex.quote(json.dumps(values))
    for variable in names.values():
        body = body.replace(f"${{{variable}}}", f"'\"${variable}\"'")  # outside the single quotes
    url = f"{root}call/v2/{call.endpoint}"
    start = f"EVENT=$(curl -s {url} -H 'Content-Type: application/json' \\\n  -d {body} | grep -o '[0-9a-f]\\{{32\\}}')"
    return "\n".join((*uploads, start, f"curl -sN {url}/$EVENT"))


def on_the_command_line(call: Call) -> str:
    """By this project's command line, on this machine and without a server."""
    words = ["python -m deepfake_core", COMMANDS.get(call.endpoint, call.endpoint)]
    files = [value for value in call.arguments.values() if isinstance(value, ExampleFile | OwnFile)]
    words += [_path(value) for name, value in call.arguments.items() if value in files and name != "reference"]
    if call.endpoint in RESULTS:
        words += ["-o", RESULTS[call.endpoint]]
        words += [word for name, value in call.arguments.items() for word in _options(name, value)]
    return " ".join(words)


def _options(name: str, value: Any) -> Iterator[str]:
    option = f"--{name.replace('_', '-')}"
    if name == "changes":
        yield from (word for one, on in value.items() for word in ("--set", shlex.quote(f"{one}={int(on)}")))
    elif name == "reference":
        yield from (option, _path(value))
    elif name == "side_by_side":
        yield from (option, "side-by-side.mp4")
    elif isinstance(value, bool):
        yield option if value else option.replace("--", "--no-", 1)
    elif not isinstance(value, ExampleFile | OwnFile):
        yield from (option, shlex.quote(str(value)))


def _path(value: ExampleFile | OwnFile) -> str:
    return shlex.quote(value.on_disk if isinstance(value, ExampleFile) else value.name)


def _python(value: Any) -> str:
    write: Callable[[str], str] = lambda text: json.dumps(text, ensure_ascii=False)  # noqa: E731
    match value:
        case ExampleFile():
            return write(value.path.name)
        case OwnFile():
            return f"handle_file({write(value.name)})"
        case str():
            return write(value)
    return repr(value)
