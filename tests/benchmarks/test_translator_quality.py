"""The measures of the three translators on answers whose worth is known: the truth, and doing nothing."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.__main__ import main
from benchmarks.images import GAP, Picture, held_out, save_grid, to_frames
from benchmarks.quality import cyclegan, stargan, starganv2, worlds
from benchmarks.quality.attribute_classifier import AttributeClassifier, ClassifierConfig, Skill
from benchmarks.quality.cyclegan import colour_shift, correlation, psnr_inside
from benchmarks.quality.subjects import HAIR, HEADS, Labels, Subject, head_labels
from benchmarks.quality.worlds import ANIMAL_WORLD, HEAD_WORLD, World, world_of
from benchmarks.report import Report
from deepfake_core import AttributeEditor, CycleTranslator, StyleSynthesizer
from deepfake_core.errors import BadRequest
from deepfake_core.pipelines.translator import Cycle
from deepfake_core.synthetic.heads import ATTRIBUTES, with_attributes

SIZE = 32
SCENES = 1
SKILL = Skill(attributes={"Male": 0.98}, angle=3.0, looks={"skin": 0.9})
Known = dict[bytes, Labels]


held_out_fields = cache(cyclegan.held_out_fields)
held_out_head = cache(stargan.held_out_head)
edits_of_head = cache(lambda index: stargan.edits_of(held_out_head(index, SIZE), ATTRIBUTES))
cases_of = cache(worlds.cases_of)


@pytest.fixture(autouse=True)
def _drawn_once(monkeypatch) -> None:
    """Held-out scenes take a while to draw, and every test wants the same."""
    edits = {id(held_out_head(index, SIZE)): edits_of_head(index) for index in range(SCENES)}
    monkeypatch.setattr(cyclegan, "held_out_fields", held_out_fields)
    monkeypatch.setattr(stargan, "held_out_head", held_out_head)
    monkeypatch.setattr(stargan, "edits_of", lambda head, known: edits[id(head)])
    monkeypatch.setattr(starganv2, "cases_of", cases_of)
    monkeypatch.setattr(starganv2, "LATENTS", 2)


def missed(report: Report) -> list[bool]:
    return [not bar.met for bar in report.bars]


class AllKnowing(AttributeClassifier):
    """Knows the truth about every picture that can come."""

    def __init__(self, subject: Subject, known: Known) -> None:
        super().__init__(subject, ClassifierConfig(size=SIZE, width=1))
        self.known = known

    def predict(self, pictures) -> Labels:
        rows = [self.known[np.ascontiguousarray(picture).tobytes()] for picture in pictures]
        return Labels(*map(torch.cat, zip(*rows, strict=True)))


# CycleGAN


class Swapping(CycleTranslator):
    """Labels with the truth, or with what it was given."""

    def __init__(self, name: str, *, perfect: bool, back: bool = True) -> None:
        self.name, self.size, self.way_there = name, SIZE, back
        scene = held_out_fields(SCENES, SIZE, zebras=name.endswith("zebra2horse"))
        given = zip(scene.source, scene.truth if perfect else scene.source, strict=True)
        self.results = {source.tobytes(): answer for source, answer in given}

    def discriminator(self) -> None:
        """No discriminator was kept."""

    def cycle(self, image, *, crop="auto") -> Cycle:
        assert crop == "none"
        made = self.results[image.tobytes()]
        there = self.way_there
        return Cycle(translated=made, back=image if there else None, error=0.01 if there else None, note="")


@pytest.mark.slow
def test_the_true_zebras_pass_and_the_horses_themselves_do_not(tmp_path) -> None:
    ways = [Swapping(name, perfect=True) for name in cyclegan.STARTERS]
    report = cyclegan.compare(ways, SCENES, tmp_path / "grid.png")
    assert report.passed and len(report.bars) == 10
    assert (tmp_path / "grid.png").is_file()
    lazy = missed(cyclegan.compare([Swapping("horse2zebra", perfect=False)], SCENES))
    assert lazy[:4] == [True, True, False, False]


def test_without_a_way_back_the_cycle_is_no_success() -> None:
    report = cyclegan.compare([Swapping("horse2zebra", perfect=True, back=False)], SCENES)
    assert missed(report) == [False, False, False, True, False, False] and "(-)" in report.text()


def test_an_error_inside_the_mask_alone_counts_there_alone() -> None:
    truth, mask = torch.full((1, 3, 8, 8), 0.5), torch.zeros(1, 1, 8, 8)
    mask[..., :2] = 1
    outside, inside = truth.clone(), truth.clone()
    outside[..., 2:] += 0.1
    inside[..., :2] += 0.1
    assert psnr_inside(outside, truth, mask).item() == pytest.approx(99)
    assert psnr_inside(inside, truth, mask).item() == pytest.approx(20, abs=1e-3)


def test_colours_that_move_outside_the_animals_are_a_shift_and_inside_are_none() -> None:
    given, mask = torch.full((1, 3, 8, 8), 0.5), torch.zeros(1, 1, 8, 8)
    mask[..., :2] = 1
    made = given.clone()
    made[..., :2] = 1.0
    assert colour_shift(made, given, 1 - mask).item() == 0
    made[:, 0, :, 2:] += 0.3
    assert colour_shift(made, given, 1 - mask).item() == pytest.approx(0.1)


def test_stripes_are_light_and_dark_in_the_right_places() -> None:
    stripes = torch.zeros(1, 8, 8)
    stripes[..., ::2] = 1
    inside = torch.ones(1, 8, 8)
    for other, wanted in ((0.3 * stripes + 0.5, 1.0), (1 - stripes, -1.0), (torch.zeros(1, 8, 8), 0.0)):
        assert correlation(other, stripes, inside).item() == pytest.approx(wanted, abs=1e-5)


# StarGAN


class Editing(AttributeEditor):
    """Labels with the truth, or changes nothing."""

    def __init__(self, *, perfect: bool, attributes: tuple[str, ...] = ATTRIBUTES) -> None:
        self.name, self.size, self.attributes = "editing", SIZE, attributes
        self.results = {
            (held_out_head(index, SIZE).picture.tobytes(), edit.attribute, edit.value): edit.truth
            for index in range(SCENES)
            for edit in edits_of_head(index)
            if perfect
        }

    def __call__(self, image, changes, *, crop="auto") -> Picture:
        assert crop == "none"
        ((name, value),) = changes.items()
        return self.results.get((image.tobytes(), name, value), image)


@pytest.fixture(scope="module")
def head_classifier() -> AllKnowing:
    known: Known = {}
    for index in range(SCENES):
        head = held_out_head(index, SIZE)
        known[head.picture.tobytes()] = head_labels(head.identity, head.state)
        for edit in edits_of_head(index):
            identity = with_attributes(head.identity, edit.wanted[None].float())
            known[edit.truth.tobytes()] = head_labels(identity, head.state)
    return AllKnowing(HEADS, known)


def test_the_true_edits_pass_and_no_edit_finds_nothing_and_keeps_all(head_classifier, tmp_path) -> None:
    report = stargan.compare(Editing(perfect=True), head_classifier, SKILL, SCENES, tmp_path / "grid.png")
    assert report.passed and "Male 98.0 %" in report.text()
    assert (tmp_path / "grid.png").is_file()
    lazy = stargan.compare(Editing(perfect=False), head_classifier, SKILL, SCENES)
    assert missed(lazy)[:3] == [True, False, True]
    assert lazy.rows[0].name == "edited" and lazy.rows[0].values[:2] == ("0.0 %", "100.0 %")


def test_a_hair_colour_takes_the_others_away_and_asks_for_nothing_else() -> None:
    head = held_out_head(0, SIZE)
    edits = edits_of_head(0)
    has = head.identity.attributes[0] > 0.5
    hair = [edit for edit in edits if edit.attribute in ATTRIBUTES[:HAIR]]
    assert len(hair) == HAIR - int(has[:HAIR].sum()) and all(edit.value for edit in hair)
    for edit in edits:
        assert int(edit.wanted[:HAIR].sum()) <= 1
        assert torch.equal(edit.wanted[~edit.asked], has[~edit.asked])
        assert not torch.equal(edit.wanted, has)


def test_an_editor_of_other_attributes_cannot_be_judged(head_classifier) -> None:
    editor = Editing(perfect=True, attributes=("angry", "happy"))
    with pytest.raises(BadRequest, match="has none of"):
        stargan.compare(editor, head_classifier, SKILL, 1)


# StarGAN v2


class Styling(StyleSynthesizer):
    """Draws the truth, or answers with the source, or with the reference."""

    def __init__(self, world: World, how: str, known: Known) -> None:
        self.name, self.size, self.domains, self.world, self.how, self.known = (
            "s",
            SIZE,
            world.domains,
            world,
            how,
            known,
        )
        self.scenes = {}
        self.truths = {}
        for index in range(SCENES):
            generator = held_out(index)
            who, state = world.identity(index % len(world.domains), generator), world.state(generator)
            for case in cases_of(world, index, SIZE):
                self.scenes[case.source.tobytes()] = (who, state)
                self.truths[case.source.tobytes() + case.reference.tobytes()] = case.truth
                known[case.source.tobytes()] = case.source_labels
                known[case.reference.tobytes()] = case.reference_labels
                answers = case.source_labels._replace(
                    attributes=case.reference_labels.attributes, looks=case.reference_labels.looks
                )
                known[case.truth.tobytes()] = answers

    def from_reference(self, image, reference, domain, *, crop="auto") -> Picture:
        assert crop == "none" and domain in self.domains
        if self.how == "truth":
            return self.truths[image.tobytes() + reference.tobytes()]
        return image if self.how == "source" else reference

    def from_latent(self, image, domain, seed=0, *, truncation=1.0, crop="auto") -> Picture:
        if self.how != "truth":
            return image
        who, state = self.scenes[image.tobytes()]
        looks = self.world.identity(self.domains.index(domain), torch.Generator().manual_seed(seed))
        made = to_frames(self.world.draw(looks, who, state, SIZE))[0]
        self.known[made.tobytes()] = self.world.labels(looks, state)
        return made


@pytest.mark.parametrize("world", [HEAD_WORLD, ANIMAL_WORLD], ids=lambda world: world.subject.name)
@pytest.mark.parametrize(
    ("how", "lacking"),
    [
        ("truth", [False, False, False, False, False]),
        ("source", [True, True, False, True, True]),
        ("reference", [False, True, True, None, True]),  # the colour may be there in another pose as well
    ],
)
def test_only_the_reference_in_the_sources_place_passes(world: World, how: str, lacking: list[bool | None]) -> None:
    known: Known = {}
    synthesizer = Styling(world, how, known)
    result = starganv2.compare(synthesizer, world, AllKnowing(world.subject, known), SKILL, SCENES)
    report = starganv2.report([result])
    assert all(not_met in (miss, None) for miss, not_met in zip(missed(report)[:5], lacking, strict=True)), (
        report.text()
    )
    assert len(report.bars) == 8
    if how == "truth":
        assert report.passed, "the truth has all its detail, no grid, and no distance to itself"
    assert result.methods["do nothing"].pose == 0 and result.methods["do nothing"].looks == 0
    assert (result.between_latents > 0) is (how == "truth")


@pytest.mark.parametrize("world", [HEAD_WORLD, ANIMAL_WORLD], ids=lambda world: world.subject.name)
def test_a_colour_is_asked_for_where_the_truth_shows_hair_or_fur(world: World) -> None:
    case = cases_of(world, 0, SIZE)[0]
    assert 0.01 < case.coat.mean() < 0.6
    assert starganv2.coat_apart(case.truth, case) == 0
    paler, elsewhere = case.truth.copy(), case.truth.copy()
    paler[case.coat] = paler[case.coat] // 2
    elsewhere[~case.coat] = 255
    apart = starganv2.coat_apart(paler, case)
    assert apart is not None and apart > 0.05
    assert starganv2.coat_apart(elsewhere, case) == 0
    hidden = replace(case, coat=np.zeros_like(case.coat))
    assert starganv2.coat_apart(case.truth, hidden) is None


def test_the_grid_has_a_head_a_side_and_a_corner(tmp_path) -> None:
    rows = starganv2.grid(Styling(HEAD_WORLD, "source", {}), HEAD_WORLD, SCENES)
    assert rows[0][0] is None and [len(row) for row in rows] == [5, 9]
    save_grid(tmp_path / "deep" / "grid.png", rows)
    grid = np.asarray(Image.open(tmp_path / "deep" / "grid.png"))
    assert grid.shape == (2 * (SIZE + GAP) - GAP, 9 * (SIZE + GAP) - GAP, 3)
    assert (grid[:SIZE, :SIZE] == 255).all()


def test_a_world_is_known_by_its_domains() -> None:
    assert world_of("a", ("male", "female")) is HEAD_WORLD and world_of("b", ("cat", "dog", "wild")) is ANIMAL_WORLD
    with pytest.raises(BadRequest, match="no drawn world has"):
        world_of("c", ("summer", "winter"))


@pytest.mark.parametrize("network", ["cyclegan", "stargan", "starganv2"])
def test_missing_weights_are_one_sentence(network: str, tmp_path, capsys) -> None:
    assert main(["quality", network, "--weights", str(tmp_path / "none.safetensors")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
