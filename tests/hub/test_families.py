"""Weights of several files or layouts: the animator of avatarify, StarGAN and its discriminator, files of libraries."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from deepfake_core.errors import BadWeights
from deepfake_core.faces import landmarks
from deepfake_core.hub import library_files, pulling
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.inventory import remove, verify
from deepfake_core.hub.manifest import HubFile, entry
from deepfake_core.hub.store import find, installed, load, usable
from deepfake_core.pipelines.editor import AttributeEditor
from tests.golden_weights import weights
from tests.hub.hub_server import Hub
from tests.hub.pulled import last
from tests.hub.test_importing import FILES, table
from train.common.perceptual import Vgg19Features, perceptual_features

DETECTOR_FILE = "s3fd-619a316812.pth"
"""The name under which face-alignment looks for its detector."""


def packed(content: object) -> bytes:
    written = io.BytesIO()
    torch.save(content, written)
    return written.getvalue()


def test_avatarifys_smaller_file_is_accepted_by_its_layout(tmp_path: Path, home: Path) -> None:
    """Generator and keypoint detector alone, without discriminator and optimizers: another file, with another hash."""
    parts = {name: weights("fomm.keys.json", name) for name in ("generator", "kp_detector")}
    path = tmp_path / "vox-adv-cpk.pth.tar"
    torch.save(parts, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() != entry("fomm-vox-adv").sha256
    import_checkpoint("fomm-vox-adv", path)
    assert load(None, "fomm").name == "fomm-vox-adv"


def stargan(hub: Hub, *, discriminator: object) -> HubFile:
    """Put StarGAN's two files on the Hub."""
    source = entry("stargan-celeba-128").sources[0]
    assert isinstance(source, HubFile) and source.critic == "d_celeba-128x128.pth.tar"
    hub.files = {(source.repo, source.file): packed(FILES["stargan-celeba-128"]())}
    if discriminator is not None:
        hub.files[source.repo, source.critic] = packed(discriminator)
    return source


def test_stargan_comes_with_its_discriminator_and_reads_attributes(hub: Hub) -> None:
    stargan(hub, discriminator={"state_dict": table("stargan", "D_128_c5")})
    done = last("stargan-celeba-128")
    assert len(hub.gets()) == 2 and not any("discriminator" in note for note in done.notes)
    editor = AttributeEditor.from_pretrained("stargan-celeba-128", device="cpu")
    read = editor.read(np.full((128, 128, 3), 127, np.uint8), crop="none")
    assert len(read) == 5
    assert "d_celeba-128x128.pth.tar" in load("stargan-celeba-128", "stargan").metadata["origin"]


@pytest.mark.parametrize("discriminator", [None, {"conv2.weight": torch.zeros(5, 1)}])
def test_stargan_without_a_fitting_discriminator_edits_and_says_so(discriminator: object, hub: Hub) -> None:
    stargan(hub, discriminator=discriminator)
    assert any("attributes are not read" in note for note in last("stargan-celeba-128").notes)
    assert usable("stargan-celeba-128")


def test_files_of_libraries_are_found_where_they_look(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """face-alignment's two, by their own names; a file with another hash is refused."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    contents = {name: name.encode() for name in ("face-alignment-detector", "face-alignment-landmarks")}
    changed = {}
    for name, content in contents.items():
        source = HubFile(repo="me/files", kind="model", file=f"{name}.pth")
        changed[name] = replace(entry(name), sources=(source,), sha256=hashlib.sha256(content).hexdigest(), bytes=None)
        hub.files["me/files", source.file] = content
    monkeypatch.setattr(pulling, "entry", lambda name: changed[name])
    for name in contents:
        last(name)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    assert {path.name for path in folder.iterdir()} == {DETECTOR_FILE, landmarks.LANDMARKS_FILE}
    assert set(contents) <= set(installed())
    wrong = [one.name for one in verify() if not one.intact]
    assert wrong == list(contents), "they are not those of the manifest"
    with pytest.raises(BadWeights, match="is not the file of face-alignment-detector: sha256 must be 619a3168"):
        import_checkpoint("face-alignment-detector", folder / DETECTOR_FILE)
    remove("face-alignment-detector")
    assert find("face-alignment-detector") is None and usable("face-alignment-landmarks")


def test_the_perceptual_loss_takes_the_vgg19_that_was_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """timm's file has torchvision's names of layers, and a head that is not needed."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    _, why = perceptual_features()
    assert "weights pull vgg19" in why
    own = {f"features.{key.removeprefix('layers.')}": value for key, value in Vgg19Features().state_dict().items()}
    own["features.0.weight"] = torch.full_like(own["features.0.weight"], 0.125)
    path = library_files.library_path(entry("vgg19"))
    path.parent.mkdir(parents=True)
    save_file({**own, "head.fc.bias": torch.zeros(10)}, path)
    features, why = perceptual_features()
    assert isinstance(features, Vgg19Features) and str(path) in why
    assert features.layers[0].weight.flatten()[0] == 0.125
