"""Move a portrait as a driving clip moves, and look at every frame: python examples/01_animate_a_portrait.py OUT.png"""

import sys
from pathlib import Path

import numpy as np

from deepfake_core import ImageAnimator, save

HERE = Path(__file__).parent


def main(output: str = "animation.png", shown: int = 6) -> None:
    """Save a strip of `shown` frames, evenly spread over the clip."""
    animator = ImageAnimator.from_pretrained()  # the best weights on this machine
    portrait, driving = HERE / "portraits" / "amara.png", HERE / "clips" / "look-around.mp4"
    frames = list(animator(portrait, driving))
    strip = np.hstack([frames[index] for index in np.linspace(0, len(frames) - 1, shown).round().astype(int)])
    print(save(strip, output, model=animator.name, sources=[portrait, driving]))


if __name__ == "__main__":
    main(*sys.argv[1:])
