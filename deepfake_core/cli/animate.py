"""`animate`: a portrait moves as a driving clip does."""

import argparse
import sys
from typing import Any

from tqdm import tqdm

from deepfake_core.cli.options import add_command, add_run_options


def add(commands: Any) -> None:
    """The options of `animate`."""
    command = add_command(commands, "animate", animate_files, "Move a portrait as a driving clip moves.")
    command.add_argument("source", metavar="SOURCE", help="the portrait")
    command.add_argument("driving", metavar="DRIVING", help="the clip that moves it")
    command.add_argument("-o", "--output", required=True, metavar="OUT", help=".mp4; a folder or .png: numbered frames")
    command.add_argument("--model", help="a name of 'weights list', or a .safetensors file (default: the best here)")
    command.add_argument("--transfer", choices=("relative", "absolute"), default="relative")
    command.add_argument("--adapt-scale", action=argparse.BooleanOptionalAction, default=True)
    command.add_argument("--best-frame", action="store_true", help="start from the frame that fits the portrait best")
    command.add_argument("--smoothing", type=float, default=0.0, metavar="0..1", help="calm the keypoints' jitter")
    command.add_argument("--crop", choices=("auto", "none"), default="auto")
    command.add_argument("--paste-back", action="store_true", help="put the face back into the whole picture")
    command.add_argument(
        "--side-by-side", metavar="OUT.mp4", help="also write source, driver and result beside another"
    )
    add_run_options(command)


def animate_files(asked: argparse.Namespace) -> dict[str, Any]:
    """Animate, with a progress bar on a terminal."""
    from deepfake_core.faces import crop_named
    from deepfake_core.pipelines.animation import AnimationRequest, animate
    from deepfake_core.pipelines.animator import ImageAnimator, transfer_named
    from deepfake_core.pipelines.events import Finished, Progress

    animator = ImageAnimator.from_pretrained(asked.model, asked.device)
    request = AnimationRequest(
        source=asked.source,
        driving=asked.driving,
        output=asked.output,
        side_by_side=asked.side_by_side,
        transfer=transfer_named(asked.transfer, asked.adapt_scale),
        best_frame=asked.best_frame,
        smoothing=asked.smoothing,
        source_crop=crop_named(asked.crop),
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
    lines = [*event.notes, f"{event.path}: {frames} frames in {event.seconds:.1f} s with {animator.name}"]
    return {
        "path": str(event.path),
        "side_by_side": asked.side_by_side,
        "frames": frames,
        "seconds": event.seconds,
        "notes": event.notes,
        "model": animator.name,
        "text": "\n".join(lines),
    }
