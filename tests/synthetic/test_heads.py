"""Laws of the drawn heads: they are solid, they repeat, and what is told about them is true of the picture."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.heads import (
    ATTRIBUTES,
    LANDMARKS,
    HeadIdentity,
    HeadState,
    draw,
    flow,
    neutral_state,
    sample_identity,
    sample_state,
    with_attributes,
    with_scene_of,
)
from deepfake_core.synthetic.heads.drawing import compose
from deepfake_core.synthetic.heads.hairstyles import BALD, HAIRSTYLES, HAT_STYLES
from deepfake_core.synthetic.heads.headwear import HATS
from deepfake_core.synthetic.heads.identity import HAIR_GROUPS
from deepfake_core.synthetic.heads.scene import LAYERS, build_scene
from deepfake_core.synthetic.heads.truth import landmark_points
from deepfake_core.synthetic.render.camera import project
from deepfake_core.synthetic.render.layers import show
from deepfake_core.synthetic.render.solids import see

SIZE, COUNT = 64, 4
FACE = LANDMARKS.index("forehead") + 1  # the landmarks on the face come first


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def people() -> HeadIdentity:
    return sample_identity(COUNT, torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def states() -> HeadState:
    return sample_state(COUNT, torch.Generator().manual_seed(6))


def moved(count: int, **parts: float) -> HeadState:
    return neutral_state(count)._replace(**{name: torch.full((count,), value) for name, value in parts.items()})


def dressed(people: HeadIdentity) -> HeadIdentity:
    """The same people in a bare head, a beanie, a cap and a hat with a brim, with scarves."""
    crop = torch.full((COUNT,), list(HAIRSTYLES).index("crop"))
    return people._replace(hat=torch.tensor([0, 1, 2, 3]), hair_style=crop, scarf=torch.tensor([1.0, 0.0, 1.0, 1.0]))


def test_turning_away_and_back_gives_the_same_picture(people: HeadIdentity) -> None:
    calm = neutral_state(COUNT)
    turned = calm._replace(yaw=calm.yaw + 0.5, pitch=calm.pitch - 0.3)
    back = turned._replace(yaw=turned.yaw - 0.5, pitch=turned.pitch + 0.3)
    first, away = draw(people, calm, SIZE).image, draw(people, turned, SIZE).image
    assert torch.equal(draw(people, back, SIZE).image, first)
    assert (away - first).abs().mean() > 0.02


def test_a_seed_names_one_picture() -> None:
    def once(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return draw(sample_identity(2, generator), sample_state(2, generator), SIZE).image

    assert torch.equal(once(3), once(3))
    assert not torch.equal(once(3), once(4))


def test_company_does_not_matter(people: HeadIdentity, states: HeadState) -> None:
    together = draw(people, states, SIZE)
    order = torch.tensor([3, 1, 2])
    apart = draw(people.pick(order), states.pick(order), SIZE)
    for all_of_it, part in zip(together, apart, strict=True):
        torch.testing.assert_close(all_of_it[order], part, atol=1e-4, rtol=0)


def test_windows_cut_nothing_off(people: HeadIdentity, states: HeadState) -> None:
    """Painting inside each solid's window gives what painting everywhere, all heads at once, gives."""
    worn = dressed(people)._replace(glasses=torch.tensor([0, 1, 2, 1]))
    turned = states._replace(yaw=torch.tensor([0.7, -0.7, 0.7, 0.0]))
    everywhere = [(slice(0, SIZE), slice(0, SIZE))] * (len(LAYERS) + 1)
    image, _ = compose(worn, turned, build_scene(worn, turned, SIZE), coordinate_grid(SIZE, SIZE), everywhere)
    torch.testing.assert_close(draw(worn, turned, SIZE).image, image, atol=1e-4, rtol=0)


def test_pictures_are_finite_at_extreme_poses(people: HeadIdentity) -> None:
    for yaw, pitch, roll in ((0.7, 0.44, 0.53), (-0.7, -0.44, -0.53), (0.7, -0.44, -0.53)):
        extreme = moved(COUNT, yaw=yaw, pitch=pitch, roll=roll, mouth_open=1.0, smile=-1.0, brow_raise=1.0, scale=1.2)
        drawing = draw(people, extreme, SIZE)
        assert all(part.isfinite().all() for part in drawing)
        assert drawing.image.min() >= 0 and drawing.image.max() <= 1
        assert 0.10 < drawing.mask.mean() < 0.75  # a head is there, whole, and does not fill the picture


def test_flow_takes_one_state_back_to_the_other(people: HeadIdentity, states: HeadState) -> None:
    there = sample_state(COUNT, torch.Generator().manual_seed(9))
    a, b = draw(people, states, 128).image, draw(people, there, 128).image
    grid, valid = flow(people, states, there, 128)
    warped = grid_sample(b, grid, align_corners=True)  # grid spans pixel centres
    error, still = ((picture - a).abs().mean(1)[valid].mean() for picture in (warped, b))
    assert valid.float().mean() > 0.5
    assert error < 0.025  # the light stays in the world while the head turns, so shading differs a little
    assert error < 0.5 * still


