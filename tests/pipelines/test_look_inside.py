"""What the looks inside show is what the networks compute."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from deepfake_core.deadline import Deadline
from deepfake_core.errors import BadRequest, TookTooLong
from deepfake_core.networks import starganv2
from deepfake_core.pipelines import attributes_insight, styles_insight, translation_insight
from deepfake_core.pipelines.attributes import AttributesRequest
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.events import Finished
from deepfake_core.pipelines.style_specs import Latent, Reference
from deepfake_core.pipelines.styles import GridRequest
from deepfake_core.pipelines.styles_inspection import affine, decoded, inspect, mix
from deepfake_core.pipelines.synthesizer import StyleSynthesizer
from deepfake_core.pipelines.translation import TranslationRequest
from deepfake_core.pipelines.translator import CycleTranslator
from deepfake_core.pixels import from_batch, from_signed
from deepfake_core.provenance.verify import verify

from .conftest import EXAMPLES, SIZE

HAS = {"Black_Hair": True, "Blond_Hair": False, "Brown_Hair": False, "Male": False, "Young": True}
WANTED = HAS | {"Black_Hair": False, "Blond_Hair": True}


def pixels_of(image: torch.Tensor) -> np.ndarray:
    return from_batch(from_signed(image[None]))[0]


def signed(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / 127.5 - 1


def finished(events: Iterator[Finished]) -> Finished:
    (done,) = events
    return done


@pytest.fixture
def translator(home: Path) -> CycleTranslator:
    return CycleTranslator.from_pretrained("cyclegan-horse2zebra", "cpu")


@pytest.fixture
def editor(home: Path) -> AttributeEditor:
    return AttributeEditor.from_pretrained("stargan-celeba-128", "cpu")


@pytest.fixture(params=["starganv2-celeba-hq", "starganv2-afhq"])
def synthesizer(home: Path, request: pytest.FixtureRequest) -> StyleSynthesizer:
    return StyleSynthesizer.from_pretrained(request.param, "cpu")


def test_cyclegan_shows_there_and_back_and_the_identity(translator: CycleTranslator, square: np.ndarray) -> None:
    seen = translation_insight.inspect(translator, square)
    (cycle,) = translator.there_and_back([square])
    assert seen.back is not None and seen.kept is not None and translator.reverse is not None
    np.testing.assert_array_equal(pixels_of(seen.translated), cycle.translated)
    np.testing.assert_array_equal(pixels_of(seen.back), cycle.back)
    backwards = CycleTranslator.from_pretrained("cyclegan-zebra2horse", "cpu")
    np.testing.assert_array_equal(pixels_of(seen.kept), backwards.render([square])[0])
    facts = {name: value for one in translation_insight.drawn(seen).values() for name, value in one.facts.items()}
    x = signed(square)
    arrays = {"change": seen.translated, "cycle": seen.back, "identity": seen.kept}
    for name, image in arrays.items():
        assert facts[name] == pytest.approx(np.abs(image.numpy().transpose(1, 2, 0) - x).mean(), abs=1e-6)
    assert facts["cycle"] == pytest.approx(cycle.error, abs=1e-6)


def test_a_discriminator_scores_patches_of_the_picture_and_of_the_result() -> None:
    """The starters keep theirs: a horse is no zebra, and what the generator makes of it passes for one more often."""
    starter = CycleTranslator.from_pretrained("cyclegan-starter-horse2zebra", "cpu", precision="float32")
    horses = sorted((EXAMPLES / "fields").glob("horse*.png"))[:3]
    for horse in horses:
        pixels = starter.cropped(horse).pixels
        seen = translation_insight.inspect(starter, pixels)
        judge = starter.discriminator()
        assert seen.scores is not None and judge is not None and seen.patch == judge.config.field == 70
        assert_close(seen.scores[1], judge(seen.translated[None])[0, 0], atol=1e-3, rtol=0)
        facts = translation_insight.drawn(seen)["patches"].facts
        assert facts["after"] > facts["before"]


def test_no_discriminator_no_scores(translator: CycleTranslator, square: np.ndarray) -> None:
    seen = translation_insight.inspect(translator, square)
    assert translator.discriminator() is None and seen.scores is None
    assert "patches" not in translation_insight.drawn(seen)


def test_cyclegan_without_the_way_back_shows_the_way_there(home: Path, face: np.ndarray, tmp_path: Path) -> None:
    alone = CycleTranslator.from_pretrained("cyclegan-style_vangogh", "cpu")
    asked = TranslationRequest(sources=(face,))
    request = translation_insight.TranslationInsightRequest(translation=asked, output=tmp_path)
    done = finished(translation_insight.look_inside(alone, request))
    assert [file.caption for file in done.files] == ["cycle"] and "No weights are known" in done.notes[0]


def test_stargan_shows_each_flip_the_planes_and_the_classes(editor: AttributeEditor, square: np.ndarray) -> None:
    seen = attributes_insight.inspect(editor, square, HAS, WANTED)
    flips = editor.flip_pixels(square, HAS)
    for changed, flip in zip(seen.changed, flips.values(), strict=True):
        np.testing.assert_array_equal(pixels_of(changed), flip)
    np.testing.assert_array_equal(pixels_of(seen.edited), editor.render([square], [WANTED])[0])
    assert seen.planes.tolist() == [0, 1, 0, 0, 1]  # the published weights get the wanted attributes
    with torch.inference_mode():
        again = editor.network(seen.edited[None], editor.labels([HAS]))[0].clamp(-1, 1)
    torch.testing.assert_close(seen.restored, again)
    read = editor.read_pixels([square])[0]
    assert seen.before is not None and seen.before.tolist() == pytest.approx(list(read.values()))
    facts = attributes_insight.drawn(editor, seen, HAS, certain=True)["back"].facts
    lost = np.abs(seen.restored.numpy() - signed(square).transpose(2, 0, 1)).mean()
    assert facts["reconstruction"] == pytest.approx(lost, abs=1e-6)


def test_relative_weights_get_the_change_of_each_attribute(editor: AttributeEditor, square: np.ndarray) -> None:
    editor.network.config = replace(editor.network.config, relative=True, strengths=(2.0,) * 5)
    shown = editor.read_pixels([square])[0]
    wanted = {name: share <= 0.5 for name, share in shown.items()}  # everything changes
    seen = attributes_insight.inspect(editor, square, HAS, wanted)
    assert seen.planes.tolist() == [2.0 if wanted[name] else -2.0 for name in editor.attributes]


def test_an_edit_that_changes_nothing_shows_the_largest_change(
    editor: AttributeEditor, portrait: Path, tmp_path: Path
) -> None:
    request = attributes_insight.AttributesInsightRequest(edit=AttributesRequest(sources=(portrait,)), output=tmp_path)
    done = finished(attributes_insight.look_inside(editor, request))
    assert {file.caption for file in done.files} == {"changes", "planes", "back", "classes"}


def test_stargan_without_a_discriminator_shows_no_classes(home: Path, portrait: Path, tmp_path: Path) -> None:
    blind = AttributeEditor.from_pretrained("stargan-celeba-256", "cpu")
    asked = AttributesRequest(sources=(portrait,), changes=WANTED)
    request = attributes_insight.AttributesInsightRequest(edit=asked, output=tmp_path)
    done = finished(attributes_insight.look_inside(blind, request))
    assert {file.caption for file in done.files} == {"changes", "planes", "back"}


def test_mixing_all_layers_from_one_style_is_that_style(synthesizer: StyleSynthesizer, square: np.ndarray) -> None:
    styles = [synthesizer.style_from(seed, synthesizer.domains[0]) for seed in (1, 2)]
    source = synthesizer.source(square)
    first, second = synthesizer.render(source, styles)
    blocks = len(synthesizer.network.generator.decoder)
    for count, expected in ((blocks, first), (0, second)):
        (made,) = decoded(synthesizer, source, mix(styles[0], styles[1], blocks, count)[None])
        assert np.abs(pixels_of(made).astype(int) - expected).max() <= 1
    seen = inspect(synthesizer, source, styles)
    assert 0 not in seen.mixed and blocks not in seen.mixed
    assert all((one - end).abs().max() > 0.01 for pair in seen.mixed.values() for one in pair for end in seen.plain)


def test_a_mix_has_the_coarse_style_in_its_first_blocks() -> None:
    coarse, fine = torch.ones(3), torch.zeros(3)
    assert mix(coarse, fine, 4, 1)[:, 0].tolist() == [1, 0, 0, 0]
    assert mix(coarse, fine, 4, 4).min() == 1 and mix(coarse, fine, 4, 0).max() == 0


def test_the_scales_and_shifts_are_those_of_adaptive_instance_norm(
    synthesizer: StyleSynthesizer, square: np.ndarray
) -> None:
    style = synthesizer.style_from(3, synthesizer.domains[0])[None]
    block = synthesizer.network.generator.decoder[0]
    assert isinstance(block, starganv2.StyledResidual)
    norm = block.norm1
    x = torch.randn(1, norm.affine.out_features // 2, 8, 8)
    gamma, beta = next(affine(synthesizer, style))[0]
    centred = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()
    expected = (1 + gamma)[:, None, None] * centred + beta[:, None, None]
    torch.testing.assert_close(norm(x, style), expected, atol=1e-5, rtol=1e-4)


def test_styles_disagree_from_not_at_all_to_completely() -> None:
    one = torch.tensor([1.0, -2.0, 3.0])
    assert styles_insight.disagreement(one, one) == 0 and styles_insight.disagreement(one, -one) == 1
    assert styles_insight.disagreement(one, 3 * one) == pytest.approx(0.5)


def test_the_mask_blends_what_is_painted_with_the_source(square: np.ndarray) -> None:
    torch.manual_seed(0)
    config = starganv2.StarGanV2Config(
        size=SIZE, base=8, widest=16, style=8, latent=4, mapping_hidden=16, high_pass=0.0, blend=True
    )
    small = StyleSynthesizer(
        starganv2.StarGanV2(config).eval(), None, name="small", about="", device=torch.device("cpu"), subject="face"
    )
    styles = [small.style_from(seed, "male") for seed in (1, 2)]
    seen = inspect(small, small.source(square), styles)
    assert seen.blend is not None and seen.kept is None
    mask, colours = seen.blend
    blended = (mask * colours + (1 - mask) * seen.image).clamp(-1, 1)
    torch.testing.assert_close(blended, seen.plain[0], atol=1e-4, rtol=0)


def test_stargan_v2_shows_what_its_weights_have(synthesizer: StyleSynthesizer, portrait: Path, tmp_path: Path) -> None:
    styles = (Reference(image=portrait, domain=synthesizer.domains[0]), Latent(seed=5, domain=synthesizer.domains[1]))
    own = {"kept"} if synthesizer.network.config.high_pass else set()
    for chosen in (styles, styles[:1]):  # a single style is compared with a random one
        request = styles_insight.StylesInsightRequest(
            grid=GridRequest(sources=(portrait,), styles=chosen), output=tmp_path
        )
        done = finished(styles_insight.look_inside(synthesizer, request))
        assert {file.caption for file in done.files} == {"map", "codes", "mixing", "layers"} | own
    empty = styles_insight.StylesInsightRequest(grid=GridRequest(sources=(portrait,), styles=()), output=tmp_path)
    with pytest.raises(BadRequest, match="1 to 6 styles, got 0"):
        finished(styles_insight.look_inside(synthesizer, empty))


def test_figures_are_signed_and_those_of_generated_pictures_labelled(
    editor: AttributeEditor, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = AttributesRequest(sources=(portrait,), changes=WANTED)
    request = attributes_insight.AttributesInsightRequest(edit=asked, output=tmp_path)
    heights = {}
    for label in (True, False):
        plain = replace(request, edit=replace(asked, label=label))
        done = finished(attributes_insight.look_inside(editor, plain))
        heights[label] = {file.caption: len(read(file.path)) for file in done.files}
    for file in done.files:
        assert file.role == "inside" and verify(file.path).credential is not None
    grown = {name for name, height in heights[True].items() if height > heights[False][name]}
    assert grown == {"changes", "back"}


def read(path: Path) -> np.ndarray:
    from deepfake_core.media.images import read_image

    return read_image(path)


def test_a_look_inside_ends_at_its_deadline(editor: AttributeEditor, portrait: Path, tmp_path: Path) -> None:
    request = attributes_insight.AttributesInsightRequest(
        edit=AttributesRequest(sources=(portrait,), changes=WANTED), output=tmp_path
    )
    with pytest.raises(TookTooLong):
        finished(attributes_insight.look_inside(editor, request, Deadline.after(0)))
    assert not list(tmp_path.iterdir())
