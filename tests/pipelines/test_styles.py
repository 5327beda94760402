"""StarGAN v2 from a request to finished files: styles, grids and interpolations; errors for invalid input."""

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from deepfake_core import StyleSynthesizer
from deepfake_core.errors import BadRequest, NoFaceFound, WeightsMissing
from deepfake_core.media.images import ImageLike, read_image
from deepfake_core.pipelines.events import Finished, Progress
from deepfake_core.pipelines.style_specs import Latent, Mixed, Reference, in_words
from deepfake_core.pipelines.styles import (
    GridRequest,
    InterpolationRequest,
    StyleRequest,
    draw_grid,
    interpolate,
    restyle,
)
from deepfake_core.pipelines.synthesizer import ease
from deepfake_core.pixels import from_batch, from_signed, to_batch, to_signed
from deepfake_core.provenance.label import label
from deepfake_core.provenance.verify import verify
from tests.media.clips import count_frames
from tests.provenance.declared import watermarked

GREY = np.full((200, 200, 3), 128, np.uint8)


@pytest.fixture
def synthesizer(home: Path) -> StyleSynthesizer:
    return StyleSynthesizer.from_pretrained("starganv2-afhq", "cpu")


@pytest.fixture
def faces(home: Path) -> StyleSynthesizer:
    return StyleSynthesizer.from_pretrained("starganv2-celeba-hq", "cpu")


@pytest.fixture
def other(square: np.ndarray) -> np.ndarray:
    return square[::-1, :, ::-1].copy()


def test_the_same_seed_gives_the_same_picture(home: Path, synthesizer: StyleSynthesizer, square: np.ndarray) -> None:
    again = StyleSynthesizer.from_pretrained("starganv2-afhq", "cpu")
    torch.manual_seed(99)  # torch's own generator has no say
    one, two = (maker.from_latent(square, domain="dog", seed=7) for maker in (synthesizer, again))
    np.testing.assert_array_equal(one, two)
    for domain, seed in (("dog", 8), ("cat", 7)):
        assert (synthesizer.style_from(seed, domain) != synthesizer.style_from(7, "dog")).any()
    latent = torch.randn(1, 4, generator=torch.Generator().manual_seed(7))
    mapped = synthesizer.network.mapping(latent, torch.tensor([1]))
    torch.testing.assert_close(synthesizer.style_from(7, "dog"), mapped[0])


def test_truncation_pulls_towards_the_mean(synthesizer: StyleSynthesizer) -> None:
    full, half, none = (synthesizer.style_from(7, "cat", truncation=psi) for psi in (1.0, 0.5, 0))
    torch.testing.assert_close(none, synthesizer.style_from(8, "cat", truncation=0))
    torch.testing.assert_close(half, (full + none) / 2)
    assert (none != synthesizer.style_from(7, "dog", truncation=0)).any()
    for bad in (-0.1, 1.5, float("nan")):
        with pytest.raises(BadRequest, match="truncation"):
            synthesizer.style_from(7, "cat", truncation=bad)
    with pytest.raises(BadRequest, match="got -1"):
        synthesizer.style_from(-1, "cat")


def test_a_reference_gives_its_style_in_its_domain(
    synthesizer: StyleSynthesizer, square: np.ndarray, other: np.ndarray
) -> None:
    images = (to_signed(to_batch([picture], synthesizer.device)) for picture in (square, other))
    source, reference = images
    style = synthesizer.network.style_encoder(reference, torch.tensor([2]))
    expected = from_batch(from_signed(synthesizer.network.generator(source, style)))[0]
    made = synthesizer.from_reference(square, other, domain="wild")
    assert np.abs(made.astype(int) - expected).max() <= 1
    with pytest.raises(BadRequest, match=r"'lion'.*cat, dog, wild"):
        synthesizer.from_reference(square, other, domain="lion")


def test_masks_come_from_the_landmarks(faces: StyleSynthesizer, square: np.ndarray) -> None:
    assert faces.landmarks is not None
    image, style = to_signed(to_batch([square], faces.device)), faces.style_from(1, "male")
    expected = faces.network.generator(image, style[None], faces.landmarks.masks(image))
    made = faces.from_style(square, style, crop="none")
    assert np.abs(made.astype(int) - from_batch(from_signed(expected))[0]).max() <= 1


def test_weights_with_masks_need_the_landmarks_network(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("starganv2-celeba-hq", "starganv2-afhq"):
        shutil.copy(home / f"{name}.safetensors", tmp_path)
    assert StyleSynthesizer.from_pretrained(None, "cpu").name == "starganv2-celeba-hq"
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path))
    with pytest.raises(WeightsMissing, match="fan-wing"):
        StyleSynthesizer.from_pretrained("starganv2-celeba-hq", "cpu")
    assert StyleSynthesizer.from_pretrained(None, "cpu").name == "starganv2-afhq"  # the best that works


