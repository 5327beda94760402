"""`attributes`: faces with another colour of hair, another sex, another age."""

import argparse
from collections.abc import Sequence
from typing import Any

from deepfake_core.cli.options import add_command, add_picture_options, answer, finished
from deepfake_core.errors import BadRequest

WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def add(commands: Any) -> None:
    """The options of `attributes`."""
    command = add_command(commands, "attributes", edit_files, "Change attributes of faces.")
    command.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of them")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="a picture; a folder for several")
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=1", help="such as Blond_Hair=1 or Male=0; others stay"
    )
    command.add_argument("--strip", action="store_true", help="also every single change in a row (OUT-strip)")
    add_picture_options(command)


def edit_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Edit, with a progress bar on a terminal."""
    from deepfake_core.faces import crop_named
    from deepfake_core.pipelines.attributes import AttributesRequest, edit
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.image_batch import listed

    changes = changes_of(asked.set)
    if not changes and not asked.strip:
        raise BadRequest("nothing is to change; add --set NAME=1, or --strip to see every single change")
    request = AttributesRequest(
        sources=listed(asked.images),
        changes=changes,
        output=asked.output,
        crop=crop_named(asked.crop),
        paste_back=asked.paste_back,
        strip=asked.strip,
        label=asked.label,
    )
    editor = AttributeEditor.from_pretrained(asked.model, asked.device)
    done = finished(edit(editor, request), asked.json)
    faces = {
        str(file.path): {"seen": file.facts["seen"], "attributes": file.facts["attributes"]}
        for file in done.of("result")
    }
    return answer(done, editor.name, faces=faces)


def changes_of(settings: Sequence[str]) -> dict[str, bool]:
    """`NAME=1` as name and truth. Raises `BadRequest` for another form, and for a name with two values."""
    changes: dict[str, bool] = {}
    for setting in settings:
        name, _, word = setting.partition("=")
        if not name or word.lower() not in WORDS:
            raise BadRequest(f"--set {setting} is not understood; write NAME=1 or NAME=0, such as Blond_Hair=1")
        if changes.get(name, WORDS[word.lower()]) != WORDS[word.lower()]:
            raise BadRequest(f"{name} is set to 1 and to 0; choose one")
        changes[name] = WORDS[word.lower()]
    return changes
