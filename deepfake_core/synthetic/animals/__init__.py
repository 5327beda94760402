"""Drawn animals: identity (looks only), state (with the scene), and the image with its ground truth.

    identity, state = sample_identity(8, generator), sample_state(8, generator)
    drawing = draw(identity, state, size=128)

`draw(identity_of_a_reference, state_of_a_source)` is what StarGAN v2 should make of the two: the reference's looks in
the source's pose, expression, light and scene. Points as for heads: x right, y down, -1 and 1 at the centres of the
outer pixels; 'left' is the left of the picture when the animal looks straight ahead.
"""

from deepfake_core.synthetic.animals.breeds import SPECIES
from deepfake_core.synthetic.animals.drawing import AnimalDrawing, draw
from deepfake_core.synthetic.animals.identity import AnimalIdentity, sample_identity
from deepfake_core.synthetic.animals.state import AnimalState, sample_state
from deepfake_core.synthetic.animals.truth import LANDMARKS

__all__ = [
    "LANDMARKS",
    "SPECIES",
    "AnimalDrawing",
    "AnimalIdentity",
    "AnimalState",
    "draw",
    "sample_identity",
    "sample_state",
]
