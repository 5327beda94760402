"""Spot the fake: ten pairs of which one picture each was made by a network, and after each guess what gives it away."""

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.media.images import Image
from deepfake_core.metrics.detail import laplacian
from deepfake_core.pipelines.charts import Panel, difference_panel, framed, in_panels
from deepfake_core.pipelines.events import Clock, Finished
from deepfake_core.pipelines.inside_files import Figure, written
from deepfake_core.pipelines.quiz_pairs import KINDS, Kind, Pair
from deepfake_core.pixels import to_batch, to_signed, to_unit

Letter = Literal["A", "B"]
LETTERS: tuple[Letter, Letter] = ("A", "B")
ASKED = ("moved", "edited", "styled", "fur", "translated", "photograph", "moved", "edited", "styled", "translated")
"""The kinds of the rounds of a quiz, which are shuffled."""
SIDE = 320
"""Width of each picture of a pair, in pixels."""
WINDOW = 8
"""Of these parts of a picture's side one is framed: the part with the largest difference."""


@dataclass(frozen=True, slots=True)
class Round:
    """One pair."""

    kind: str
    seed: int
    made: Letter
    """The picture that the network made."""


@dataclass(frozen=True, slots=True)
class Quiz:
    """A quiz and the guesses so far."""

    word: str
    """Of the class; everybody who gives the same word sees the same pairs."""
    attempt: int = 0
    right: tuple[bool, ...] = ()
    """For each round that was answered, whether the guess was right."""
    open: bool = True
    """Whether the current round waits for a guess."""
    was_reported: bool = False
    """Whether its score was counted."""

    @property
    def rounds(self) -> tuple[Round, ...]:
        """All rounds, which word and attempt determine."""
        dice = random.Random(zlib.crc32(f"{self.word} {self.attempt}".encode()))
        kinds, letters = dice.sample(ASKED, len(ASKED)), dice.sample(LETTERS * (len(ASKED) // 2), len(ASKED))
        return tuple(Round(kind, dice.randrange(1_000_000), made) for kind, made in zip(kinds, letters, strict=True))

    @property
    def over(self) -> bool:
        """Whether all rounds were answered."""
        return len(self.right) == len(ASKED)

    @property
    def score(self) -> int:
        """The number of right guesses."""
        return sum(self.right)

    @property
    def current(self) -> Round:
        """The round that waits for a guess, or the one that was answered last."""
        return self.rounds[len(self.right) - (not self.open)]

    def answer(self, guess: Letter) -> "Quiz":
        """The quiz with one guess more. Raises `BadRequest` if the current round was answered."""
        if not self.open:
            raise BadRequest("this pair was answered; go on to the next one")
        return replace(self, right=(*self.right, guess == self.current.made), open=False)

    def next(self) -> "Quiz":
        """The quiz at the next round, if the current one was answered and there is one."""
        return self if self.over else replace(self, open=True)

    def reported(self) -> "Quiz":
        """The quiz whose score is counted. Raises `BadRequest` the second time."""
        if self.was_reported:
            raise BadRequest("this quiz is over; play again")
        return replace(self, was_reported=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuizRequest:
    """The pair to draw."""

    round: Round
    output: Path
    """A folder."""
    photograph: Path | None = None
    """For rounds of that kind."""
    label: bool = True
    """The visible label, which stands below both pictures; only the operator may switch it off."""


def show(model: Any, request: QuizRequest, deadline: Deadline = NEVER) -> Iterator[Finished]:
    """Draw the pair side by side, without a word about which is which."""
    clock = Clock()
    left, right = ordered(pair_of(model, request), request.round)
    deadline.check()
    yield _finished(model, request, clock, {"pair": Figure(picture=in_panels([("A", left), ("B", right)], 2, SIDE))})


def reveal(model: Any, request: QuizRequest, deadline: Deadline = NEVER) -> Iterator[Finished]:
    """Draw what gives the made picture away."""
    clock, kind = Clock(), KINDS[request.round.kind]
    pair = pair_of(model, request)
    deadline.check()
    picture = in_panels(clues(pair, request.round, kind), 3)
    yield _finished(model, request, clock, {"clues": Figure(picture=picture)})


def pair_of(model: Any, request: QuizRequest) -> Pair:
    """The pair of a round."""
    return KINDS[request.round.kind].draw(model, request.round.seed, request.photograph)


def ordered(pair: Pair, asked: Round) -> tuple[Image, Image]:
    """The pictures A and B."""
    return (pair.made, pair.real) if asked.made == "A" else (pair.real, pair.made)


def clues(pair: Pair, asked: Round, kind: Kind) -> Sequence[Panel | None]:
    """A and B, their difference, their spectra below their fine detail, and the place that differs most, enlarged."""
    both = ordered(pair, asked)
    one, other = (to_signed(to_batch([each]))[0] for each in both)
    names = [f"{letter}: {word(letter, asked)}" for letter in LETTERS]
    spectra: list[Panel | None] = [
        (f"detail {letter}: {detail(each):.0f}", spectrum(each)) for letter, each in zip(LETTERS, both, strict=True)
    ]
    if not kind.same:
        return [*zip(names, both, strict=True), None, *spectra]
    panel = difference_panel("difference", one, other)
    values = (one - other).abs().mean(dim=0)
    place = worst_place(values.numpy())
    marked = [framed(each, place, len(each) // WINDOW) for each in both]
    return [*zip(names, marked, strict=True), panel, *spectra, ("A above B", enlarged(both, place))]


def word(letter: Letter, asked: Round) -> str:
    """What a picture is."""
    return "made" if letter == asked.made else "photo" if asked.kind == "photograph" else "drawn"


def detail(picture: Image) -> float:
    """Standard deviation of the Laplacian, in levels of 255: the fine detail."""
    return 255 * float(laplacian(to_unit(to_batch([picture])))[0].std())


def spectrum(picture: Image) -> Image:
    """Logarithm of the amplitudes of the picture's spatial frequencies; the finest are at the edge."""
    grey = torch.from_numpy(picture).float().mean(dim=2) / 255
    window = torch.hann_window(len(grey), periodic=False)
    amplitudes = torch.fft.fftshift(torch.fft.fft2((grey - grey.mean()) * window[:, None] * window)).abs()
    levels = (amplitudes.clamp_min(1e-3).log10() + 3) / 6
    shade = (255 * levels.clamp(0, 1)).byte().numpy()
    return np.repeat(shade[..., None], 3, axis=2)


def worst_place(values: Float[np.ndarray, "h w"]) -> tuple[float, float]:
    """The middle of the part with the largest sum, as shares of height and width."""
    part = len(values) // WINDOW
    sums = values[: part * WINDOW, : part * WINDOW].reshape(WINDOW, part, WINDOW, part).sum(axis=(1, 3))
    row, column = np.unravel_index(int(sums.argmax()), sums.shape)
    return (int(row) + 0.5) / WINDOW, (int(column) + 0.5) / WINDOW


def enlarged(both: tuple[Image, Image], place: tuple[float, float]) -> Image:
    """A part of each picture around a place, four times as large, one above the other."""
    size = len(both[0])
    tall, wide = size // 8, size // 4
    top, left = (
        min(max(round(share * size) - length // 2, 0), size - length)
        for share, length in zip(place, (tall, wide), strict=True)
    )
    stacked = np.vstack([picture[top : top + tall, left : left + wide] for picture in both])
    return stacked.repeat(4, axis=0).repeat(4, axis=1)


def _finished(model: Any, request: QuizRequest, clock: Clock, figures: dict[str, Figure]) -> Finished:
    sources = () if request.photograph is None else (request.photograph,)
    files = written(figures, request.output, *sources, model=model.name, label=request.label)
    return Finished(files=files, notes=(), seconds=clock.seconds)
