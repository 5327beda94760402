"""What is made of examples alone needs no consent; anything else does."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from deepfake_core.errors import ConsentMissing
from deepfake_core.pipelines.events import File, Finished
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.server import derived
from deepfake_core.ui.server.derived import DerivedFiles
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.messages import alert
from tests.pipelines.test_excerpts import trimmed

CLIP = EXAMPLES / "clips" / "sing.mp4"


def draw(folder: Path) -> Any:
    (folder / "made.png").write_bytes(b"made from an example")
    yield Finished(files=(File(path=folder / "made.png", role="result"),), notes=(), seconds=1.0)


def test_a_result_of_an_example_is_recognised_and_that_of_an_upload_is_not(tmp_path: Path):
    example, own = tmp_path / "example.png", tmp_path / "own.png"
    example.write_bytes(b"example")
    own.write_bytes(b"mine!!!")
    cache = ExampleCache([example])
    known, result = DerivedFiles(cache, []), tmp_path / "copy.png"
    result.write_bytes(b"made from an example")
    list(cache.events([own], "key", draw))
    assert not known(result)
    list(cache.events([example], "key", draw))
    assert known(result)
    assert not known(own)
    result.write_bytes(b"made from an example!")
    assert not known(result)


def test_a_trimmed_example_is_recognised_and_its_answer_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    known = DerivedFiles(ExampleCache([]), [CLIP])
    clip = trimmed(tmp_path / "sample.mp4")
    assert known(clip)
    monkeypatch.setattr(DerivedFiles, "_is_excerpt", lambda self, path: pytest.fail("read again"))
    assert known(Path(shutil.copy(clip, tmp_path / "copy.mp4")))


def test_what_cannot_be_read_or_is_large_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    known, broken = DerivedFiles(ExampleCache([]), [CLIP]), tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    assert not known(broken)
    clip = trimmed(tmp_path / "sample.mp4")
    monkeypatch.setattr(derived, "MAX_BYTES", 1000)
    assert not known(clip)


def test_a_refusal_for_want_of_consent_can_be_hidden_by_the_tick():
    assert 'class="consent-missing"' in alert(ConsentMissing("tick the box"))
    assert "consent-missing" not in alert(ValueError("x"))
