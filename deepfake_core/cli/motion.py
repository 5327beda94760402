"""`motion`: record the motion of a clip without its pictures."""

import argparse
from typing import Any

from deepfake_core.cli.options import add_command, answer, finished
from deepfake_core.device import DEVICES


def add(commands: Any) -> None:
    """Add the subcommand `motion`."""
    command = add_command(commands, "motion", record_file, "Record a clip's motion without its face, for 'animate'.")
    command.add_argument("driving", metavar="CLIP", help="the driving clip")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help="an .npz file, to animate with")
    command.add_argument("--model", help="the weights that will animate (default: the best installed)")
    command.add_argument("--start", type=float, default=0.0, metavar="SECONDS", help="where in the clip motion starts")
    command.add_argument("--crop", choices=("auto", "none"), default="auto")
    command.add_argument("--device", choices=DEVICES, default="auto")
    command.set_defaults(uses_faces=True)


def record_file(asked: argparse.Namespace) -> dict[str, Any]:
    """Record the motion of the clip."""
    from deepfake_core.faces import crop_named
    from deepfake_core.pipelines.animation_request import AnimationRequest
    from deepfake_core.pipelines.animator import ImageAnimator
    from deepfake_core.pipelines.motion_template import record

    animator = ImageAnimator.from_pretrained(asked.model, asked.device)
    request = AnimationRequest(
        source=asked.driving,
        driving=asked.driving,
        output=asked.output,
        start=asked.start,
        driving_crop=crop_named(asked.crop),
    )
    return answer(finished(record(animator, request), asked.json), animator.name)
