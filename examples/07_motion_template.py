"""Give three portraits a motion that was recorded without its face: python examples/07_motion_template.py OUT.mp4"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from deepfake_core import ImageAnimator, save_video

HERE = Path(__file__).parent
PORTRAITS = [HERE / "portraits" / f"{name}.png" for name in ("amara", "ben", "chloe")]


def main(output: str = "motion.mp4", clip: str = str(HERE / "clips" / "nod.mp4")) -> None:
    """Save the three side by side."""
    animator = ImageAnimator.from_pretrained()  # the best weights on this machine
    with TemporaryDirectory() as folder:
        template = animator.record(clip, Path(folder) / "nod.npz")
        print(f"{template.stat().st_size / 1000:.0f} kB of keypoints, no pixels")
        rows = zip(*(animator(portrait, template) for portrait in PORTRAITS), strict=True)
        print(save_video(map(np.hstack, rows), output, model=animator.name, sources=PORTRAITS))


if __name__ == "__main__":
    main(*sys.argv[1:])
