"""The invisible watermark: faint, the same at any size, extracted after re-saving, and never found where none is."""

import io

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from deepfake_core.provenance.label import label
from deepfake_core.provenance.watermark import OURS, SMALLEST, embed, extract, is_ours, names_model, payload_of
from deepfake_core.synthetic import heads

MODEL = "fomm-starter"
PAYLOAD = payload_of(MODEL)
SIZES = [(128, 128), (256, 256), (512, 512), (720, 1280), (101, 333)]


def photo(height: int, width: int, name: str = "astronaut") -> np.ndarray:
    return np.asarray(Image.fromarray(getattr(skimage.data, name)()).resize((width, height)))


def resaved(picture: np.ndarray, kind: str, quality: int = 80) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((width, height)))


def payload_in(*frames: np.ndarray) -> int | None:
    reading = extract(frames)
    return None if reading is None else reading.payload


@pytest.fixture(scope="module")
def drawn_heads() -> list[np.ndarray]:
    rng = torch.Generator().manual_seed(3)
    drawing = heads.draw(heads.sample_identity(8, rng), heads.sample_state(8, rng), 128)
    return list((drawing.image.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy())


def test_a_payload_is_ours_and_names_its_model_alone() -> None:
    assert PAYLOAD >> 16 == OURS and 0 <= PAYLOAD < 1 << 32
    assert is_ours(PAYLOAD) and not is_ours(PAYLOAD ^ 1 << 31)
    assert names_model(PAYLOAD, MODEL) and not names_model(PAYLOAD, "fomm-vox")


def test_a_payload_never_changes() -> None:
    assert PAYLOAD == 0x444CBA2F  # of pictures that are already out in the world


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_mark_is_faint_and_read_with_certainty(height: int, width: int) -> None:
    frame = photo(height, width)
    before = frame.copy()
    watermarked = embed(frame, PAYLOAD)
    np.testing.assert_array_equal(frame, before)
    assert watermarked.shape == frame.shape and watermarked.dtype == np.uint8
    error = watermarked.astype(float) - frame
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 45
    reading = extract([watermarked])
    assert reading is not None and reading.payload == PAYLOAD and reading.certainty > 0.999


@pytest.mark.parametrize("low", [0, 1, 0x5555, 0xAAAA, 0x8000, 0xFFFF])
def test_every_bit_comes_back(low: int) -> None:
    payload = OURS << 16 | low
    assert payload_in(embed(photo(256, 256), payload)) == payload


def test_a_mark_that_is_not_ours_is_not_read() -> None:
    assert extract([embed(photo(256, 256), 0x1234ABCD)]) is None


def test_a_second_mark_replaces_the_first() -> None:
    other = payload_of("stargan-starter")
    assert payload_in(embed(embed(photo(256, 256), PAYLOAD), other)) == other


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("factor", [1.0, 0.8])
def test_small_labelled_heads_keep_it_when_resized_and_saved_again(drawn_heads, kind: str, factor: float) -> None:
    side = round(128 * factor)
    for head in drawn_heads:
        watermarked = embed(label(head), PAYLOAD)
        assert payload_in(resaved(resized(watermarked, side, side), kind)) == PAYLOAD


@pytest.mark.parametrize(("height", "width"), [(205, 205), (400, 400), (128, 300), (1000, 90)])
def test_the_size_need_not_be_known(height: int, width: int) -> None:
    assert payload_in(resized(embed(photo(256, 256), PAYLOAD), height, width)) == PAYLOAD


@pytest.mark.parametrize("gain", [0.85, 1.15])
def test_the_contrast_need_not_be_known(gain: float) -> None:
    dim = photo(256, 256) // 4 * 3  # so that nothing is clipped
    changed = np.rint(gain * embed(dim, PAYLOAD).astype(float))
    assert payload_in(changed.astype(np.uint8)) == PAYLOAD


def test_small_frames_of_a_clip_are_marked_more_strongly() -> None:
    for side, stronger in ((256, True), (512, False)):
        frame = photo(side, side)
        still, moving = embed(frame, PAYLOAD), embed(frame, PAYLOAD, moving=True)
        errors = [np.std(watermarked.astype(float) - frame) for watermarked in (still, moving)]
        assert bool(errors[1] > 1.2 * errors[0]) is stronger
        assert payload_in(moving) == PAYLOAD


def test_frames_that_say_too_little_alone_say_it_together(drawn_heads) -> None:
    rng = np.random.default_rng(0)
    heads_marked = [embed(head, PAYLOAD).astype(float) for head in drawn_heads * 2]
    grain = [resized(rng.normal(0, 12, (64, 64, 3)).astype(np.float32).mean(2), 128, 128) for _ in heads_marked]
    noisy = [
        np.clip(head + noise[..., None], 0, 255).astype(np.uint8)
        for head, noise in zip(heads_marked, grain, strict=True)
    ]
    assert sum(extract([frame]) is not None for frame in noisy) < len(noisy) / 2
    assert payload_in(*noisy) == PAYLOAD


def test_nothing_is_found_where_nothing_is() -> None:
    rng = np.random.default_rng(0)
    for name in ("astronaut", "coffee", "chelsea"):
        whole = getattr(skimage.data, name)()
        for _ in range(100):
            side = int(rng.integers(64, 250))
            top, left = (int(rng.integers(0, length - side)) for length in whole.shape[:2])
            assert extract([np.ascontiguousarray(whole[top : top + side, left : left + side])]) is None


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_picture_is_not_marked(level: int) -> None:
    assert extract([np.full((256, 256, 3), level, np.uint8)]) is None


def test_a_still_picture_shown_often_is_no_more_marked() -> None:
    assert extract([photo(128, 128)] * 30) is None


def test_frames_too_small_to_hold_it_stay_as_they_are() -> None:
    frame = photo(SMALLEST - 1, 200)
    np.testing.assert_array_equal(embed(frame, PAYLOAD), frame)
    assert extract([frame]) is None and extract([]) is None


@pytest.mark.parametrize("payload", [-1, 1 << 32])
def test_other_numbers_than_of_32_bits_are_refused(payload: int) -> None:
    with pytest.raises(ValueError, match=r"from 0 to 2\^32 - 1, got"):
        embed(photo(64, 64), payload)
