"""Named weights: the manifest, the importer for the authors' files, and what damaged or hostile files are told."""

import hashlib
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from deepfake_core.errors import BadRequest, BadWeights, MissingFile, UnknownModel, WeightsMissing
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.key_maps import FOMM_KEYPOINTS, rename
from deepfake_core.hub.manifest import WEIGHTS, manifest
from deepfake_core.hub.store import find, installed, load
from deepfake_core.networks.fomm import FirstOrderModel
from tests.golden_weights import weights


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the authors' layout, with made-up numbers."""
    path = tmp_path_factory.mktemp("authors") / "vox-adv-cpk.pth.tar"
    parts = {name: weights("fomm.keys.json", name) for name in ("generator", "kp_detector")}
    for part, network in (("generator", "dense_motion_network."), ("kp_detector", "")):
        parts[part][f"{network}down.weight"] = torch.zeros(3, 1, 13, 13)  # a fixed filter, which the file holds too
    torch.save({**parts, "optimizer_generator": {"state": {}}, "epoch": 100}, path)
    return path


def test_every_entry_is_complete() -> None:
    for name, entry in manifest().items():
        assert name == entry.name and entry.about and entry.licence and entry.source
        assert entry.file is None or (WEIGHTS / entry.file).suffix == ".safetensors"


def test_published_checkpoint_is_imported_and_loaded(published: Path) -> None:
    with pytest.raises(WeightsMissing, match="weights pull fomm-vox-adv"):
        load("fomm-vox-adv", "fomm")
    path = import_checkpoint("fomm-vox-adv", published)
    assert path == find("fomm-vox-adv") and "fomm-vox-adv" in installed()
    loaded = load("fomm-vox-adv", "fomm")
    assert isinstance(loaded.network, FirstOrderModel) and loaded.metadata["licence"]
    theirs = rename(weights("fomm.keys.json", "kp_detector"), FOMM_KEYPOINTS)
    torch.testing.assert_close(
        loaded.network.keypoint_detector.heatmaps.weight, theirs["keypoint_detector.heatmaps.weight"]
    )
    assert load(None, "fomm").name == "fomm-vox-adv"  # the best on this machine
    assert all(tensor.isfinite().all() for tensor in load_file(path).values())


def test_import_refuses_code(tmp_path: Path) -> None:
    """A pickle that would touch a file when unpickled: it is refused and does not run."""
    trap, sprung = tmp_path / "trap.pth.tar", tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(sprung), "w"))  # type: ignore[return-value]

    torch.save({"generator": {}, "kp_detector": Trap()}, trap)
    with pytest.raises(BadWeights, match="never run"):
        import_checkpoint("fomm-vox-adv", trap)
    trap.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(BadWeights):
        import_checkpoint("fomm-vox-adv", trap)
    assert not sprung.exists()


def test_import_names_what_does_not_fit(published: Path, tmp_path: Path) -> None:
    content = torch.load(published, weights_only=True)
    cases = {
        "lacks": lambda: content["generator"].pop("final.bias"),
        "unexpected": lambda: content["generator"].update({"final.bias": torch.zeros(3), "extra.bias": torch.zeros(3)}),
        "shape": lambda: (
            content["generator"].pop("extra.bias"),
            content["generator"].update({"final.bias": torch.zeros(4)}),
        ),
        "no kp_detector": lambda: content.pop("kp_detector"),
    }
    for word, change in cases.items():
        change()
        torch.save(content, tmp_path / "changed.pth.tar")
        with pytest.raises(BadWeights, match=word):
            import_checkpoint("fomm-vox-adv", tmp_path / "changed.pth.tar")
    assert not (tmp_path / "home").exists()


def test_import_refuses_what_is_no_checkpoint(published: Path, tmp_path: Path) -> None:
    page, torn = tmp_path / "page.pth", tmp_path / "torn.pth"
    page.write_text("<html>sign in to download</html>")
    torn.write_bytes(published.read_bytes()[:100_000])
    for path in (page, torn):
        with pytest.raises(BadWeights, match=path.name):
            import_checkpoint("fomm-vox-adv", path)
    with pytest.raises(MissingFile):
        import_checkpoint("fomm-vox-adv", tmp_path / "gone.pth")
    with pytest.raises(UnknownModel, match="fomm-starter"):
        import_checkpoint("fomm-vex", published)
    with pytest.raises(BadRequest, match="no import"):
        import_checkpoint("fomm-starter", published)


def test_damaged_or_foreign_weights_are_not_loaded(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"\x00" * 100)
    with pytest.raises(BadWeights, match=r"bad\.safetensors"):
        load(bad, "fomm")
    with pytest.raises(MissingFile):
        load(tmp_path / "gone.safetensors", "fomm")
    save_file({"fomm.x": torch.zeros(1)}, bad, metadata={"network": "fomm", "config": '{"size": 1, "colour": 2}'})
    with pytest.raises(BadWeights, match="no valid network config"):
        load(bad, "fomm")


@pytest.mark.parametrize("content", [torch.zeros(3), {"generator": 1, "kp_detector": {}}, {"generator": {"a": 1}}, [1]])
def test_import_refuses_other_layouts(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(BadWeights):
        import_checkpoint("fomm-vox-adv", tmp_path / "other.pth")


def test_import_says_where_it_cannot_write(published: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file" / "out.safetensors", tmp_path / "out.pth"):
        with pytest.raises(BadRequest, match=place.name):
            import_checkpoint("fomm-vox-adv", published, place)


def test_the_starter_comes_with_the_repository() -> None:
    path, entry = find("fomm-starter"), manifest()["fomm-starter"]
    assert path is not None and path.stat().st_size <= 25_000_000
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry.sha256
    assert entry.preset is not None and (WEIGHTS.parent / entry.preset).is_file()
    assert load("fomm-starter", "fomm").metadata["training"]
