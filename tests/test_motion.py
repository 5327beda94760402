"""Laws of motion transfer, and parity with keypoints that the reference implementation gave.

`data/motion.npz` holds, for two pictures (`smooth`, `noise`), the reference's keypoints of the source and of driving
frame 0, the positions of driving frame 1, the hull areas, and what its demo made of frames 0, 1 and 2.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from deepfake_core.errors import BadRequest
from deepfake_core.motion import (
    AbsoluteMotion,
    Keypoints,
    RelativeMotion,
    Transfer,
    best_frame,
    convex_hull_area,
    frame_at,
    scale_of_movement,
    smooth,
    smooth_batch,
    transfer_motion,
)

TRANSFERS = (RelativeMotion(adapt_scale=True), RelativeMotion(adapt_scale=False), AbsoluteMotion())
RELATIVE = TRANSFERS[:2]
SQUARE = torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])


def draw_keypoints(count: int, seed: int) -> Keypoints:
    """Return `count` frames of ten random keypoints with invertible Jacobians, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    position = torch.rand(count, 10, 2, generator=generator, dtype=torch.float64) * 2 - 1
    noise = torch.randn(count, 10, 2, 2, generator=generator, dtype=torch.float64)
    return Keypoints(position, torch.eye(2, dtype=torch.float64) + 0.2 * noise)


def shift(keypoints: Keypoints, by: Tensor) -> Keypoints:
    return keypoints._replace(position=keypoints.position + by)


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    with np.load(Path(__file__).parent / "data" / "motion.npz") as arrays:
        return {name: torch.from_numpy(np.asarray(arrays[name])) for name in arrays.files}


def stored(golden: dict[str, Tensor], name: str) -> Keypoints:
    return Keypoints(golden[f"{name}.value"], golden[f"{name}.jacobian"])


@pytest.mark.parametrize("picture", ["smooth", "noise"])
class TestParity:
    def test_hull_areas(self, golden: dict[str, Tensor], picture: str) -> None:
        for keypoints, area in (("kp_source", "hull_area_source"), ("kp_driving", "hull_area_driving0")):
            measured = convex_hull_area(golden[f"{picture}.{keypoints}.value"][0])
            assert measured == pytest.approx(float(golden[f"{picture}.{area}"]), rel=1e-5)

    @pytest.mark.parametrize("transfer", RELATIVE)
    def test_positions_of_driving_frames_0_and_1(
        self, golden: dict[str, Tensor], picture: str, transfer: RelativeMotion
    ) -> None:
        source, initial = stored(golden, f"{picture}.kp_source"), stored(golden, f"{picture}.kp_driving")
        driving = Keypoints(torch.cat([initial.position, golden[f"{picture}.kp_driving1.value"]]))
        made = transfer_motion(source, driving, initial, transfer).position
        prefix = f"{picture}.norm.rel1.adapt{int(transfer.adapt_scale)}"
        expected = torch.cat([golden[f"{prefix}.f{frame}.value"] for frame in (0, 1)])
        assert (expected[1] - expected[0]).abs().max() > 0.1  # the frames do move
        assert_close(made, expected, atol=1e-4, rtol=0)

    def test_scale_multiplies_movement(self, golden: dict[str, Tensor], picture: str) -> None:
        source, initial = stored(golden, f"{picture}.kp_source"), stored(golden, f"{picture}.kp_driving")
        scale = scale_of_movement(source, initial)
        for frame in (1, 2):
            plain, adapted = (
                golden[f"{picture}.norm.rel1.adapt{adapt}.f{frame}.value"] - source.position for adapt in (0, 1)
            )
            assert_close(scale * plain, adapted, atol=1e-4, rtol=0)

    def test_jacobians_follow_the_same_product(self, golden: dict[str, Tensor], picture: str) -> None:
        """Solve the stored result for the driver's Jacobians; transferring them must give the stored result again."""
        source, initial = stored(golden, f"{picture}.kp_source"), stored(golden, f"{picture}.kp_driving")
        results = [stored(golden, f"{picture}.norm.rel1.adapt0.f{frame}") for frame in (0, 1, 2)]
        assert results[0].jacobian is not None and source.jacobian is not None and initial.jacobian is not None
        assert_close(results[0].jacobian, source.jacobian, atol=1e-5, rtol=0)
        expected = torch.cat([result.jacobian for result in results if result.jacobian is not None])
        driver = torch.linalg.solve(source.jacobian, expected, left=False) @ initial.jacobian
        assert_close(driver[:1], initial.jacobian, atol=1e-5, rtol=0)
        driving = Keypoints(torch.cat([result.position for result in results]), driver)
        made = transfer_motion(source, driving, initial, RelativeMotion(adapt_scale=False))
        assert_close(made.jacobian, expected, atol=1e-4, rtol=0)