def test_the_interpolation_is_continuous(synthesizer: StyleSynthesizer, square: np.ndarray) -> None:
    """It starts and ends with the two styles, and no step exceeds 1.5 times an even one."""
    start, end = (synthesizer.style_from(seed, "dog") for seed in (1, 2))
    frames = list(synthesizer.between(square, start, end, 9))
    np.testing.assert_array_equal(frames[0], synthesizer.from_style(square, start))
    assert np.abs(frames[-1].astype(int) - synthesizer.from_style(square, end)).max() <= 1
    shares = np.array([ease(step / 8) for step in range(9)])
    assert shares[0] == 0 and shares[-1] == 1 and (np.diff(shares) > 0).all() and np.diff(shares).max() <= 1.5 / 8
    steps = [np.abs(a.astype(int) - b).mean() for a, b in pairwise(frames)]
    assert max(steps) <= 0.5 * sum(steps)
    with pytest.raises(BadRequest, match="2 frames"):
        list(synthesizer.between(square, start, end, 1))


def test_the_grid_holds_every_source_in_every_style(
    synthesizer: StyleSynthesizer, square: np.ndarray, other: np.ndarray, tmp_path: Path
) -> None:
    grid, size = synthesizer.grid([square, other], [other, square, other], "cat"), synthesizer.size
    assert grid.shape == (3 * size, 4 * size, 3) and (grid[:size, :size] == 255).all()
    np.testing.assert_array_equal(grid[:size, size : 2 * size], other)
    np.testing.assert_array_equal(grid[2 * size :, :size], other)
    cell = synthesizer.from_reference(other, square, domain="cat")
    np.testing.assert_array_equal(grid[2 * size :, 2 * size : 3 * size], cell)
    styles = tuple(Reference(image=picture, domain="cat") for picture in (other, square, other))
    request = GridRequest(sources=(square, other), styles=styles, output=tmp_path / "grid.png", label=False)
    *steps, done = draw_grid(synthesizer, request)
    assert isinstance(done, Finished) and len(steps) == 6
    np.testing.assert_array_equal(read_image(done.path), watermarked(grid, synthesizer.name))
    assert [file.role for file in done.files] == ["result"] and [file.name for file in tmp_path.iterdir()] == [
        "grid.png"
    ]


def test_cells_of_a_grid_are_files_of_their_own(
    synthesizer: StyleSynthesizer, square: np.ndarray, portrait: Path, tmp_path: Path
) -> None:
    styles = (Reference(image=portrait, domain="cat"), Latent(seed=3, domain="dog"))
    request = GridRequest(sources=(square, portrait), styles=styles, output=tmp_path / "grid.png", cells=True)
    *steps, done = draw_grid(synthesizer, request)
    assert isinstance(done, Finished) and done.path == tmp_path / "grid.png"
    cells = [file for step in steps if isinstance(step, Progress) for file in step.files]
    assert done.of("cell") == tuple(cells)
    assert [cell.caption for cell in cells] == [
        "1: amara as cat, source 1",
        "2: seed 3, source 1",
        "1: amara as cat, source 2",
        "2: seed 3, source 2",
    ]
    made_of = (([square, portrait], [square]), ([portrait, portrait], [portrait]))
    sources: tuple[ImageLike, ...] = (square, portrait)
    for row, source in enumerate(sources):
        drawn = (
            synthesizer.from_reference(source, portrait, domain="cat"),
            synthesizer.from_latent(source, domain="dog", seed=3),
        )
        for column, image in enumerate(drawn):
            path = cells[2 * row + column].path
            np.testing.assert_array_equal(read_image(path), watermarked(label(image), synthesizer.name))
            credential = verify(path).credential
            assert credential and len(credential.inputs) == len(made_of[row][column])
    assert [in_words(style) for style in (styles[1], Mixed(start=styles[0], end=styles[1], share=1))] == [
        "seed 3",
        "interpolated style",
    ]


def test_a_strip_of_seeds(synthesizer: StyleSynthesizer, square: np.ndarray, tmp_path: Path) -> None:
    styles = tuple(Latent(seed=seed, domain="dog") for seed in range(4))
    request = GridRequest(sources=(square,), styles=styles, output=tmp_path / "strip.png", label=False)
    *_, done = draw_grid(synthesizer, request)
    row = [square, *(synthesizer.from_latent(square, domain="dog", seed=seed) for seed in range(4))]
    assert isinstance(done, Finished)
    np.testing.assert_array_equal(read_image(done.path), watermarked(np.hstack(row), synthesizer.name))


