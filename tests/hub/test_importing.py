"""The authors' files of the translators, in their own layouts: converted and loaded again, or refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from deepfake_core.errors import BadRequest, BadWeights, MissingFile, WeightsMissing
from deepfake_core.hub import manifest as shipped_weights
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import manifest
from deepfake_core.hub.pulling import Pulled, pull
from deepfake_core.hub.store import choose, find, installed, load, preference
from deepfake_core.networks.stargan import StarGan
from deepfake_core.registry import METHODS, configs
from tests.golden_weights import DATA

FILTER = {"hpf.filter": torch.zeros(3, 3)}  # a fixed buffer that stands in the file as well


def table(file: str, network: str) -> dict[str, Tensor]:
    """A state in the authors' key names and shapes, each tensor of one number only, so that files stay small."""
    description = json.loads((DATA / f"{file}.keys.json").read_text())["networks"][network]
    rows = [dict(zip(description["columns"], row, strict=False)) for row in description["entries"]]
    return {
        row["key"]: torch.tensor(row["index"] / 1000).to(getattr(torch, row["dtype"])).expand(row["shape"])
        for row in rows
        if row["kind"] != "kept"
    }


def parallel(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As torch's DataParallel names it."""
    return {f"module.{key}": value for key, value in state.items()}


FILES = {
    "cyclegan-style_monet": lambda: table("cyclegan", "G_resnet_9blocks"),
    "stargan-celeba-128": lambda: table("stargan", "G_c5"),
    "starganv2-celeba-hq": lambda: {
        "generator": parallel(table("starganv2", "generator_w_hpf1") | FILTER),
        "mapping_network": parallel(table("starganv2", "mapping_network_2domains")),
        "style_encoder": parallel(table("starganv2", "style_encoder_2domains")),
    },
    "starganv2-afhq": lambda: {
        "generator": table("starganv2", "generator_w_hpf0"),
        "mapping_network": table("starganv2", "mapping_network_3domains"),
        "style_encoder": table("starganv2", "style_encoder_3domains"),
    },
    "fan-wing": lambda: {"state_dict": table("starganv2", "fan")},
}
"""What the authors' file of each name holds."""

LAST = {
    "cyclegan-style_monet": ("last.bias", 0.047),
    "stargan-celeba-128": ("generator.final.weight", 0.102),
    "starganv2-celeba-hq": ("generator.to_rgb.bias", 0.123),
    "starganv2-afhq": ("generator.to_rgb.bias", 0.107),
    "fan-wing": ("paint.bias", 0.335),
}
"""One of its entries under this project's name, with its number."""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("name", FILES)
def test_published_checkpoints_are_imported_and_loaded(name: str, tmp_path: Path) -> None:
    network = manifest()[name].network
    assert network is not None
    with pytest.raises(WeightsMissing, match=f"weights pull {name}"):
        load(name, network)
    torch.save(FILES[name](), tmp_path / "authors.ckpt")
    path = import_checkpoint(name, tmp_path / "authors.ckpt")
    assert path == find(name)
    loaded = load(name, network)
    assert loaded.entry == manifest()[name] and loaded.metadata["licence"]
    key, number = LAST[name]
    assert loaded.network.state_dict()[key].flatten()[0].item() == pytest.approx(number)


def test_a_discriminator_beside_the_generator_is_taken_too(tmp_path: Path) -> None:
    torch.save(FILES["stargan-celeba-128"](), tmp_path / "200000-G.ckpt")
    torch.save(table("stargan", "D_128_c5"), tmp_path / "200000-D.ckpt")
    import_checkpoint("stargan-celeba-128", tmp_path / "200000-G.ckpt")
    network = load("stargan-celeba-128", "stargan").network
    assert isinstance(network, StarGan) and network.discriminator is not None
    assert network.discriminator.classes.weight.flatten()[0].item() == pytest.approx(0.013)
    with pytest.raises(MissingFile):
        import_checkpoint("stargan-celeba-128", tmp_path / "200000-G.ckpt", critic=tmp_path / "gone.ckpt")
    with pytest.raises(BadWeights, match=r"200000-G\.ckpt with 200000-G\.ckpt"):  # the generator's file twice
        import_checkpoint("stargan-celeba-128", tmp_path / "200000-G.ckpt", critic=tmp_path / "200000-G.ckpt")
    with pytest.raises(BadRequest, match="one file"):
        import_checkpoint("fan-wing", tmp_path / "200000-G.ckpt", critic=tmp_path / "200000-D.ckpt")


@pytest.mark.parametrize("name", FILES)
def test_code_and_other_layouts_are_refused(name: str, tmp_path: Path) -> None:
    """A pickle that would touch a file when unpickled does not run; a file of another network does not fit."""
    trap, sprung = tmp_path / "trap.pth", tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(sprung), "w"))  # type: ignore[return-value]

    torch.save({"generator": {}, "state_dict": Trap(), "model.1.weight": Trap()}, trap)
    with pytest.raises(BadWeights, match="never run"):
        import_checkpoint(name, trap)
    assert not sprung.exists()
    for content in (torch.zeros(3), [1], {}, {"generator": 1, "state_dict": {"x": torch.zeros(1)}}):
        torch.save(content, trap)
        with pytest.raises(BadWeights):
            import_checkpoint(name, trap)
    assert not (tmp_path / "home").exists()


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    path, content = tmp_path / "latest_net_G.pth", table("cyclegan", "G_resnet_9blocks")
    cases = {
        "last.bias": {key: value for key, value in content.items() if key != "model.26.bias"},
        "extra": content | {"extra.weight": torch.zeros(1)},
        "first.weight": content | {"model.1.weight": torch.zeros(64, 1, 7, 7)},
    }
    for word, changed in cases.items():
        torch.save(changed, path)
        with pytest.raises(BadWeights, match=word):
            import_checkpoint("cyclegan-horse2zebra", path)