class TestTransfer:
    @pytest.mark.parametrize("transfer", RELATIVE)
    def test_initial_frame_gives_source(self, transfer: RelativeMotion) -> None:
        source, initial = draw_keypoints(1, seed=0), draw_keypoints(1, seed=1)
        assert_close(transfer_motion(source, initial, initial, transfer), source)

    @pytest.mark.parametrize("transfer", TRANSFERS)
    def test_driving_by_oneself_gives_driver(self, transfer: Transfer) -> None:
        source, driving = draw_keypoints(1, seed=0), draw_keypoints(4, seed=1)
        assert_close(transfer_motion(source, driving, source, transfer), driving)

    @pytest.mark.parametrize("transfer", RELATIVE)
    def test_place_of_the_driver_plays_no_part(self, transfer: RelativeMotion) -> None:
        source, initial, driving = (draw_keypoints(count, seed=count) for count in (1, 1, 5))
        by = torch.tensor([0.3, -0.2], dtype=torch.float64)
        moved = transfer_motion(source, shift(driving, by), shift(initial, by), transfer)
        assert_close(moved, transfer_motion(source, driving, initial, transfer))

    def test_size_of_the_driver_plays_no_part_when_adapted(self) -> None:
        source, initial, driving = (draw_keypoints(count, seed=count) for count in (1, 1, 5))
        half, small = (k._replace(position=0.5 * k.position) for k in (driving, initial))
        made = transfer_motion(source, half, small, RelativeMotion())
        assert_close(made, transfer_motion(source, driving, initial, RelativeMotion()))

    def test_jacobians_compose(self) -> None:
        """Going from a to b and on from b to c is going from a to c."""
        source, first, second, third = (draw_keypoints(1, seed=seed) for seed in range(4))
        plain = RelativeMotion(adapt_scale=False)
        halfway = transfer_motion(source, second, first, plain)
        assert_close(transfer_motion(halfway, third, second, plain), transfer_motion(source, third, first, plain))

    def test_batch_is_its_frames(self) -> None:
        source, initial, driving = draw_keypoints(1, seed=0), draw_keypoints(1, seed=1), draw_keypoints(3, seed=2)
        together = transfer_motion(source, driving, initial, RelativeMotion())
        assert driving.jacobian is not None and together.jacobian is not None
        for frame in range(3):
            alone = Keypoints(driving.position[frame : frame + 1], driving.jacobian[frame : frame + 1])
            made = transfer_motion(source, alone, initial, RelativeMotion())
            assert_close(made.position[0], together.position[frame])
            assert made.jacobian is not None
            assert_close(made.jacobian[0], together.jacobian[frame])

    def test_given_scale_is_used_and_jacobians_may_be_missing(self) -> None:
        source, initial, driving = (Keypoints(draw_keypoints(1, seed=seed).position) for seed in range(3))
        made = transfer_motion(source, driving, initial, RelativeMotion(), scale=3.0)
        assert made.jacobian is None
        assert_close(made.position - source.position, 3.0 * (driving.position - initial.position))


class TestHull:
    def test_known_areas(self) -> None:
        inside = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
        assert convex_hull_area(SQUARE) == pytest.approx(4.0)
        assert convex_hull_area(torch.cat([inside, SQUARE])) == pytest.approx(4.0)
        assert convex_hull_area(SQUARE[:3]) == pytest.approx(2.0)
        angle = torch.arange(6) * torch.pi / 3
        hexagon = torch.stack([angle.cos(), angle.sin()], dim=-1)
        assert convex_hull_area(hexagon) == pytest.approx(1.5 * 3**0.5, rel=1e-6)

    @pytest.mark.parametrize("points", [SQUARE[:0], SQUARE[:1], SQUARE[:2], SQUARE[:1].expand(5, 2), SQUARE[[0, 2, 0]]])
    def test_no_area(self, points: Tensor) -> None:
        assert convex_hull_area(points) == 0.0

    def test_scale(self) -> None:
        keypoints = draw_keypoints(1, seed=3)
        assert scale_of_movement(keypoints, keypoints) == 1.0
        assert scale_of_movement(keypoints._replace(position=2 * keypoints.position), keypoints) == pytest.approx(2.0)
        point = Keypoints(torch.zeros(1, 10, 2))
        assert scale_of_movement(point, keypoints) == scale_of_movement(keypoints, point) == 1.0


