"""Adding a method takes its own files, one record and its manifest entry: everything else finds it by the record."""

import shutil
from pathlib import Path

import gradio as gr
import pytest
import torch

import deepfake_core
import train.__main__ as training
from deepfake_core import registry
from deepfake_core.cli import main, parser
from deepfake_core.hub import manifest, store
from deepfake_core.ui.page import EXAMPLES, build
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.widgets.examples import Examples
from tests.extension.toy import TOY, ToyModel, ToyNetwork

ENTRY = """
[toy-starter]
network = "toy"
title = "Doubling"
about = "one convolution that doubles"
file = "toy-starter.safetensors"
"""


@pytest.fixture(autouse=True)
def _toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record, and a folder of weights with the toy's beside the others' entries."""
    monkeypatch.setattr(registry, "METHODS", (*registry.METHODS, TOY))
    (tmp_path / "manifest.toml").write_text((manifest.WEIGHTS / "manifest.toml").read_text() + ENTRY)
    for file in manifest.WEIGHTS.glob("*.safetensors"):
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(manifest, "WEIGHTS", tmp_path)
    doubling = ToyNetwork()
    torch.nn.init.dirac_(doubling.conv.weight)
    state = {key: 2 * value if key == "conv.weight" else 0 * value for key, value in doubling.state_dict().items()}
    store.save(state, tmp_path / "toy-starter.safetensors", {"config": "{}"}, "toy")


def test_the_loader_finds_its_weights() -> None:
    network = store.load(None, "toy").network
    torch.testing.assert_close(network(torch.ones(1, 3, 4, 4)), torch.full((1, 3, 4, 4), 2.0))


def test_weights_list_names_it_with_paper_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list"]) == 0
    told = capsys.readouterr().out
    assert "Doubling (0.0 MB)" in told and "for: one convolution that doubles" in told
    assert f"paper: {TOY.paper}" in told


def test_the_command_line_has_its_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Filter with one convolution." in parser().format_help()
    assert main(["toy", "--seed", "5"]) == 0
    assert capsys.readouterr().out == "seed 5\n"


def test_the_page_has_its_tab_and_the_engine_its_model() -> None:
    engine = Engine(device="cpu")
    page = build(engine, Examples.in_folder(EXAMPLES))
    titles = [block.label for block in page.blocks.values() if isinstance(block, gr.Tab)]
    assert titles == [
        "Image Animation",
        "CycleGAN",
        "StarGAN",
        "StarGAN v2",
        "Toy filter",
        "Training",
        "Spot the fake",
        "Verify",
        "Weights",
        "For programs",
    ]
    (handler,) = (one for one in page.fns.values() if one.name == "filter")
    assert handler.fn is not None
    assert list(handler.fn()) == ["2.00"]


def test_training_and_the_package_know_it() -> None:
    assert "toy" in training.parser().format_help()
    assert training.builder("toy")({"batch_size": 2}, "synthetic", torch.device("cpu")).batch_size == 2
    assert deepfake_core.ToyModel is ToyModel
