"""The page, with its uploads in a folder of the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deepfake_core.ui.page import EXAMPLES, build
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.validation import CheckedBlocks
from deepfake_core.ui.widgets.examples import Examples


@pytest.fixture(scope="package")
def upload_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("gradio")
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="package")
def served(upload_folder: Path) -> CheckedBlocks:
    """The whole page, without limits on runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPFAKE_DOWNLOADS", "on")
        page = build(Engine(device="cpu"), Examples.in_folder(EXAMPLES))
    assert isinstance(page, CheckedBlocks)
    return page


@pytest.fixture
def any_number_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_RUNS_PER_MINUTE", "1000000")
    monkeypatch.setenv("DEEPFAKE_RUNS_PER_MINUTE_ADDRESS", "1000000")