class TestSmoothing:
    def test_zero_is_identity(self) -> None:
        previous, current = draw_keypoints(1, seed=0), draw_keypoints(1, seed=1)
        assert smooth(previous, current, 0.0) is current
        assert smooth(None, current, 0.7) is current

    @pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
    def test_constant_stream_stays(self, strength: float) -> None:
        still = draw_keypoints(1, seed=0)
        stream = Keypoints(*(part.expand(6, *part.shape[1:]) for part in still if part is not None))
        assert_close(smooth_batch(None, stream, strength), stream)

    def test_jitter_is_calmed_and_movement_passes(self) -> None:
        generator = torch.Generator().manual_seed(0)
        jitter = Keypoints(0.003 * torch.randn(200, 10, 2, generator=generator))
        spread = [smooth_batch(None, jitter, strength).position[20:].std() for strength in (0.0, 0.4, 0.8)]
        assert spread[2] < 0.7 * spread[0] and spread[2] < spread[1] < spread[0]
        away, home = Keypoints(torch.full((1, 10, 2), 0.5)), Keypoints(torch.zeros(1, 10, 2))
        assert_close(smooth(home, away, 0.8).position, away.position, atol=0.02, rtol=0)

    def test_batches_continue_each_other(self) -> None:
        stream = draw_keypoints(7, seed=4)
        assert stream.jacobian is not None
        whole = smooth_batch(None, stream, 0.6)
        head = smooth_batch(None, Keypoints(stream.position[:3], stream.jacobian[:3]), 0.6)
        tail = smooth_batch(frame_at(head, -1), Keypoints(stream.position[3:], stream.jacobian[3:]), 0.6)
        assert head.jacobian is not None and tail.jacobian is not None
        assert_close(Keypoints(*(torch.cat(parts) for parts in zip(head, tail, strict=True))), whole)  # type: ignore[arg-type]

    @pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
    def test_senseless_strength(self, strength: float) -> None:
        with pytest.raises(BadRequest, match="strength"):
            smooth(None, draw_keypoints(1, seed=0), strength)


class TestBestFrame:
    def test_own_landmarks_are_found_wherever_and_however_large(self) -> None:
        landmarks = draw_keypoints(9, seed=5).position
        assert best_frame(landmarks[6], landmarks) == 6
        moved = 0.4 * landmarks + torch.tensor([0.1, -0.5], dtype=torch.float64)
        assert best_frame(landmarks[6], iter(moved)) == 6
        assert best_frame(moved[2], landmarks) == 2

    def test_needs_a_frame(self) -> None:
        with pytest.raises(BadRequest, match="has no frames"):
            best_frame(SQUARE, [])


def test_strength_multiplies_the_motion() -> None:
    """0 is the source itself, 1 the paper's motion, 2 twice the difference of positions and of Jacobians."""
    source, driving, initial = draw_keypoints(1, 0), draw_keypoints(3, 1), draw_keypoints(1, 2)
    plain = transfer_motion(source, driving, initial, RelativeMotion())
    still, same, twice = (
        transfer_motion(source, driving, initial, RelativeMotion(strength=s)) for s in (0.0, 1.0, 2.0)
    )
    assert_close(still.position, source.position.expand(3, -1, -1))
    assert_close(still.jacobian, source.jacobian.expand(3, -1, -1, -1))  # type: ignore[union-attr]
    assert torch.equal(same.position, plain.position) and torch.equal(same.jacobian, plain.jacobian)  # type: ignore[arg-type]
    assert_close(twice.position - source.position, 2 * (plain.position - source.position))
    assert_close(twice.jacobian - source.jacobian, 2 * (plain.jacobian - source.jacobian))  # type: ignore[operator]
    for wrong in (-0.1, 2.1, float("nan")):
        with pytest.raises(BadRequest, match="strength must be between 0"):
            RelativeMotion(strength=wrong)
