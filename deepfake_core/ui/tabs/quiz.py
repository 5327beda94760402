"""The Spot the fake tab: ten pairs to guess, what gives the made picture away, and the class's scores."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.settings import settings
from deepfake_core.ui.server.class_scores import Classes, ClassScores
from deepfake_core.ui.services import Services
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.examples import first_of
from deepfake_core.ui.widgets.studio import purpose
from deepfake_core.ui.wiring import READS_NETWORK

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import Finished
    from deepfake_core.pipelines.quiz import Letter, Quiz

PURPOSE = "One of two pictures was made by a network. Which one?"
INTRODUCTION = """
Ten pairs. After each guess you see what gives the made picture away; then play again, and see whether your eye got
better. In a class, everybody enters the same word: all get the same pairs, and the class's scores appear at the end.
"""
WHY = {
    "moved": "The First Order Motion Model moved a drawing of this head. Look at the outlines of hair and face, and at "
    "what turned into view: the network had never seen it.",
    "edited": "StarGAN edited one attribute of a drawing. Look at the outline of the hair and at its strands: traces "
    "of the former colour stay, and fine strands get lost.",
    "styled": "StarGAN v2 redrew another head in the style of this one. It is softer, and glasses, hats and patterns "
    "of cloth are often lost.",
    "fur": "StarGAN v2 redrew another animal in the style of this one. Spots and whiskers are softer, and traces of "
    "the other animal's outline stay.",
    "translated": "CycleGAN painted stripes on a horse. They break off or flow into one another, most of all on legs, "
    "heads and animals far away.",
    "photograph": "The First Order Motion Model turned a photograph by a few degrees. Hair and skin lose their fine "
    "texture, and the edge of the head drags the background along.",
}
"""Kind of pair -> what gives the made picture away."""
CLUES = (
    "The frame marks the part that differs most. Detail is the strength of the finest structures, of which networks "
    "often lose some. Below each number is the picture's spectrum: coarse structures in the middle, fine ones at the "
    "edge; bright points on a lattice are a trace of up-sampling."
)
LESSON = (
    "Such traces differ from network to network, and the next one may not have them. Where a picture comes from says "
    "more than how it looks: see Verify."
)
FREE, FREE_WORDS = "#", 25
"""Without a class's word, one of so many quizzes is taken, whose pairs are then kept. No word has this letter."""
PHOTOGRAPH = "photo-astronaut"
LEGEND = """
<ul class="plane-legend"><li class="real">first attempts of the class</li><li class="made">later attempts</li></ul>
"""
TEACHING = Path(__file__).parents[3] / "docs" / "teaching.md"
MARKS = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}"}


