"""Drawn fields with horses or zebras.

    field = sample_field(8, generator)
    horse, zebra = (draw(field, torch.full((8,), kind), size=128) for kind in (0.0, 1.0))

The two images differ in coat, mane and tail only: each is the counterfactual ground truth of the other. The same field
gives the same picture in whatever batch it comes. Grids: x right, y down, -1 and 1 at the centres of the outer pixels.
"""

from deepfake_core.synthetic.fields.drawing import FieldDrawing, draw
from deepfake_core.synthetic.fields.parameters import SPECIES, Field, sample_field

__all__ = ["SPECIES", "Field", "FieldDrawing", "draw", "sample_field"]
