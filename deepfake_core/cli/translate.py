"""`translate`: pictures of one domain become pictures of another."""

import argparse
from typing import Any

from deepfake_core.cli.options import add_command, add_picture_options, answer, follow


def add(commands: Any) -> None:
    """The options of `translate`."""
    command = add_command(commands, "translate", translate_files, "Turn horses into zebras, photos into paintings.")
    command.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of them")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="a picture; a folder for several")
    command.add_argument("--back", action="store_true", help="also translate back (OUT-back) and measure the error")
    add_picture_options(command, crops=("auto", "none", "whole"))


def translate_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Translate, with a progress bar on a terminal."""
    from deepfake_core.pipelines.image_batch import Finished, listed
    from deepfake_core.pipelines.translation import Translated, TranslationRequest, translate
    from deepfake_core.pipelines.translator import CycleTranslator

    request = TranslationRequest(
        sources=listed(asked.images),
        output=asked.output,
        crop=asked.crop,
        paste_back=asked.paste_back,
        back=asked.back,
        label=asked.label,
    )
    translator = CycleTranslator.from_pretrained(asked.model, asked.device)
    errors: dict[str, float | None] = {}
    event: Translated | Finished
    for event in follow(translate(translator, request), Translated, "picture", asked.json):
        if isinstance(event, Translated) and event.cycle:
            errors[str(event.path)] = event.cycle.error
    assert isinstance(event, Finished)
    told = [f"{path}: cycle error {error:.3f}" for path, error in errors.items() if error is not None]
    return answer(event.paths, [*event.notes, *told], event.seconds, translator.name, cycle_errors=errors)