class QuizTab:
    """A pair, two buttons, and what is revealed after each guess."""

    title = "Spot the fake"

    def __init__(self, services: Services) -> None:
        self.services, self.classes = services, Classes()
        self.error_message = ErrorMessage()

    def render(self) -> None:
        with gr.Tab(self.title) as self.tab:
            self.quiz = gr.State(None)
            purpose(PURPOSE)
            gr.Markdown(INTRODUCTION)
            with gr.Row(elem_classes="quiz-start"):
                self.word = gr.Textbox("", label="Word of your class (optional)", max_length=20, scale=2, min_width=200)
                self.start = gr.Button("Start the quiz", variant="primary", min_width=140, elem_id="quiz-start")
            self.error_message.render()
            self.progress = gr.HTML("", elem_id="quiz-progress")
            with gr.Column(visible=False, elem_id="quiz-pair") as self.asked:
                self.pair = gr.Image(
                    label="Which one was made?", alt_text="Two pictures, A and B", interactive=False,
                    buttons=["fullscreen"], elem_classes="media natural", elem_id="quiz-picture",
                )  # fmt: skip
                with gr.Row(elem_classes="quiz-guess") as self.guess_row:
                    self.guess_a = gr.Button("A was made", min_width=120, elem_id="quiz-a")
                    self.guess_b = gr.Button("B was made", min_width=120, elem_id="quiz-b")
            with gr.Column(visible=False, elem_id="quiz-answer") as self.answered:
                self.verdict = gr.HTML("", elem_id="quiz-verdict")
                self.why = {kind: gr.HTML(f"<p>{text}</p>", visible=False) for kind, text in WHY.items()}
                self.clues = gr.Image(
                    label="What gives it away", alt_text="The pictures, their difference and their spectra",
                    interactive=False, buttons=["fullscreen"], elem_classes="media natural", elem_id="quiz-clues",
                )  # fmt: skip
                gr.HTML(f"<p>{CLUES}</p>", elem_classes="quiet")
                self.next = gr.Button("Next pair", variant="primary", elem_id="quiz-next")
            with gr.Column(visible=False, elem_id="quiz-result") as self.result:
                self.score = gr.HTML("", elem_id="quiz-score")
                with gr.Column(visible=False, elem_id="quiz-class") as self.of_class:
                    self.chart = gr.HTML("")
                    gr.HTML(LEGEND, elem_classes="quiet")
                gr.HTML(f"<p>{LESSON}</p>")
                self.again = gr.Button("Play again, with other pairs", variant="primary", elem_id="quiz-again")
            if TEACHING.is_file():
                gr.Markdown(lessons(TEACHING.read_text(encoding="utf-8")), elem_id="lessons")

    def listen(self, page: gr.Blocks) -> None:
        shared = {**READS_NETWORK, "show_progress": "minimal", "trigger_mode": "once", "outputs": self.outputs}
        at_pair, at_clues = ({"show_progress_on": one, **shared} for one in (self.pair, self.clues))
        gr.on([self.start.click, self.word.submit], self.begin, inputs=self.word, **at_pair)
        self.again.click(self.repeat, inputs=self.quiz, **at_pair)
        self.next.click(self.go_on, inputs=self.quiz, **at_pair)
        for letter, button in (("A", self.guess_a), ("B", self.guess_b)):
            button.click(self.guess, inputs=[gr.State(letter), self.quiz], **at_clues)

    @property
    def outputs(self) -> list[gr.blocks.Block]:
        return [
            self.quiz, self.progress, self.asked, self.pair, self.guess_row, self.answered, self.verdict,
            *self.why.values(), self.clues, self.next, self.result, self.score, self.of_class, self.chart,
            *self.error_message.outputs,
        ]  # fmt: skip

    def begin(self, word: str) -> Iterator[Update]:
        """A new quiz, of the class's word or any."""
        from deepfake_core.pipelines.quiz import Quiz

        word = word.strip().casefold()
        if word and not word.isalnum():
            raise BadRequest("the word of a class has letters and digits only, and no spaces")
        yield from self.asks(Quiz(word or f"{FREE}{secrets.randbelow(FREE_WORDS)}"))

    def repeat(self, quiz: "Quiz | None") -> Iterator[Update]:
        """The next attempt, with other pairs."""
        from deepfake_core.pipelines.quiz import Quiz

        yield from self.asks(Quiz(begun(quiz).word, begun(quiz).attempt + 1))

    def go_on(self, quiz: "Quiz | None") -> Iterator[Update]:
        """The next pair, or the result after the last one."""
        quiz = begun(quiz).next()
        if not quiz.over:
            yield from self.asks(quiz)
            return
        counted, scores = quiz.reported(), None
        if not quiz.word.startswith(FREE):
            scores = self.classes.add(quiz.word, quiz.attempt, quiz.score)
        yield {
            self.quiz: counted,
            self.asked: gr.Column(visible=False),
            self.answered: gr.Column(visible=False),
            self.result: gr.Column(visible=True),
            self.score: f'<p role="status">{quiz.score} / {len(quiz.right)}</p>',
            self.of_class: gr.Column(visible=scores is not None),
            self.chart: "" if scores is None else histogram_html(scores, len(quiz.right)),
        }

    def asks(self, quiz: "Quiz") -> Iterator[Update]:
        """Show the current pair."""
        from deepfake_core.pipelines.quiz import show

        with self.drawn(show, quiz) as events:
            for done in events:
                yield self.error_message.clear() | {
                    self.quiz: quiz,
                    self.progress: progress_html(quiz),
                    self.asked: gr.Column(visible=True),
                    self.pair: str(done.files[0].path),
                    self.guess_row: gr.Row(visible=True),
                    self.answered: gr.Column(visible=False),
                    self.result: gr.Column(visible=False),
                }

    def guess(self, letter: "Letter", quiz: "Quiz | None") -> Iterator[Update]:
        """Show whether the guess was right, and what gives the made picture away."""
        from deepfake_core.pipelines.quiz import reveal

        quiz = begun(quiz).answer(letter)
        with self.drawn(reveal, quiz) as events:
            for done in events:
                yield {
                    self.quiz: quiz,
                    self.progress: progress_html(quiz),
                    self.guess_row: gr.Row(visible=False),
                    self.answered: gr.Column(visible=True),
                    self.verdict: verdict_html(quiz),
                    **{text: gr.HTML(visible=kind == quiz.current.kind) for kind, text in self.why.items()},
                    self.clues: str(done.files[0].path),
                    self.next: gr.Button("See the result" if quiz.over else "Next pair"),
                }

    @contextmanager
    def drawn(self, pipeline: "Callable[..., Iterator[Finished]]", quiz: "Quiz") -> "Iterator[Iterator[Finished]]":
        """The events of a pipeline for the current pair. The same pairs are asked by a whole class: they are kept."""
        from deepfake_core.pipelines.quiz import QuizRequest
        from deepfake_core.pipelines.quiz_pairs import KINDS

        kind, deadline = KINDS[quiz.current.kind], Deadline.after(settings().job_seconds)
        photograph = None if kind.same else first_of(self.services.examples.portraits, PHOTOGRAPH)
        request = QuizRequest(round=quiz.current, output=Path(), photograph=photograph, label=settings().label)
        sources = () if photograph is None else (photograph,)
        with self.services.events(
            kind.network, kind.weights, pipeline, request, deadline, sources=sources, files={"output": ""}
        ) as events:
            yield events