def test_hats_and_scarves_flow_as_everything_else_does(people: HeadIdentity, states: HeadState) -> None:
    worn, there = dressed(people), sample_state(COUNT, torch.Generator().manual_seed(9))
    a, b = draw(worn, states, 128).image, draw(worn, there, 128).image
    grid, valid = flow(worn, states, there, 128)
    warped = grid_sample(b, grid, align_corners=True)
    bare = worn._replace(hat=torch.zeros_like(worn.hat), scarf=torch.zeros_like(worn.scarf))
    cloth = (a - draw(bare, states, 128).image).abs().amax(1) > 0.1  # where hat and scarf show
    error, still = ((picture - a).abs().mean(1)[valid & cloth].mean() for picture in (warped, b))
    assert (valid & cloth).flatten(1).sum(1).min() > 50
    assert valid[cloth].float().mean() > 0.4
    assert error < 0.04
    assert error < 0.5 * still


def test_a_hat_hides_what_is_behind_it(people: HeadIdentity) -> None:
    """The peak of a cap hides the forehead of a bowed head, and nothing of the face when the head is upright."""
    cap = torch.full_like(people.hat, HATS.index("cap"))
    bowed, upright = moved(COUNT, pitch=-0.44), neutral_state(COUNT)
    bald = people._replace(hair_style=torch.full_like(cap, BALD), hat=torch.zeros_like(cap))
    forehead, brow = LANDMARKS.index("forehead"), LANDMARKS.index("left brow")
    assert draw(bald, bowed, SIZE).visible[:, forehead].all()
    capped = bald._replace(hat=cap)
    assert not draw(capped, bowed, SIZE).visible[:, forehead].any()
    assert not draw(capped, upright, SIZE).visible[:, LANDMARKS.index("crown")].any()
    for hat in range(1, len(HATS)):
        seen = draw(bald._replace(hat=torch.full_like(cap, hat)), upright, SIZE).visible
        assert seen[:, :forehead].all() and seen[:, brow].all()


@pytest.mark.parametrize("style", [name for name in HAT_STYLES if name != "bald"])
def test_hair_shows_under_every_hat(people: HeadIdentity, style: str) -> None:
    """Hair colour is an attribute to be edited, so it must be readable whatever is worn."""
    chosen = torch.full((COUNT,), list(HAIRSTYLES).index(style))
    for hat in range(len(HATS)):
        worn = people._replace(hat=torch.full((COUNT,), hat), hair_style=chosen)
        for yaw in (-0.5, 0.0, 0.5):
            scene = build_scene(worn, moved(COUNT, yaw=yaw), SIZE)
            layers = [see(solid, coordinate_grid(SIZE, SIZE).reshape(1, -1, 2), scene.pixel) for solid in scene.solids]
            tau, alpha = (torch.stack(part, 1) for part in ([i.hit.tau for i in layers], [i.alpha for i in layers]))
            shows = show(tau, alpha, scene.pixel)[:, LAYERS.index("hair")].mean(1)
            assert shows.min() > 0.02


def test_hats_are_worn_by_some_and_only_over_hair_that_fits() -> None:
    crowd = sample_identity(4000, torch.Generator().manual_seed(4))
    hatted = crowd.hat > 0
    assert 0.15 < hatted.float().mean() < 0.21
    assert 0.10 < crowd.scarf.mean() < 0.14
    assert {list(HAIRSTYLES)[i] for i in crowd.hair_style[hatted].tolist()} == set(HAT_STYLES)


def test_flow_is_exact_where_shading_cannot_differ(people: HeadIdentity) -> None:
    """Moving aside without turning keeps nearly all shading: what is left is interpolation."""
    a, b = moved(COUNT), moved(COUNT, shift_x=0.12, mouth_open=0.5, brow_raise=0.8)
    grid, valid = flow(people, a, b, 128)
    error = (
        (grid_sample(draw(people, b, 128).image, grid, align_corners=True) - draw(people, a, 128).image).abs().mean(1)
    )
    assert error[valid].mean() < 0.008


def test_flow_between_equal_states_stands_still(people: HeadIdentity, states: HeadState) -> None:
    grid, valid = flow(people, states, states, SIZE)
    line = torch.linspace(-1, 1, SIZE)
    expected = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).expand_as(grid)
    torch.testing.assert_close(grid[valid], expected[valid], atol=2e-4, rtol=0)
    assert valid.float().mean() > 0.9  # all but the pixels that layers share


