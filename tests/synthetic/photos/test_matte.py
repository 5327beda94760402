"""The person's matte."""

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.photos.fit import to_face
from deepfake_core.synthetic.photos.matte import person_matte
from deepfake_core.synthetic.photos.portrait import CANVAS, REACH, Portrait


def test_a_person_is_cut_out_of_the_background(portrait: Portrait) -> None:
    grid = (coordinate_grid(CANVAS, CANVAS) * REACH).flatten(0, 1)[None]
    u, v = to_face(Portrait.pick(portrait, slice(0, 1)).fit, grid)
    image = (portrait.image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    matte = person_matte(image, v.view(CANVAS, CANVAS).numpy(), u.view(CANVAS, CANVAS).numpy()) > 0
    head = (portrait.matte[0, 0] > 0.5).numpy()
    assert matte[head].mean() > 0.9
    assert matte[:40, :40].mean() < 0.2