def test_the_manifest_hangs_together() -> None:
    """Every published name can be built and imported; partners know each other; needs and preferences exist."""
    entries = manifest()
    for name, entry in entries.items():
        assert (entry.file is None and entry.library_file is None) == (name in configs())
        assert (entry.network is None) == (entry.library_file is not None)
        assert entry.back is None or entries[entry.back].back == name
        assert entry.needs is None or entry.needs in entries
    assert configs().keys() <= entries.keys()
    for one in METHODS:
        assert all(entries[name].network == one.name for name in preference(one.name))
    assert preference("fomm") == ("fomm-vox-adv", "fomm-vox", "fomm-starter")
    assert preference("stargan") == ("stargan-celeba-128", "stargan-celeba-256", "stargan-starter")
    with pytest.raises(WeightsMissing):
        choose("fan")
    assert all(entries[name].file for name in installed())  # nothing was imported: starters alone, if they are there


def test_a_starter_that_is_not_here_counts_as_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(shipped_weights.WEIGHTS / "manifest.toml", tmp_path)
    monkeypatch.setattr(shipped_weights, "WEIGHTS", tmp_path)
    assert find("stargan-starter") is None and installed() == []
    with pytest.raises(WeightsMissing, match="is part of the repository"):
        load("stargan-starter", "stargan")


def test_starganv2_brings_the_landmarks_that_its_file_holds(tmp_path: Path) -> None:
    """Imported once, usable at once; landmarks that are there already stay as they are."""
    content = {**FILES["starganv2-celeba-hq"](), "fan": parallel(table("starganv2", "fan"))}  # type: ignore[dict-item]
    torch.save(content, tmp_path / "nets.ckpt")
    import_checkpoint("starganv2-celeba-hq", tmp_path / "nets.ckpt")
    assert {"starganv2-celeba-hq", "fan-wing"} <= set(installed())
    assert load("fan-wing", "fan").network.state_dict()["paint.bias"].flatten()[0].item() == pytest.approx(0.335)
    before = find("fan-wing")
    assert before is not None
    stamp = before.stat().st_mtime_ns
    import_checkpoint("starganv2-celeba-hq", tmp_path / "nets.ckpt")
    assert before.stat().st_mtime_ns == stamp


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `weights/` of one's own."""
    folder = tmp_path / "weights"
    folder.mkdir()
    shutil.copy(shipped_weights.WEIGHTS / "manifest.toml", folder)
    monkeypatch.setattr(shipped_weights, "WEIGHTS", folder)
    return folder


def test_a_file_put_into_weights_is_used(shipped: Path) -> None:
    """The authors' file under a manifest's name is converted by a pull without a network; a converted one is found."""
    name = "starganv2-afhq"
    torch.save(FILES[name](), shipped / f"{name}.ckpt")
    *_, done = pull(name)  # put there by whoever accepts its licence
    assert isinstance(done, Pulled) and "starganv2-afhq.ckpt" in done.notes[0]
    converted = find(name)
    assert converted is not None and converted.parent != shipped
    shutil.move(converted, shipped / converted.name)
    assert find(name) == shipped / converted.name
    assert load(name, "starganv2").metadata["name"] == name
    (shipped / converted.name).write_bytes(b"no weights")
    with pytest.raises(BadWeights, match="damaged"):
        load(name, "starganv2")


def test_a_wrong_file_in_weights_is_named(shipped: Path) -> None:
    torch.save(FILES["fan-wing"](), shipped / "starganv2-afhq.ckpt")
    with pytest.raises(BadWeights, match=r"starganv2-afhq\.ckpt cannot be imported"):
        list(pull("starganv2-afhq"))
    assert find("starganv2-afhq") is None
