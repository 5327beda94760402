"""Pools of pairs on disk: rows of pictures in several states each, with the truth of all their pairings.

A folder holds files of `Row`s, drawn once by `python -m train prepare` and used by every run. A run may mix several,
each with a share of its batches: drawn heads, puppets of portraits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from deepfake_core.errors import BadRequest, MissingFile
from deepfake_core.motion import Keypoints
from train.recipes.fomm.data import Pairs, Truth
from train.recipes.fomm.synthetic import Row, row_pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderPool:
    """A folder of rows, and how much of every batch comes from it."""

    folder: str
    share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a share that is not positive with a `BadRequest`."""
        if not self.share > 0:
            raise BadRequest(f"the share of {self.folder} must be positive, got {self.share}")


def save_rows(row: Row, path: Path) -> None:
    """Write rows; a file that is being written never has its final name."""
    part = path.with_suffix(".part")
    torch.save(tuple(row), part)
    part.rename(path)


def read_rows(folder: str) -> Row:
    """All rows of a folder, in the order of its files' names. Raises `MissingFile` without any."""
    files = sorted(Path(folder).glob("*.pt"))
    if not files:
        raise MissingFile(f"no rows in {folder}; 'python -m train prepare' writes them")
    parts = [torch.load(file, weights_only=True) for file in files]
    return Row(*(torch.cat(part) for part in zip(*parts, strict=True)))


def counts(batch: int, pools: Sequence[RenderPool]) -> list[int]:
    """How many pairs of a batch come from each pool: by their shares, rounded so that they add up."""
    total, ends, reached = sum(pool.share for pool in pools), [], 0.0
    for pool in pools:
        reached += pool.share / total * batch
        ends.append(round(reached))
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def mixed_pairs(batch: int, pools: Sequence[RenderPool], device: torch.device) -> Callable[[torch.Generator], Pairs]:
    """A function that draws batches from several pools."""
    parts = [(count, row_pairs(read_rows(pool.folder), device))
             for count, pool in zip(counts(batch, pools), pools, strict=True) if count]  # fmt: skip

    def draw(generator: torch.Generator) -> Pairs:
        return joined([sample(count, generator) for count, sample in parts])

    return draw


def joined(parts: Sequence[Pairs]) -> Pairs:
    """Several batches as one."""
    truths = [part.truth for part in parts if part.truth is not None]

    def keypoints(of: list[Keypoints]) -> Keypoints:
        slopes = [one.jacobian for one in of if one.jacobian is not None]
        return Keypoints(torch.cat([one.position for one in of]), torch.cat(slopes) if slopes else None)

    truth = Truth(
        keypoints([one.source for one in truths]), keypoints([one.driving for one in truths]),
        *(torch.cat([getattr(one, name) for one in truths]) for name in ("flow", "shown", "named")),
    )  # fmt: skip
    return Pairs(torch.cat([part.source for part in parts]), torch.cat([part.driving for part in parts]), truth)