def lessons(text: str) -> str:
    """The lesson plans, folded; their links to files of the repository are left out."""
    title, _, plans = re.sub(r"\s*\(\[how\]\([^)]*\)\)", "", text).partition("\n")
    return f"<details>\n<summary>{title.removeprefix('# ')} (in English)</summary>\n\n{plans}\n</details>"


def begun(quiz: "Quiz | None") -> "Quiz":
    """The quiz of this session. Raises `BadRequest` if there is none, as after a restart of the server."""
    if quiz is None:
        raise BadRequest("start the quiz first")
    return quiz


def progress_html(quiz: "Quiz") -> str:
    """A mark for each answer, and a dot for each pair to come."""
    marks = [f'<span class="{"right" if right else "wrong"}">{MARKS[right]}</span>' for right in quiz.right]
    dots = ["<span>·</span>"] * (len(quiz.rounds) - len(quiz.right))
    return f'<p aria-label="{quiz.score} / {len(quiz.right)}" role="img">{"".join([*marks, *dots])}</p>'


def verdict_html(quiz: "Quiz") -> str:
    """Whether the last guess was right."""
    word = "Right." if quiz.right[-1] else "Not this one."
    return f'<p role="status">{word}</p>'


def histogram_html(scores: ClassScores, most: int) -> str:
    """How many of the class reached which score from 0 to `most`, at first and later."""
    step, highest, parts = 50, max(max(one.values(), default=0) for one in scores), []
    for score in range(most + 1):
        parts.append(f'<text x="{(score + 0.5) * step}" y="165">{score}</text>')
        for place, (name, counted) in enumerate(scores._asdict().items()):
            if count := counted[score]:
                left, tall = step * score + 4 + 21 * place, 120 * count / highest
                parts.append(f'<rect class="{name}" x="{left}" y="{140 - tall:.0f}" width="20" height="{tall:.0f}"/>')
                parts.append(f'<text x="{left + 10}" y="{134 - tall:.0f}">{count}</text>')
    people, box = sum(sum(one.values()) for one in scores), f"0 0 {step * (most + 1)} 175"
    return f'<svg class="chart" viewBox="{box}" role="img" aria-label="{people}">{"".join(parts)}</svg>'
