"""Limits of a run: pixels, memory, time. Events contain files but no pixels."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepfake_core import AttributeEditor, CycleTranslator, StyleSynthesizer
from deepfake_core.deadline import Deadline
from deepfake_core.errors import MediaTooLarge, TookTooLong
from deepfake_core.faces import Whole
from deepfake_core.media.images import read_image
from deepfake_core.pipelines import cropped, image_batch
from deepfake_core.pipelines.attributes import AttributesRequest, edit
from deepfake_core.pipelines.events import Finished
from deepfake_core.pipelines.style_specs import Latent
from deepfake_core.pipelines.styles import (
    GridRequest,
    InterpolationRequest,
    StyleRequest,
    draw_grid,
    interpolate,
    restyle,
)
from deepfake_core.pipelines.translation import TranslationRequest, translate
from tests.media.test_limits import png

LARGE = (2600, 2000)
STYLES = (Latent(seed=1, domain="cat"), Latent(seed=2, domain="dog"))


@pytest.fixture
def large(tmp_path: Path) -> tuple[Path, ...]:
    """Two pictures of 5.2 million pixels in a few kilobytes."""
    paths = tmp_path / "one.png", tmp_path / "two.png"
    for path in paths:
        path.write_bytes(png(*LARGE))
    return paths


def translating(home: Path, sources: tuple[Path, ...], output: Path, deadline: Deadline) -> Iterator[Any]:
    request = TranslationRequest(sources=sources, output=output, paste_back=True, back=True, max_pixels=9_000_000)
    return translate(CycleTranslator.from_pretrained("cyclegan-horse2zebra", "cpu"), request, deadline)


def editing(home: Path, sources: tuple[Path, ...], output: Path, deadline: Deadline) -> Iterator[Any]:
    request = AttributesRequest(sources=sources, output=output, crop=Whole(), paste_back=True, max_pixels=9_000_000)
    return edit(AttributeEditor.from_pretrained("stargan-celeba-128", "cpu"), request, deadline)


def drawing(home: Path, sources: tuple[Path, ...], output: Path, deadline: Deadline) -> Iterator[Any]:
    request = GridRequest(sources=sources, styles=STYLES, output=output / "grid.png", max_pixels=9_000_000)
    return draw_grid(StyleSynthesizer.from_pretrained("starganv2-afhq", "cpu"), request, deadline)


RUNS = (translating, editing, drawing)
Run = Callable[[Path, tuple[Path, ...], Path, Deadline], Iterator[Any]]
FAR = Deadline.after(10_000)


def arrays(value: object) -> Iterator[np.ndarray]:
    """Every array that an event references."""
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from arrays(getattr(value, field.name))
    elif isinstance(value, dict):
        yield from arrays(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from arrays(part)


@pytest.mark.parametrize("run", RUNS)
def test_events_hold_no_pixels(home: Path, large: tuple[Path, ...], tmp_path: Path, run: Run) -> None:
    (tmp_path / "out").mkdir()
    for event in run(home, large[:1], tmp_path / "out", FAR):
        assert list(arrays(event)) == []


def test_events_of_styles_hold_no_pixels(home: Path, large: tuple[Path, ...], tmp_path: Path) -> None:
    synthesizer = StyleSynthesizer.from_pretrained("starganv2-afhq", "cpu")
    single = StyleRequest(source=large[0], style=STYLES[0], output=tmp_path / "single.png", paste_back=True)
    start, end = STYLES
    video = InterpolationRequest(
        source=large[0], start=start, end=end, output=tmp_path / "o.mp4", steps=2, paste_back=True
    )
    for events in (restyle(synthesizer, single), interpolate(synthesizer, video)):
        for event in events:
            assert list(arrays(event)) == []


def test_a_source_that_is_shown_is_small(home: Path, large: tuple[Path, ...], tmp_path: Path) -> None:
    request = TranslationRequest(sources=large[:1], output=tmp_path / "o.png", paste_back=True, with_source=True)
    *_, done = translate(CycleTranslator.from_pretrained("cyclegan-horse2zebra", "cpu"), request)
    assert isinstance(done, Finished)
    assert read_image(done.of("source")[0].path).shape == (985, cropped.MAX_SHOWN_SIDE, 3)


def test_what_is_pasted_back_is_bounded(
    home: Path, large: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    first, *_ = translating(home, large[:1], tmp_path / "out", FAR)
    assert read_image(first.files[0].path).shape == (1182, 1536, 3)
    monkeypatch.setenv("DEEPFAKE_PASTED_SIDE", "4000")
    first, *_ = translating(home, large[:1], tmp_path / "out", FAR)
    assert read_image(first.files[0].path).shape == (LARGE[1], LARGE[0], 3)


@pytest.mark.parametrize("run", RUNS)
def test_too_many_pixels_together_are_refused_before_any_is_decoded(
    home: Path, large: tuple[Path, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setattr(cropped, "read_image", None)  # decoding would be an error
    (tmp_path / "out").mkdir()
    with pytest.raises(MediaTooLarge, match=r"2 pictures have 10\.4 million pixels and the limit of one run is 9 mill"):
        list(run(home, large, tmp_path / "out", FAR))


def test_pictures_that_cannot_exceed_the_limit_are_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_PICTURE_PIXELS", "1000000")
    image_batch.check_pixels(("no such file.png",) * 3, 3_000_000)
    image_batch.check_pixels([np.zeros((10, 10, 3), np.uint8)] * 4, 3_000_000)
    with pytest.raises(MediaTooLarge, match="4 pictures have 4 million"):
        image_batch.check_pixels([np.zeros((1000, 1000, 3), np.uint8)] * 4, 3_000_000)


@pytest.mark.parametrize("run", RUNS)
def test_a_run_of_pictures_ends_at_its_deadline(home: Path, portrait: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(TookTooLong):
        list(run(home, (portrait, portrait), tmp_path / "out", Deadline.after(0)))


GROWTH = """
import sys
from pathlib import Path
from deepfake_core import CycleTranslator
from deepfake_core.pipelines.translation import TranslationRequest, translate

def memory(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))

def run(*names):
    folder = Path(sys.argv[1])
    sources = tuple(folder / name for name in names)
    list(translate(translator, TranslationRequest(sources=sources, output=folder / "out", paste_back=True)))

translator = CycleTranslator.from_pretrained("cyclegan-horse2zebra", "cpu")
run("small.png")
rest = memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
run(*["huge.png"] * int(sys.argv[2]))
print(memory("VmHWM") - rest)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.timeout(900)
def test_several_huge_pictures_take_little_memory(home: Path, tmp_path: Path) -> None:
    side = 5000  # 25 million pixels, 75 MB as RGB: five of them kept, or one pasted back whole, would be too many
    Image.new("RGB", (200, 200)).save(tmp_path / "small.png")
    (tmp_path / "huge.png").write_bytes(png(side, side))
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, str(tmp_path), "5"], capture_output=True, check=True, text=True
    )
    assert int(done.stdout) < 300_000  # kB
