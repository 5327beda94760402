"""`pose`: drive a portrait by hand, without a clip."""

import argparse
from pathlib import Path
from typing import Any

from deepfake_core.cli.options import add_command, add_face_option, add_run_options, answer, finished, model_for

CLIP = ".mp4"


def add(commands: Any) -> None:
    """Add the subcommand `pose`."""
    command = add_command(commands, "pose", pose_file, "Turn the head of a portrait and move its mouth by numbers.")
    command.add_argument("source", metavar="SOURCE", help="the portrait")
    command.add_argument(
        "poses",
        nargs="+",
        metavar="POSE",
        help="controls and their numbers, such as 'yaw 20, smile 0.5'; several are the key frames of a clip",
    )
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="a picture for one pose; an .mp4 file for a clip"
    )
    command.add_argument(
        "--model", help="a name from 'weights list', or a .safetensors file (default: what suits the portrait)"
    )
    command.add_argument("--crop", choices=("auto", "none"), default="auto")
    add_face_option(command)
    add_run_options(command)


def pose_file(asked: argparse.Namespace) -> dict[str, Any]:
    """Draw the pose, or the clip through all poses."""
    from deepfake_core.errors import BadRequest
    from deepfake_core.faces import crop_named
    from deepfake_core.pipelines.animator import ImageAnimator
    from deepfake_core.pipelines.by_hand import HandRequest, clip_by_hand, pose_by_hand
    from deepfake_core.pipelines.controls import poses_of

    crop, output = crop_named(asked.crop, face=asked.face), Path(asked.output)
    moves = output.suffix.lower() == CLIP
    if len(asked.poses) > 1 and not moves:
        raise BadRequest(f"several poses are a clip; choose an output ending in {CLIP}, not {output.name}")
    request = HandRequest(
        source=asked.source, poses=poses_of("\n".join(asked.poses)), output=output, crop=crop, label=asked.label
    )
    model = model_for(asked, "fomm", asked.source, crop)
    animator = ImageAnimator.from_pretrained(model, asked.device, precision=asked.precision)
    done = finished(clip_by_hand(animator, request), asked.json) if moves else pose_by_hand(animator, request)
    return answer(done, animator.name)
