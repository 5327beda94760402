"""Turn a head and open its mouth by numbers, without a driving clip: python examples/06_drive_by_hand.py OUT.png"""

import sys
from pathlib import Path

import numpy as np

from deepfake_core import Controls, ImageAnimator, save

PORTRAIT = Path(__file__).parent / "portraits" / "amara.png"
POSES = (
    Controls(),  # at rest: the portrait itself
    Controls(yaw=-25),
    Controls(yaw=25, smile=1.0),
    Controls(pitch=15),
    Controls(roll=15, mouth_open=1.0),
)


def main(output: str = "poses.png") -> None:
    """Save the poses side by side."""
    animator = ImageAnimator.from_pretrained()  # the best weights on this machine
    pictures = animator.by_hand(PORTRAIT, *POSES)
    print(save(np.hstack(pictures), output, model=animator.name, sources=[PORTRAIT]))


if __name__ == "__main__":
    main(*sys.argv[1:])
