"""`animate`: animate a portrait with the motion of a driving clip."""

import argparse
import sys
from typing import Any

from tqdm import tqdm

from deepfake_core.cli.options import add_command, add_face_option, add_run_options, model_for
from deepfake_core.pipelines.controls import REGIONS


def add(commands: Any) -> None:
    """Add the subcommand `animate`."""
    command = add_command(commands, "animate", animate_files, "Animate a portrait with the motion of a driving clip.")
    command.add_argument("source", metavar="SOURCE", help="the portrait")
    command.add_argument(
        "driving", metavar="DRIVING", help="the driving clip, a picture for one pose, or a motion template (.npz)"
    )
    command.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="an .mp4 file; a folder or .png for numbered frames; with a picture as driver: a picture, or a folder",
    )
    command.add_argument(
        "--model", help="a name from 'weights list', or a .safetensors file (default: what suits the portrait)"
    )
    command.add_argument("--transfer", choices=("relative", "absolute"), default="relative")
    command.add_argument("--adapt-scale", action=argparse.BooleanOptionalAction, default=True)
    command.add_argument(
        "--strength", type=float, default=1.0, metavar="0..2", help="multiply relative motion (default: 1)"
    )
    command.add_argument(
        "--region", choices=REGIONS, default="all", help="what moves; mouth and pose need weights such as fomm-starter"
    )
    command.add_argument("--best-frame", action="store_true", help="start from the frame with the most similar pose")
    command.add_argument(
        "--start",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="where in the clip motion starts (default: at the first face)",
    )
    command.add_argument(
        "--smoothing", type=float, default=0.0, metavar="0..1", help="reduce the jitter of the keypoints"
    )
    command.add_argument("--crop", choices=("auto", "none"), default="auto")
    add_face_option(command)
    command.add_argument("--paste-back", action="store_true", help="paste the face back into the whole picture")
    command.add_argument(
        "--side-by-side", metavar="OUT", help="also write source, driver and result side by side (.mp4, or a picture)"
    )
    add_run_options(command)


def animate_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Run the animation, with a progress bar on a terminal."""
    from deepfake_core.faces import crop_named
    from deepfake_core.hub.manifest import entry
    from deepfake_core.pipelines.animation import AnimationRequest, animate
    from deepfake_core.pipelines.animator import ImageAnimator, transfer_named
    from deepfake_core.pipelines.events import Finished, Progress
    from deepfake_core.pipelines.motion_template import MotionTemplate
    from deepfake_core.pipelines.template_playback import template_driver

    crop = crop_named(asked.crop, face=asked.face)
    template = template_driver(asked.driving)
    if template is not None and asked.model is None:
        asked.model = entry(MotionTemplate.load(template).weights).name  # a file may name no other file
    model = model_for(asked, "fomm", asked.source, crop)
    animator = ImageAnimator.from_pretrained(model, asked.device, precision=asked.precision)
    request = AnimationRequest(
        source=asked.source,
        driving=asked.driving,
        output=asked.output,
        side_by_side=asked.side_by_side,
        transfer=transfer_named(asked.transfer, asked.adapt_scale, asked.strength),
        best_frame=asked.best_frame,
        start=asked.start,
        smoothing=asked.smoothing,
        region=asked.region,
        source_crop=crop,
        driving_crop=crop_named(asked.crop),
        paste_back=asked.paste_back,
        label=asked.label,
    )
    event: Progress | Finished
    with tqdm(unit="frame", disable=asked.json or not sys.stderr.isatty()) as bar:
        for event in animate(animator, request):
            if isinstance(event, Progress) and not event.task:
                bar.total = event.total
                bar.update()
    assert isinstance(event, Finished)
    frames = event.files[0].facts["frames"]
    count = "1 frame" if frames == 1 else f"{frames} frames"
    lines = [*event.notes, f"{event.path}: {count} in {event.seconds:.1f} s with {animator.name}"]
    return {
        "path": str(event.path),
        "side_by_side": asked.side_by_side,
        "frames": frames,
        "seconds": event.seconds,
        "notes": event.notes,
        "model": animator.name,
        "text": "\n".join(lines),
    }
