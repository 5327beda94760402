"""The scores of classes that take the quiz together, in memory only."""

import threading
from collections import Counter, OrderedDict
from typing import NamedTuple

MAX_CLASSES = 200


class ClassScores(NamedTuple):
    """Score -> how many reached it."""

    first: Counter[int]
    """At the first attempt."""
    later: Counter[int]
    """At all later ones."""


class Classes:
    """The scores by the class's word; those of the class that finished a quiz longest ago go first."""

    def __init__(self) -> None:
        self._scores: OrderedDict[str, ClassScores] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, word: str, attempt: int, score: int) -> ClassScores:
        """Count a score; `attempt` is 0 at first. Returns a copy of all scores of the class."""
        with self._lock:
            known = self._scores.setdefault(word, ClassScores(Counter(), Counter()))
            self._scores.move_to_end(word)
            known[min(attempt, 1)][score] += 1
            while len(self._scores) > MAX_CLASSES:
                self._scores.popitem(last=False)
            return ClassScores(*(one.copy() for one in known))
