"""See what the animator thinks about one driving frame: python examples/02_look_inside.py"""

from itertools import islice
from pathlib import Path

from deepfake_core import ImageAnimator
from deepfake_core.media.decode import read_frames

HERE = Path(__file__).parent


def main() -> None:
    """Print the keypoints' way, and how much of the picture had to be painted."""
    animator = ImageAnimator.from_pretrained()
    with read_frames(HERE / "clips" / "look-around.mp4") as clip:
        frame = next(islice(clip, 25, None))  # one second in: the head is turned
    seen = animator.inspect(HERE / "portraits" / "amara.png", frame)
    ways = (seen.driving_keypoints.position - seen.source_keypoints.position)[0] * animator.size / 2
    for number, (x, y) in enumerate(ways.tolist()):
        print(f"keypoint {number}: {x:+6.1f} px across, {y:+6.1f} px down")
    print(f"hidden in the source: {100 * (1 - seen.occlusion.mean().item()):.0f}% of the picture")


if __name__ == "__main__":
    main()
