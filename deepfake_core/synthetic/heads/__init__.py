"""Drawn heads: identity, state, the image with its ground truth, and the flow between two states.

    identity, state = sample_identity(8, generator), sample_state(8, generator)
    drawing = draw(identity, state, size=128)

Grids and points everywhere: x right, y down, -1 and 1 at the centres of the outer pixels. 'Left' is the left of the
picture when the head looks straight ahead. The same identity and state give the same picture in whatever batch they
come.
"""

from deepfake_core.synthetic.heads.drawing import Drawing, draw
from deepfake_core.synthetic.heads.flow import flow
from deepfake_core.synthetic.heads.identity import (
    ATTRIBUTES,
    HeadIdentity,
    sample_identity,
    with_attributes,
    with_scene_of,
)
from deepfake_core.synthetic.heads.truth import KEYPOINT_LANDMARKS, LANDMARKS
from deepfake_core.synthetic.render.pose import HeadState, neutral_state, sample_state

__all__ = [
    "ATTRIBUTES",
    "KEYPOINT_LANDMARKS",
    "LANDMARKS",
    "Drawing",
    "HeadIdentity",
    "HeadState",
    "draw",
    "flow",
    "neutral_state",
    "sample_identity",
    "sample_state",
    "with_attributes",
    "with_scene_of",
]
