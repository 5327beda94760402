"""Spot the fake: the pairs are what they are said to be, and a quiz is the same for everybody with its word."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from deepfake_core import registry
from deepfake_core.errors import BadRequest
from deepfake_core.pipelines.quiz import ASKED, SIDE, Quiz, QuizRequest, Round, detail, reveal, show, worst_place
from deepfake_core.pipelines.quiz_pairs import KINDS, Pair
from deepfake_core.provenance.verify import verify
from tests.pipelines.conftest import EXAMPLES

PHOTOGRAPH = EXAMPLES / "portraits" / "photo-astronaut.jpg"


@cache
def model(weights: str, network: str) -> Any:
    name = registry.method(network).model
    assert name is not None
    return registry.resolve(name).from_pretrained(weights, device="cpu")


def pair(kind: str, seed: int) -> Pair:
    one = KINDS[kind]
    return one.draw(model(one.weights, one.network), seed, PHOTOGRAPH)


def apart(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first.astype(float) - second).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_both_pictures_show_the_same_and_are_not_the_same(kind: str) -> None:
    """The made picture is nearer to its own real one than to that of another pair, and differs from it."""
    (real, made), (other, _) = pair(kind, 4), pair(kind, 7)
    assert real.shape == made.shape and real.dtype == made.dtype == np.uint8
    assert apart(real, made) > 0.5
    if KINDS[kind].same:
        assert apart(real, made) < 0.6 * apart(real, other)


def test_a_seed_draws_the_same_pair_and_another_seed_another() -> None:
    first, again, other = pair("edited", 3), pair("edited", 3), pair("edited", 4)
    assert all(np.array_equal(*two) for two in zip(first, again, strict=True))
    assert not np.array_equal(first.real, other.real)


def test_everybody_with_a_word_gets_the_same_rounds_and_the_next_attempt_others() -> None:
    assert Quiz("biology").rounds == Quiz("biology").rounds
    assert Quiz("biology").rounds != Quiz("physics").rounds != Quiz("physics", attempt=1).rounds
    for number in range(20):
        rounds = Quiz(f"#{number}").rounds
        assert sorted(one.kind for one in rounds) == sorted(ASKED)
        assert {one.made for one in rounds} == {"A", "B"}


def test_guesses_are_counted_once_each() -> None:
    quiz = Quiz("biology")
    for number, asked in enumerate(quiz.rounds):
        assert quiz.current == asked
        quiz = quiz.answer("A")
        assert quiz.current == asked and not quiz.open
        with pytest.raises(BadRequest, match="go on"):
            quiz.answer("B")
        assert quiz.over == (number == len(ASKED) - 1)
        quiz = quiz.next()
    assert quiz.score == sum(one.made == "A" for one in quiz.rounds)
    with pytest.raises(BadRequest, match="play again"):
        quiz.reported().reported()


@pytest.mark.parametrize("made", ["A", "B"])
def test_the_pair_is_signed_and_neither_its_name_nor_its_label_tells_which_is_made(made: Any, tmp_path: Path) -> None:
    asked = Round("edited", 3, made)
    kind = KINDS[asked.kind]
    request = QuizRequest(round=asked, output=tmp_path)
    (done,) = show(model(kind.weights, kind.network), request)
    (file,) = done.files
    assert file.path.name == "pair.png" and verify(file.path).credential is not None
    picture = np.asarray(PIL.Image.open(file.path))
    left, right = (picture[40 : 20 + SIDE, start : start + SIDE] for start in (8, 16 + SIDE))
    assert (detail(left) < detail(right)) == (made == "A")  # an edit is softer
    (clues,) = reveal(model(kind.weights, kind.network), request)
    assert verify(clues.files[0].path).credential is not None


def test_the_place_that_differs_most() -> None:
    values = np.zeros((128, 128), np.float32)
    values[100:110, 20:30] = 1.0
    assert worst_place(values) == ((6 + 0.5) / 8, (1 + 0.5) / 8)


def test_blur_lowers_the_detail() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    soft = ((noise[1:].astype(int) + noise[:-1]) // 2).astype(np.uint8)
    assert 0 < detail(soft[:, :63]) < detail(noise)
    assert detail(np.full_like(noise, 80)) == 0
