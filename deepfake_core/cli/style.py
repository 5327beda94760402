"""`style`: a picture in the looks of a reference or of a seed; grids of them, and videos from one to another."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deepfake_core.cli.options import add_command, add_picture_options, answer, follow
from deepfake_core.errors import BadRequest

if TYPE_CHECKING:
    from deepfake_core.pipelines.styles import Drawn, Finished, Latent, Reference
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer


def add(commands: Any) -> None:
    """The options of `style`."""
    command = add_command(commands, "style", style_files, "Redraw a picture in other looks.")
    command.add_argument("images", nargs="+", metavar="IMAGE", help="the source; several make a grid")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="a picture; with --to-... an .mp4")
    looks = command.add_mutually_exclusive_group(required=True)
    looks.add_argument("--reference", action="append", metavar="IMAGE", help="whose looks; several times: a grid")
    looks.add_argument("--seed", action="append", type=int, metavar="N", help="random looks; several times: a strip")
    command.add_argument("--domain", required=True, help="what the looks are of, such as female, male, cat, dog")
    command.add_argument("--truncation", type=float, default=1.0, metavar="0..1", help="0: typical looks, 1: varied")
    end = command.add_mutually_exclusive_group()
    end.add_argument("--to-reference", metavar="IMAGE", help="make a video from those looks to these")
    end.add_argument("--to-seed", type=int, metavar="N", help="the same, to the looks of a seed")
    command.add_argument("--to-domain", metavar="DOMAIN", help="what those are of (default: the same)")
    command.add_argument("--frames", type=int, default=60, metavar="N", help="of the video (default: 60)")
    add_picture_options(command)


def style_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Redraw, with a progress bar on a terminal."""
    from deepfake_core.pipelines.styles import Drawn, Finished
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer

    synthesizer = StyleSynthesizer.from_pretrained(asked.model, asked.device)
    [done] = (
        event
        for event in follow(events_of(synthesizer, asked), Drawn, "picture", asked.json)
        if isinstance(event, Finished)
    )
    return answer([done.path], done.notes, done.seconds, synthesizer.name)


def events_of(synthesizer: "StyleSynthesizer", asked: argparse.Namespace) -> "Iterator[Drawn | Finished]":
    """The events of the one of three pipelines that the options ask for: a video, a picture, or a grid."""
    from deepfake_core.pipelines.styles import GridRequest, StyleRequest, WalkRequest, draw_grid, restyle, walk

    styles = [style(asked, image, None, asked.domain) for image in asked.reference or []]
    styles += [style(asked, None, seed, asked.domain) for seed in asked.seed or []]
    alone = len(asked.images) == len(styles) == 1
    common = {"output": asked.output, "crop": asked.crop, "label": asked.label}
    if asked.to_reference is not None or asked.to_seed is not None:
        if not alone:
            raise BadRequest("a video takes one picture, and one reference or seed to start from; leave the others out")
        end = style(asked, asked.to_reference, asked.to_seed, asked.to_domain or asked.domain)
        request = WalkRequest(
            source=asked.images[0],
            start=styles[0],
            end=end,
            steps=asked.frames,
            paste_back=asked.paste_back,
            **common,
        )
        return walk(synthesizer, request)
    if alone:
        one = StyleRequest(source=asked.images[0], style=styles[0], paste_back=asked.paste_back, **common)
        return restyle(synthesizer, one)
    if asked.paste_back:
        raise BadRequest("a grid is made of squares; leave --paste-back out")
    return draw_grid(synthesizer, GridRequest(sources=tuple(asked.images), styles=tuple(styles), **common))


def style(asked: argparse.Namespace, image: str | None, seed: int | None, domain: str) -> "Reference | Latent":
    """The looks of a picture or of a seed."""
    from deepfake_core.pipelines.styles import Latent, Reference

    if image is not None:
        return Reference(image=image, domain=domain)
    assert seed is not None
    return Latent(seed=seed, domain=domain, truncation=asked.truncation)
