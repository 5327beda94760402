"""`translate`: translate pictures from one domain to another."""

import argparse
from typing import Any

from deepfake_core.cli.options import add_command, add_picture_options, answer, finished, model_for


def add(commands: Any) -> None:
    """Add the subcommand `translate`."""
    command = add_command(commands, "translate", translate_files, "Turn horses into zebras, photos into paintings.")
    command.add_argument("images", nargs="+", metavar="IMAGE", help="pictures, or folders of them")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="a picture, or a folder for several")
    command.add_argument(
        "--back", action="store_true", help="also translate back (OUT-back) and measure the cycle error"
    )
    add_picture_options(command, crops=("auto", "none", "whole"))


def translate_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Run the translation, with a progress bar on a terminal."""
    from deepfake_core.faces import crop_named
    from deepfake_core.pipelines.image_batch import listed
    from deepfake_core.pipelines.translation import TranslationRequest, translate
    from deepfake_core.pipelines.translator import CROPS, CycleTranslator

    request = TranslationRequest(
        sources=listed(asked.images),
        output=asked.output,
        crop=crop_named(asked.crop, CROPS, face=asked.face),
        paste_back=asked.paste_back,
        back=asked.back,
        label=asked.label,
    )
    model = model_for(asked, "cyclegan", request.sources[0], request.crop)
    translator = CycleTranslator.from_pretrained(model, asked.device, precision=asked.precision)
    done = finished(translate(translator, request), asked.json)
    results = done.of("result") if asked.back else ()
    errors = {str(file.path): file.facts["cycle_error"] for file in results}
    measured = [f"{path}: cycle error {error:.3f}" for path, error in errors.items() if error is not None]
    return answer(done, translator.name, measured, cycle_errors=errors)
