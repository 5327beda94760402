"""Pools of pairs on disk: what is written is what is drawn, and batches are mixed as asked."""

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from deepfake_core.errors import BadRequest, MissingFile
from deepfake_core.networks.fomm import FommConfig
from deepfake_core.networks.layers import resize_like, warp
from train.loop.presets import configure, read_preset
from train.recipes.fomm.pools import RenderPool, counts, mixed_pairs, read_rows, save_rows
from train.recipes.fomm.recipe import FommTraining, build
from train.recipes.fomm.synthetic import Row, draw_row

SIZE = 128


@pytest.fixture(scope="module")
def row() -> Row:
    return draw_row(2, FommConfig(size=SIZE), 2, 1.0, torch.Generator().manual_seed(1))


def test_rows_come_back_in_the_order_of_their_files(row: Row, tmp_path: Path) -> None:
    other = Row(*(part.flip(0) for part in row))
    save_rows(other, tmp_path / "b.pt")
    save_rows(row, tmp_path / "a.pt")
    read = read_rows(str(tmp_path))
    for part, first, second in zip(read, row, other, strict=True):
        assert_close(part, torch.cat((first, second)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pt", "b.pt"]


def test_the_truth_of_a_drawn_pair_is_true(row: Row, tmp_path: Path) -> None:
    save_rows(row, tmp_path / "a.pt")
    pairs = mixed_pairs(8, [RenderPool(folder=str(tmp_path))], torch.device("cpu"))(torch.Generator().manual_seed(0))
    assert pairs.truth is not None
    small = [resize_like(part, (SIZE // 4,) * 2, align_corners=True) for part in (pairs.source, pairs.driving)]
    shown = pairs.truth.shown[:, None]
    carried = ((warp(small[0], pairs.truth.flow) - small[1]).abs() * shown).mean()
    repeated = ((small[0] - small[1]).abs() * shown).mean()
    assert carried < 0.6 * repeated


def test_a_batch_is_shared_out_and_adds_up() -> None:
    assert counts(8, [RenderPool(folder="a", share=5.0), RenderPool(folder="b", share=3.0)]) == [5, 3]
    assert counts(7, [RenderPool(folder="a"), RenderPool(folder="b"), RenderPool(folder="c")]) == [2, 3, 2]
    assert counts(4, [RenderPool(folder="a", share=9.0), RenderPool(folder="b", share=0.1)]) == [4, 0]


def test_pools_are_mixed_by_their_shares(row: Row, tmp_path: Path) -> None:
    for name, level in (("dark", 0), ("light", 255)):
        (tmp_path / name).mkdir()
        save_rows(row._replace(images=torch.full_like(row.images, level)), tmp_path / name / "a.pt")
    pools = [
        RenderPool(folder=str(tmp_path / "dark"), share=1.0),
        RenderPool(folder=str(tmp_path / "light"), share=3.0),
    ]
    pairs = mixed_pairs(8, pools, torch.device("cpu"))(torch.Generator().manual_seed(0))
    assert pairs.source.mean((1, 2, 3)).tolist() == [0.0] * 2 + [1.0] * 6
    assert pairs.truth is not None
    assert len(pairs.truth.flow) == len(pairs.truth.source.position) == 8


def test_what_cannot_be_a_pool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="must be positive"):
        RenderPool(folder="a", share=0.0)
    with pytest.raises(MissingFile, match="no rows in"):
        read_rows(str(tmp_path))


def test_a_run_on_pools_ends_with_a_narrow_discriminator(row: Row, tmp_path: Path) -> None:
    save_rows(row, tmp_path / "a.pt")
    hourglass = {"base": 4, "widest": 16, "levels": 2}
    table = {
        "batch": 2,
        "adversarial": 1.0,
        "discriminator": {"base": 4, "widest": 16},
        "pools": [{"folder": str(tmp_path)}],
        "network": {
            "size": SIZE,
            "base": 4,
            "widest": 8,
            "residual_blocks": 1,
            "detector": hourglass,
            "motion": hourglass,
        },
    }
    recipe = build(table, "synthetic", torch.device("cpu"))
    judge = recipe.networks["discriminator"]
    assert sum(part.numel() for part in judge.parameters()) < 20_000
    batch, step = recipe.batch(torch.Generator().manual_seed(0)), 0
    for phase in recipe.phases:
        terms, batch = phase.losses(batch, step)
        assert terms.keys() == phase.weights(step).keys()
        assert all(torch.isfinite(term) for term in terms.values())
    assert "feature_matching" in recipe.phases[0].weights(step)


@pytest.mark.parametrize("name", ["starter-photos", "starter-gan"])
def test_the_presets_for_photographs_fit_the_recipe(name: str) -> None:
    settings = configure(FommTraining, read_preset("fomm", name).recipe, "[recipe]")
    assert [pool.folder for pool in settings.pools] == ["data/puppets", "data/heads"]
    supervised, judged = bool(settings.supervision.weights(0)), settings.adversarial > 0
    assert (supervised, judged) == ((True, False) if name == "starter-photos" else (False, True))
