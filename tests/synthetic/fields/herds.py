"""What several tests of the fields share."""

from torch import Tensor

from deepfake_core.synthetic.fields import SPECIES, FieldDrawing
from deepfake_core.synthetic.fields import drawing as drawing

SIZE, COUNT = 64, 4
HORSE, ZEBRA = (float(SPECIES.index(name)) for name in ("horse", "zebra"))


def inside(drawing: FieldDrawing) -> Tensor:
    return drawing.mask.expand_as(drawing.image) > 0.999
