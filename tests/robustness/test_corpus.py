"""What the corpus is made of: the same on every run, of every kind, with structure to break, and with what it says."""

import hashlib
import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.robustness.corpus import originals
from benchmarks.robustness.corpus.bombs import packed_zeros
from benchmarks.robustness.corpus.broken import KINDS, broken
from benchmarks.robustness.corpus.lures import Bait, Code, playlist
from benchmarks.robustness.corpus.mutations import MUTATIONS, Random
from benchmarks.robustness.corpus.structure import parts

REPOSITORY = Path(__file__).parents[2]
ORIGINALS = [
    *((originals.picture, ending) for ending in originals.PICTURES),
    *((originals.clip, ending) for ending in originals.CLIPS),
    *((originals.weights, kind) for kind in originals.WEIGHTS),
]
WITH_PARTS = ("png", "jpg", "webp", "gif", "tif", "mp4", "mov", "webm", "mkv", "avi", "ts", "zip", "pth", "safetensors")
DIGESTS = """
import hashlib
from benchmarks.robustness.corpus.broken import KINDS, broken
for kind in KINDS:
    print(hashlib.sha256(b"".join(broken(kind, seed).content for seed in range(8))).hexdigest())
"""


def test_another_process_makes_the_same_files() -> None:
    own = [hashlib.sha256(b"".join(broken(kind, seed).content for seed in range(8))).hexdigest() for kind in KINDS]
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", DIGESTS]
    other = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert other.stdout.split() == own


def test_seeds_give_different_files() -> None:
    for kind in KINDS:
        assert len({broken(kind, seed).content for seed in range(40)}) > 5, kind


@pytest.mark.parametrize(("make", "kind"), ORIGINALS)
def test_the_parts_of_a_sound_file_lie_within_it(make, kind: str) -> None:
    content = make(kind)
    for part in parts(content):
        assert 0 <= part.start <= part.body <= max(part.body, part.end)
        if part.size:
            assert part.start <= part.size[0] < len(content)
    if kind in WITH_PARTS:
        assert sum(part.end <= len(content) for part in parts(content)) >= 2


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutation_changes_most_files_and_fails_at_none(mutation: str) -> None:
    for make, kind in ORIGINALS:
        content = make(kind)
        changed = [MUTATIONS[mutation](content, Random(seed)) for seed in range(20)]
        assert sum(one != content for one in changed) > 10, kind
        for one in changed[:5]:  # what is broken can be broken again
            MUTATIONS[mutation](one, Random(0))


def test_sound_pictures_open_and_turned_bits_behind_a_right_checksum_reach_the_decoder() -> None:
    for ending in originals.PICTURES:
        with Image.open(io.BytesIO(originals.picture(ending))) as image:
            image.load()
    decoded = 0
    for seed in range(60):
        try:
            with Image.open(io.BytesIO(MUTATIONS["flipped"](originals.picture("png"), Random(seed)))) as image:
                image.load()
        except Exception:  # a broken picture may raise anything
            continue
        decoded += 1
    assert 0 < decoded < 60


def test_a_bomb_is_a_thousand_times_smaller_than_what_comes_out() -> None:
    assert len(packed_zeros(2**24)) * 900 < 2**24


def test_playlists_name_the_bait(tmp_path: Path) -> None:
    bait = Bait(tmp_path, "http://127.0.0.1:9")
    named = [playlist(Random(seed), bait)[0].decode() for seed in range(100)]
    assert sum(str(tmp_path) in one or bait.address in one for one in named) > 90


def test_the_code_in_the_pickles_would_write_the_bait_if_it_ran(tmp_path: Path) -> None:
    bait = Bait(tmp_path, "")
    assert not bait.touched.exists()
    pickle.loads(pickle.dumps(Code(bait))).close()
    assert bait.touched.exists()


def test_archives_hold_names_that_lead_elsewhere() -> None:
    names = set[str]()
    for seed in range(60):
        with zipfile.ZipFile(io.BytesIO(broken("archive with odd names", seed).content)) as archive:
            names.update(archive.namelist())
    assert any(name.startswith("../") for name in names) and any(name.startswith("/") for name in names)