def test_one_picture_and_a_share_of_two_styles(
    synthesizer: StyleSynthesizer, square: np.ndarray, other: np.ndarray, tmp_path: Path
) -> None:
    start, end = Latent(seed=1, domain="cat"), Reference(image=other, domain="dog")
    for share, alone in ((0, start), (1.0, end)):
        mixed = Mixed(start=start, end=end, share=share)
        images = []
        for style in (mixed, alone):
            *_, done = restyle(
                synthesizer, StyleRequest(source=square, style=style, output=tmp_path / "o.png", label=False)
            )
            images.append(read_image(done.path))  # type: ignore[union-attr]
        assert np.abs(images[0].astype(int) - images[1]).max() <= 1
    wide = np.pad(square, ((0, 0), (64, 64), (0, 0)))
    request = StyleRequest(source=wide, style=start, output=tmp_path / "o.png", paste_back=True, label=False)
    *_, done = restyle(synthesizer, request)
    pasted = synthesizer.cropped(wide).paste(synthesizer.from_latent(wide, domain="cat", seed=1))
    assert not pasted[:, :60].any() and pasted.shape == wide.shape
    np.testing.assert_array_equal(read_image(done.path), watermarked(pasted, synthesizer.name))  # type: ignore[union-attr]


def test_an_interpolation_becomes_a_video(synthesizer: StyleSynthesizer, square: np.ndarray, tmp_path: Path) -> None:
    start, end = Latent(seed=1, domain="cat"), Latent(seed=2, domain="dog")
    ends: dict[str, Any] = {"source": square, "start": start, "end": end}
    request = InterpolationRequest(**ends, output=tmp_path / "o.mp4", steps=4, and_back=True)
    *steps, done = interpolate(synthesizer, request)
    assert isinstance(done, Finished) and count_frames(done.path) == len(steps) == 8
    assert [(step.done, step.total, step.unit) for step in steps if isinstance(step, Progress)] == [
        (number, 8, "frame") for number in range(1, 9)
    ]
    stopped = interpolate(synthesizer, InterpolationRequest(**ends, output=tmp_path / "stopped.mp4"))
    assert isinstance(next(stopped), Progress)
    stopped.close()  # type: ignore[attr-defined]
    assert [file.name for file in tmp_path.iterdir()] == ["o.mp4"]
    for changes, word in (({"output": None}, r"result\.mp4"), ({"steps": 1}, "2 to"), ({"output": "o.avi"}, r"o\.avi")):
        fields = {**ends, "output": tmp_path / "o.mp4", **changes}
        with pytest.raises(BadRequest, match=word):
            list(interpolate(synthesizer, InterpolationRequest(**fields)))


def test_the_frames_of_an_interpolation_lead_there_and_back(
    synthesizer: StyleSynthesizer, square: np.ndarray, tmp_path: Path
) -> None:
    start, end = Latent(seed=1, domain="cat"), Latent(seed=2, domain="dog")
    request = InterpolationRequest(
        source=square, start=start, end=end, output=tmp_path / "frames", steps=3, and_back=True, label=False
    )
    *_, done = interpolate(synthesizer, request)
    assert isinstance(done, Finished)
    frames = [read_image(path) for path in sorted(done.path.iterdir())]
    for frame, style in ((frames[0], start), (frames[2], end), (frames[3], end), (frames[5], start)):
        made = synthesizer.from_latent(square, domain=style.domain, seed=style.seed)
        assert np.abs(frame.astype(int) - watermarked(made, synthesizer.name)).max() <= 1


def test_a_picture_without_a_face_is_named(faces: StyleSynthesizer, portrait: Path, tmp_path: Path) -> None:
    grey = tmp_path / "grey.png"
    shutil.copy(portrait, grey)
    with pytest.raises(NoFaceFound, match="the reference"):
        faces.from_reference(portrait, GREY, domain="female")
    style = Latent(seed=1, domain="female")
    with pytest.raises(NoFaceFound, match="the source"):
        list(restyle(faces, StyleRequest(source=GREY, style=style, output=tmp_path / "o.png")))
    references = (Reference(image=portrait, domain="male"), Reference(image=GREY, domain="male"))
    with pytest.raises(NoFaceFound, match="reference 2"):
        list(draw_grid(faces, GridRequest(sources=(portrait,), styles=references, output=tmp_path / "o.png")))
    assert not (tmp_path / "o.png").exists()


def test_grids_that_make_no_sense(synthesizer: StyleSynthesizer, square: np.ndarray, tmp_path: Path) -> None:
    one = Latent(seed=1, domain="cat")
    for sources, styles, word in (((), (one,), "source"), ((square,), (), "1 to 6"), ((square,), (one,) * 7, "1 to 6")):
        with pytest.raises(BadRequest, match=word):
            list(draw_grid(synthesizer, GridRequest(sources=sources, styles=styles, output=tmp_path / "o.png")))
    with pytest.raises(BadRequest, match="at least one"):
        synthesizer.grid([], [square], "cat")