def test_visible_landmarks_go_with_the_flow(people: HeadIdentity) -> None:
    size, a = 128, moved(COUNT, yaw=-0.2)
    b = moved(COUNT, yaw=0.25, pitch=0.15, roll=0.2, shift_x=0.05, mouth_open=0.4, brow_raise=0.5)
    here, there = draw(people, a, size), draw(people, b, size)
    grid, valid = flow(people, a, b, size)
    points = here.landmarks[:, None]
    carried = grid_sample(grid.movedim(-1, 1), points, align_corners=True)[:, :, 0].mT
    trusted = grid_sample(valid[:, None].float(), points, align_corners=True)[:, 0, 0] > 0.99
    both = trusted & here.visible & there.visible
    both[:, FACE:] = False  # ears, crown and neck stand at outlines, where pixels mix
    assert both.float().sum() > 14
    pixel = 2 / (size - 1)
    assert (carried - there.landmarks)[both].norm(dim=-1).max() < 1.0 * pixel


def test_landmark_jacobians_are_slopes_of_the_projection(people: HeadIdentity, states: HeadState) -> None:
    """Against finite differences of the landmarks, for a head that is moved in the world along its own axes."""
    drawing, step = draw(people, states, SIZE), 1e-2
    scene = build_scene(people, states, SIZE)
    frame, world = scene.frames.head, landmark_points(people, scene, states)
    assert (torch.linalg.det(drawing.landmark_jacobian) < -0.05).all()  # negative: the picture's y runs down
    for axis in (0, 1):
        along = frame.rotation[:, :, axis] * (step * frame.scale)[:, None]
        ahead, behind = (project(world + sign * along[..., None])[0] for sign in (1, -1))
        slope = (ahead - behind) / (2 * step)
        torch.testing.assert_close(drawing.landmark_jacobian[..., axis], slope, atol=2e-3, rtol=0)
    torch.testing.assert_close(project(world)[0], drawing.landmarks)


def test_mirrored_yaw_mirrors_the_nose(people: HeadIdentity) -> None:
    tip = LANDMARKS.index("nose tip")
    right, left = (draw(people, moved(COUNT, yaw=yaw), SIZE).landmarks[:, tip] for yaw in (0.4, -0.4))
    torch.testing.assert_close(right * torch.tensor((-1.0, 1.0)), left, atol=1e-4, rtol=0)
    assert (right[:, 0] > 0.1).all()  # positive yaw looks to the right of the picture


def test_left_landmarks_are_left_and_hidden_ones_hide(people: HeadIdentity) -> None:
    front = draw(people, neutral_state(COUNT), SIZE)
    for part in ("eye", "brow", "mouth corner", "cheek", "ear"):
        left, right = LANDMARKS.index(f"left {part}"), LANDMARKS.index(f"right {part}")
        assert (front.landmarks[:, left, 0] < front.landmarks[:, right, 0]).all()
    turned = draw(people, moved(COUNT, yaw=0.7), SIZE)
    assert not turned.visible[:, LANDMARKS.index("right ear")].any()
    assert front.visible[:, LANDMARKS.index("nose tip")].all()


def test_attributes_are_what_is_drawn(people: HeadIdentity) -> None:
    calm = neutral_state(COUNT)
    before = draw(people, calm, SIZE)
    for i, name in enumerate(("black", "blond", "brown")):
        wanted = torch.zeros(COUNT, 5)
        wanted[:, i], wanted[:, 3:] = 1, before.attributes[:, 3:]
        changed = with_attributes(people, wanted)
        assert (changed.hair_group == HAIR_GROUPS.index(name)).all()
        drawing = draw(changed, calm, SIZE)
        haired = drawing.attributes[:, :3].sum(1) > 0
        assert torch.equal(drawing.attributes[haired], wanted[haired])
        corner = drawing.image[:, :, :3, :3]
        assert torch.equal(corner, before.image[:, :, :3, :3])  # the world around stays
    assert len(ATTRIBUTES) == 5
    dark, fair = (with_attributes(people, torch.eye(5)[i].expand(COUNT, 5)).hair_colour.mean(1) for i in (0, 1))
    assert (fair > 3 * dark).all()


def test_a_borrowed_scene_is_the_others_and_the_head_stays(people: HeadIdentity, states: HeadState) -> None:
    hosts = sample_identity(COUNT, torch.Generator().manual_seed(8))
    guests = with_scene_of(people, hosts)
    before, made, theirs = (draw(who, states, SIZE) for who in (people, guests, hosts))
    corner = (slice(None), slice(None), slice(3), slice(3))
    assert torch.equal(made.image[corner], theirs.image[corner])
    assert not torch.equal(made.image[corner], before.image[corner])
    assert torch.equal(made.mask, before.mask)
    assert all(torch.equal(one, other) for one, other in zip(with_scene_of(guests, people), people, strict=True))
