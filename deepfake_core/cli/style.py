"""`style`: synthesise a picture in the style of a reference or a seed; grids and interpolations."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deepfake_core.cli.options import add_command, add_picture_options, answer, finished, model_for
from deepfake_core.errors import BadRequest

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import Finished, Progress
    from deepfake_core.pipelines.style_specs import Latent, Reference
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer


def add(commands: Any) -> None:
    """Add the subcommand `style`."""
    command = add_command(commands, "style", style_files, "Redraw a picture in another style.")
    command.add_argument("images", nargs="+", metavar="IMAGE", help="the source; several for a grid")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="a picture; an .mp4 with --to-...")
    styles = command.add_mutually_exclusive_group(required=True)
    styles.add_argument(
        "--reference", action="append", metavar="IMAGE", help="picture that provides the style; repeat for a grid"
    )
    styles.add_argument("--seed", action="append", type=int, metavar="N", help="a random style; repeat for a strip")
    command.add_argument("--domain", required=True, help="of the style, such as female, male, cat, dog")
    command.add_argument(
        "--truncation", type=float, default=1.0, metavar="0..1", help="0: typical of the domain, 1: varied"
    )
    end = command.add_mutually_exclusive_group()
    end.add_argument("--to-reference", metavar="IMAGE", help="interpolate to the style of this picture, as a video")
    end.add_argument("--to-seed", type=int, metavar="N", help="interpolate to the style of a seed, as a video")
    command.add_argument("--to-domain", metavar="DOMAIN", help="of the final style (default: the same)")
    command.add_argument("--frames", type=int, default=60, metavar="N", help="of the video (default: 60)")
    add_picture_options(command)


def style_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Run the synthesis, with a progress bar on a terminal."""
    from deepfake_core.faces import crop_named
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer

    model = model_for(asked, "starganv2", asked.images[0], crop_named(asked.crop, face=asked.face))
    synthesizer = StyleSynthesizer.from_pretrained(model, asked.device, precision=asked.precision)
    return answer(finished(events_of(synthesizer, asked), asked.json), synthesizer.name)


def events_of(synthesizer: "StyleSynthesizer", asked: argparse.Namespace) -> "Iterator[Progress | Finished]":
    """Run the pipeline selected by the options: an interpolation, a picture or a grid."""
    from deepfake_core.faces import crop_named
    from deepfake_core.pipelines.styles import (
        GridRequest,
        InterpolationRequest,
        StyleRequest,
        draw_grid,
        interpolate,
        restyle,
    )

    styles = [style(asked, image, None, asked.domain) for image in asked.reference or []]
    styles += [style(asked, None, seed, asked.domain) for seed in asked.seed or []]
    single = len(asked.images) == len(styles) == 1
    common = {"output": asked.output, "crop": crop_named(asked.crop, face=asked.face), "label": asked.label}
    if asked.to_reference is not None or asked.to_seed is not None:
        if not single:
            raise BadRequest(
                "an interpolation needs one picture and one reference or seed, "
                f"got {len(asked.images)} and {len(styles)}"
            )
        end = style(asked, asked.to_reference, asked.to_seed, asked.to_domain or asked.domain)
        request = InterpolationRequest(
            source=asked.images[0],
            start=styles[0],
            end=end,
            steps=asked.frames,
            paste_back=asked.paste_back,
            **common,
        )
        return interpolate(synthesizer, request)
    if single:
        one = StyleRequest(source=asked.images[0], style=styles[0], paste_back=asked.paste_back, **common)
        return restyle(synthesizer, one)
    if asked.paste_back:
        raise BadRequest("--paste-back cannot be used with a grid; omit it")
    return draw_grid(synthesizer, GridRequest(sources=tuple(asked.images), styles=tuple(styles), **common))


def style(asked: argparse.Namespace, image: str | None, seed: int | None, domain: str) -> "Reference | Latent":
    """The style given by a picture or a seed."""
    from deepfake_core.pipelines.style_specs import Latent, Reference

    if image is not None:
        return Reference(image=image, domain=domain)
    assert seed is not None
    return Latent(seed=seed, domain=domain, truncation=asked.truncation)
