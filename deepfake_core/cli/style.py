"""`style`: a picture in the style of a reference or of a seed; grids of them, and interpolations."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deepfake_core.cli.options import add_command, add_picture_options, answer, finished
from deepfake_core.errors import BadRequest

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import Finished, Progress
    from deepfake_core.pipelines.style_specs import Latent, Reference
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer


def add(commands: Any) -> None:
    """The options of `style`."""
    command = add_command(commands, "style", style_files, "Redraw a picture in another style.")
    command.add_argument("images", nargs="+", metavar="IMAGE", help="the source; several make a grid")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="a picture; with --to-... an .mp4")
    styles = command.add_mutually_exclusive_group(required=True)
    styles.add_argument("--reference", action="append", metavar="IMAGE", help="whose style; several times: a grid")
    styles.add_argument("--seed", action="append", type=int, metavar="N", help="a random style; several times: a strip")
    command.add_argument("--domain", required=True, help="of the style, such as female, male, cat, dog")
    command.add_argument(
        "--truncation", type=float, default=1.0, metavar="0..1", help="0: typical of the domain, 1: varied"
    )
    end = command.add_mutually_exclusive_group()
    end.add_argument("--to-reference", metavar="IMAGE", help="make a video from that style to the one of this picture")
    end.add_argument("--to-seed", type=int, metavar="N", help="the same, to the style of a seed")
    command.add_argument("--to-domain", metavar="DOMAIN", help="of the style at the end (default: the same)")
    command.add_argument("--frames", type=int, default=60, metavar="N", help="of the video (default: 60)")
    add_picture_options(command)


def style_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Redraw, with a progress bar on a terminal."""
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer

    synthesizer = StyleSynthesizer.from_pretrained(asked.model, asked.device)
    return answer(finished(events_of(synthesizer, asked), asked.json), synthesizer.name)


def events_of(synthesizer: "StyleSynthesizer", asked: argparse.Namespace) -> "Iterator[Progress | Finished]":
    """The events of the one of three pipelines that the options ask for: a video, a picture, or a grid."""
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
    alone = len(asked.images) == len(styles) == 1
    common = {"output": asked.output, "crop": crop_named(asked.crop), "label": asked.label}
    if asked.to_reference is not None or asked.to_seed is not None:
        if not alone:
            raise BadRequest("a video takes one picture, and one reference or seed to start from; leave the others out")
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
    if alone:
        one = StyleRequest(source=asked.images[0], style=styles[0], paste_back=asked.paste_back, **common)
        return restyle(synthesizer, one)
    if asked.paste_back:
        raise BadRequest("a grid is made of squares; leave --paste-back out")
    return draw_grid(synthesizer, GridRequest(sources=tuple(asked.images), styles=tuple(styles), **common))


def style(asked: argparse.Namespace, image: str | None, seed: int | None, domain: str) -> "Reference | Latent":
    """The style of a picture or of a seed."""
    from deepfake_core.pipelines.style_specs import Latent, Reference

    if image is not None:
        return Reference(image=image, domain=domain)
    assert seed is not None
    return Latent(seed=seed, domain=domain, truncation=asked.truncation)
