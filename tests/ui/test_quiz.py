"""The Spot the fake tab: from the word of a class to its scores."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.pipelines.quiz import Quiz
from deepfake_core.pipelines.quiz_pairs import KINDS
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.server.class_scores import MAX_CLASSES, Classes
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.quiz import FREE, WHY, QuizTab
from deepfake_core.ui.widgets.examples import Examples


@pytest.fixture
def tab() -> QuizTab:
    examples = Examples.in_folder(EXAMPLES)
    cache = ExampleCache(examples.pictures)
    tab = QuizTab(Services(engine=Engine("cpu"), examples=examples, cache=cache))
    with gr.Blocks() as page:
        tab.render()
        tab.listen(page)
    return tab


def last(updates: Iterator[dict[Any, Any]]) -> dict[Any, Any]:
    """The last update, whose picture was there."""
    shown: dict[Any, Any] = {}
    for shown in updates:
        for value in shown.values():
            assert not str(value).endswith(".png") or Path(value).is_file()
    return shown


def answered(tab: QuizTab, quiz: Quiz, *, right: int) -> Quiz:
    """A quiz of which so many guesses are right and the others wrong, without drawing anything."""
    while not quiz.over:
        made = quiz.current.made
        quiz = quiz.next().answer(made if len(quiz.right) < right else "A" if made == "B" else "B").next()
    return quiz


def test_a_guess_shows_whether_it_was_right_and_why(tab: QuizTab) -> None:
    quiz = last(tab.begin(" Biology "))[tab.quiz]
    assert quiz == Quiz("biology")
    shown = last(tab.guess(quiz.current.made, quiz))
    assert "Right." in shown[tab.verdict] and shown[tab.quiz].score == 1
    assert [kind for kind, text in tab.why.items() if shown[text].visible] == [quiz.current.kind]
    following = last(tab.go_on(shown[tab.quiz]))
    assert following[tab.quiz].current == quiz.rounds[1] and following[tab.guess_row].visible
    with pytest.raises(BadRequest, match="answered"):
        last(tab.guess("A", shown[tab.quiz]))


def test_every_kind_says_what_gives_it_away() -> None:
    assert WHY.keys() == KINDS.keys()


def test_the_class_sees_its_scores_and_each_counts_once(tab: QuizTab) -> None:
    first = answered(tab, Quiz("biology"), right=7)
    shown = last(tab.go_on(first))
    assert "7 / 10" in shown[tab.score] and shown[tab.chart].count("<rect") == 1 and shown[tab.of_class].visible
    with pytest.raises(BadRequest, match="play again"):
        last(tab.go_on(shown[tab.quiz]))
    second = last(tab.repeat(shown[tab.quiz]))[tab.quiz]
    assert (second.word, second.attempt, second.right) == ("biology", 1, ())
    shown = last(tab.go_on(answered(tab, second, right=9)))
    assert "9 / 10" in shown[tab.score] and shown[tab.chart].count("<rect") == 2


def test_without_a_word_there_is_no_class(tab: QuizTab) -> None:
    quiz = last(tab.begin(""))[tab.quiz]
    assert quiz.word.startswith(FREE)
    assert not last(tab.go_on(answered(tab, quiz, right=3)))[tab.of_class].visible


@pytest.mark.parametrize("word", ["two words", "#3", "<b>", "a/b"])
def test_a_word_has_letters_and_digits(tab: QuizTab, word: str) -> None:
    with pytest.raises(BadRequest, match="letters and digits"):
        last(tab.begin(word))


def test_nothing_goes_on_before_the_start(tab: QuizTab) -> None:
    for handler in (tab.go_on, tab.repeat):
        with pytest.raises(BadRequest, match="start the quiz"):
            last(handler(None))


def test_only_so_many_classes_are_kept() -> None:
    classes = Classes()
    for number in range(MAX_CLASSES + 1):
        classes.add(f"class{number}", 0, 5)
    assert classes.add("class0", 0, 5).first[5] == 1  # it had gone
    assert classes.add("class9", 3, 5).later[5] == 1 and classes.add("class9", 0, 5).first[5] == 2
