"""Every way out of the program that needs no browser ends in a file that says what it is."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import deepfake_core
from deepfake_core.cli import main
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Whole
from deepfake_core.pipelines.animation import AnimationRequest, animate
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.style_specs import Latent, Mixed, Reference
from deepfake_core.pipelines.styles import (
    GridRequest,
    InterpolationRequest,
    StyleRequest,
    draw_grid,
    interpolate,
    restyle,
)
from deepfake_core.pipelines.synthesizer import StyleSynthesizer
from deepfake_core.provenance.origin import Input
from deepfake_core.provenance.verify import Verification, verify
from tests.pipelines.conftest import EXAMPLES, animator, home, portrait, singer, tiny_weights, translators_home
from tests.provenance.declared import assert_declared

__all__ = ["animator", "home", "portrait", "singer", "tiny_weights", "translators_home"]
PORTRAIT = EXAMPLES / "portraits" / "amara.png"
OTHER = EXAMPLES / "portraits" / "mei.png"


def hashes(*sources: Path) -> tuple[str, ...]:
    """What the credential says of these files."""
    return tuple(f"{Input.from_source(source).sha256} (file)" for source in sources)


def finish(events: Iterable[object]) -> None:
    for _ in events:
        pass


def made_from(found: Verification) -> tuple[str, ...]:
    assert found.credential
    return found.credential.inputs


def action(found: Verification) -> str:
    assert found.credential
    return found.credential.action


# The command line


def run(command: str, tmp_path: Path) -> None:
    words = {"PORTRAIT": str(PORTRAIT), "OTHER": str(OTHER)}
    assert main([words.get(word, word).replace("OUT", str(tmp_path / "out")) for word in command.split()]) == 0


@pytest.mark.parametrize("label", [True, False])
@pytest.mark.parametrize("output", ["out.mp4", "frames"])
def test_animate(
    output: str, label: bool, tiny_weights: Path, singer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    extra = "--paste-back --side-by-side beside.mp4" if output == "out.mp4" and label else ""
    command = f"animate PORTRAIT {singer} -o {output} --model {tiny_weights} {extra} --{'' if label else 'no-'}label"
    run(command, tmp_path)
    if output == "frames":  # some of them: looking at one takes half a second
        for frame in sorted((tmp_path / "frames").iterdir())[3:]:
            frame.unlink()
    found = assert_declared(tmp_path / output, model="tiny", label=label)
    assert made_from(found) == hashes(PORTRAIT, singer) and action(found) == "c2pa.created"
    if extra:
        assert_declared(tmp_path / "beside.mp4", model="tiny")


@pytest.mark.parametrize(
    ("command", "outputs", "model", "label"),
    [
        ("translate PORTRAIT -o OUT.png --back --crop none", ["out.png", "out-back.png"], "cyclegan-horse2zebra", True),
        ("translate PORTRAIT -o OUT.jpg --paste-back", ["out.jpg"], "cyclegan-horse2zebra", True),
        ("translate PORTRAIT -o OUT.webp --crop whole --no-label", ["out.webp"], "cyclegan-horse2zebra", False),
        (
            "attributes PORTRAIT -o OUT.png --set Male=0 --strip",
            ["out.png", "out-strip.png"],
            "stargan-celeba-128",
            True,
        ),
        ("attributes PORTRAIT -o OUT.png --set Male=0 --paste-back", ["out.png"], "stargan-celeba-128", True),
        ("style PORTRAIT --domain male --seed 7 -o OUT.png", ["out.png"], "starganv2-celeba-hq", True),
        (
            "style PORTRAIT --domain male --seed 7 -o OUT.png --paste-back --no-label",
            ["out.png"],
            "starganv2-celeba-hq",
            False,
        ),
    ],
)
def test_edits_of_a_picture(
    command: str, outputs: list[str], model: str, label: bool, home: Path, tmp_path: Path
) -> None:
    run(f"{command} --model {model}", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(outputs)
    for name in outputs:
        found = assert_declared(tmp_path / name, model=model, label=label)
        assert made_from(found) == hashes(PORTRAIT) and action(found) == "c2pa.edited"


@pytest.mark.parametrize(
    ("command", "output", "sources"),
    [
        ("style PORTRAIT --domain male --reference OTHER -o OUT.png", "out.png", (PORTRAIT, OTHER)),
        ("style PORTRAIT OTHER --domain male --seed 1 --seed 2 -o OUT.png", "out.png", (PORTRAIT, OTHER)),
        (
            "style PORTRAIT --domain male --reference OTHER --reference OTHER -o OUT.png",
            "out.png",
            (PORTRAIT, OTHER, OTHER),
        ),
        ("style PORTRAIT --domain male --seed 1 --to-seed 2 --frames 3 -o OUT.mp4", "out.mp4", (PORTRAIT,)),
        ("style PORTRAIT --domain male --seed 1 --to-reference OTHER --frames 3 -o OUT.png", "out", (PORTRAIT, OTHER)),
    ],
)
def test_styles(command: str, output: str, sources: tuple[Path, ...], home: Path, tmp_path: Path) -> None:
    run(f"{command} --model starganv2-celeba-hq", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [output]
    assert made_from(assert_declared(tmp_path / output, model="starganv2-celeba-hq")) == hashes(*sources)


def test_a_folder_of_pictures(home: Path, tmp_path: Path) -> None:
    run(f"translate {PORTRAIT} {OTHER} -o OUT --model cyclegan-horse2zebra", tmp_path)
    for source in (PORTRAIT, OTHER):
        found = assert_declared(tmp_path / "out" / source.name, model="cyclegan-horse2zebra")
        assert made_from(found) == hashes(source)


# Python


def test_save(home: Path, tmp_path: Path) -> None:
    image = np.asarray(Image.open(PORTRAIT))
    for name in ("a.png", "a.jpg", "a.webp"):
        path = deepfake_core.save(image, tmp_path / name, model="stargan-celeba-128", sources=[PORTRAIT])
        assert path == tmp_path / name
        found = assert_declared(path, model="stargan-celeba-128")
        assert made_from(found) == hashes(PORTRAIT) and found.credential
        assert (
            found.credential.weights_sha256 == (home / "stargan-celeba-128.safetensors.sha256").read_text().split()[0]
        )
    bare = assert_declared(deepfake_core.save(image, tmp_path / "b.png", model="my own"), model="my own")
    assert made_from(bare) == () and action(bare) == "c2pa.created"
    pixels = deepfake_core.save(image, tmp_path / "c.png", model="my own", sources=[image, Image.open(PORTRAIT)])
    assert made_from(verify(pixels)) == (f"{Input.from_source(image).sha256} (pixels)",) * 2


def test_save_video(singer: Path, tmp_path: Path) -> None:
    image = np.asarray(Image.open(PORTRAIT))[:256, :256]
    frames = [np.roll(image, shift, axis=1) for shift in range(6)]
    path = deepfake_core.save_video(frames, tmp_path / "a.mp4", model="my own", rate=12.5, sound_from=singer)
    assert_declared(path, model="my own")
    assert_declared(deepfake_core.save_video(frames[:2], tmp_path / "walk", model="my own"), model="my own")
    for rate in (0, -1, 1000, float("nan"), Fraction(0)):
        with pytest.raises(BadRequest, match="rate"):
            deepfake_core.save_video(frames, tmp_path / "b.mp4", model="my own", rate=rate)


def test_pictures_without_a_file_are_known_by_their_pixels(
    animator: ImageAnimator, portrait: Path, tmp_path: Path
) -> None:
    face = np.asarray(Image.open(portrait))
    request = AnimationRequest(
        source=face, driving=[face, face[::-1]], output=tmp_path / "a.mp4", source_crop=Whole(), driving_crop=Whole()
    )
    finish(animate(animator, request))
    found = assert_declared(tmp_path / "a.mp4", model="tiny")
    assert made_from(found) == (f"{Input.from_source(face).sha256} (pixels)",)


def test_style_requests(home: Path, tmp_path: Path) -> None:
    synthesizer = StyleSynthesizer.from_pretrained("starganv2-celeba-hq", "cpu")
    latent, reference = Latent(seed=1, domain="male"), Reference(image=OTHER, domain="male")
    mixed = Mixed(start=reference, end=latent, share=0.5)
    out = tmp_path / "a.png"
    finish(restyle(synthesizer, StyleRequest(source=PORTRAIT, style=mixed, output=out)))
    assert made_from(assert_declared(out, model="starganv2-celeba-hq")) == hashes(PORTRAIT, OTHER)
    finish(draw_grid(synthesizer, GridRequest(sources=(PORTRAIT,), styles=(latent, mixed), output=out, label=False)))
    assert action(assert_declared(out, model="starganv2-celeba-hq", label=False)) == "c2pa.created"
    video = tmp_path / "a.mp4"
    ends: dict[str, Any] = {"source": PORTRAIT, "start": latent, "end": mixed}
    finish(interpolate(synthesizer, InterpolationRequest(**ends, output=video, steps=2, paste_back=True)))
    assert_declared(video, model="starganv2-celeba-hq")


# Who runs the program


def test_only_the_label_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_LABEL", "off")
    image = np.asarray(Image.open(PORTRAIT))
    assert_declared(deepfake_core.save(image, tmp_path / "a.png", model="my own"), model="my own", label=False)
