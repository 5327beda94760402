"""Sample grids of the model cards: the first results, then the worst ones, then the photograph."""

import numpy as np

from benchmarks.cards import ACROSS, SHOWN, SIDE, WORST, card_grid, photographs, strip
from benchmarks.images import GAP, Picture


def plain(value: int, side: int = 32) -> Picture:
    return np.full((side, side, 3), value, np.uint8)


def test_the_first_come_first_and_the_worst_again() -> None:
    """A result's value is its number; the truth is 100, so that those with the highest numbers are the worst."""
    strips = [strip(plain(0), plain(100 + number), plain(100)) for number in range(SHOWN + 6)]
    drawn = card_grid(strips, [plain(7), plain(8)])
    step, wide = SIDE + GAP, 3 * (SIDE + GAP) + 4 * GAP

    def result(row: int, column: int, below: int = 0) -> int:
        return int(drawn[row * step + below + SIDE // 2, column * wide + step + SIDE // 2, 0])

    assert [result(number // ACROSS, number % ACROSS) for number in range(SHOWN)] == [100 + n for n in range(SHOWN)]
    rows = SHOWN // ACROSS
    assert [result(rows, column, 5 * GAP) for column in range(WORST)] == [129, 128, 127]
    assert drawn[(rows + 1) * step + 10 * GAP + SIDE // 2, SIDE // 2, 0] == 7


def test_the_distance_is_that_of_the_last_two() -> None:
    assert strip(plain(0), plain(50), plain(50)).distance > strip(plain(50), plain(0), plain(50)).distance


def test_the_photographs_come_with_scikit_image() -> None:
    for photo in photographs():
        assert photo.dtype == np.uint8 and photo.ndim == 3 and min(photo.shape[:2]) >= 300
