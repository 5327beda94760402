"""`attributes`: change the hair colour, sex or age of faces."""

import argparse
from collections.abc import Sequence
from typing import Any

from deepfake_core.cli.options import add_command, add_picture_options, answer, finished, model_for
from deepfake_core.errors import BadRequest

BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def add(commands: Any) -> None:
    """Add the subcommand `attributes`."""
    command = add_command(commands, "attributes", edit_files, "Change attributes of faces.")
    command.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of them")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="a picture, or a folder for several")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=1",
        help="such as Blond_Hair=1 or Male=0; others are unchanged",
    )
    command.add_argument("--strip", action="store_true", help="also write a row with each single change (OUT-strip)")
    add_picture_options(command)


def edit_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Run the edit, with a progress bar on a terminal."""
    from deepfake_core.faces import crop_named
    from deepfake_core.pipelines.attributes import AttributesRequest, edit
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.image_batch import listed

    changes = changes_of(asked.set)
    if not changes and not asked.strip:
        raise BadRequest("no changes given; add --set NAME=1, or --strip for every single change")
    request = AttributesRequest(
        sources=listed(asked.images),
        changes=changes,
        output=asked.output,
        crop=crop_named(asked.crop, face=asked.face),
        paste_back=asked.paste_back,
        strip=asked.strip,
        label=asked.label,
    )
    model = model_for(asked, "stargan", request.sources[0], request.crop)
    editor = AttributeEditor.from_pretrained(model, asked.device, precision=asked.precision)
    done = finished(edit(editor, request), asked.json)
    faces = {
        str(file.path): {"seen": file.facts["seen"], "attributes": file.facts["attributes"]}
        for file in done.of("result")
    }
    return answer(done, editor.name, faces=faces)


def changes_of(settings: Sequence[str]) -> dict[str, bool]:
    """Parse `NAME=1` settings. Raises `BadRequest` for another form, and for a name with two values."""
    changes: dict[str, bool] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if not name or value.lower() not in BOOLEANS:
            raise BadRequest(f"--set must be NAME=1 or NAME=0, such as Blond_Hair=1, got {setting!r}")
        if changes.get(name, BOOLEANS[value.lower()]) != BOOLEANS[value.lower()]:
            raise BadRequest(f"{name} is set to 1 and to 0; choose one")
        changes[name] = BOOLEANS[value.lower()]
    return changes
