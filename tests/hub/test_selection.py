"""Which weights a picture gets when none are chosen, and the names that people read."""

from pathlib import Path

import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import entry, manifest
from deepfake_core.hub.selection import candidates, depends_on_picture, select, task_of, tasks
from deepfake_core.media.picture_kind import PictureKind


@pytest.fixture(autouse=True)
def _own_home(home: Path) -> None:
    home.mkdir()


def install(home: Path, *names: str) -> None:
    for name in names:
        (home / f"{name}.safetensors").touch()


@pytest.mark.parametrize("network", ["fomm", "stargan", "starganv2", "cyclegan"])
@pytest.mark.parametrize("kind", ["drawing", "photograph"])
def test_the_starters_are_used_for_everything_while_nothing_else_is_installed(network: str, kind: PictureKind) -> None:
    chosen = [select(network, kind, task) for task in tasks(network)]
    assert chosen == [name for name, one in manifest().items() if one.network == network and one.starter]
    assert not any(depends_on_picture(network, task) for task in tasks(network))


def test_a_photograph_gets_weights_for_photographs_and_a_drawing_the_starters(home: Path) -> None:
    install(home, "fomm-vox", "stargan-celeba-256", "cyclegan-zebra2horse", "starganv2-afhq")
    assert select("fomm", "photograph") == "fomm-vox" and select("fomm", "drawing") == "fomm-starter"
    install(home, "fomm-vox-adv")
    assert select("fomm", "photograph") == "fomm-vox-adv", "the sharper of two"
    assert select("stargan", "photograph") == "stargan-celeba-256"
    assert select("stargan", "drawing") == "stargan-starter"
    assert select("cyclegan", "photograph", "zebra to horse") == "cyclegan-zebra2horse"
    assert select("cyclegan", "photograph", "horse to zebra") == "cyclegan-starter-horse2zebra", "never another task"
    assert select("starganv2", "photograph", "animals") == "starganv2-afhq"
    assert select("starganv2", "photograph", "faces") == "starganv2-starter-heads"
    assert depends_on_picture("starganv2", "animals") and not depends_on_picture("starganv2", "faces")


def test_weights_without_the_others_that_they_need_are_not_chosen(home: Path) -> None:
    install(home, "starganv2-celeba-hq")
    assert select("starganv2", "photograph", "faces") == "starganv2-starter-heads"
    install(home, "fan-wing")
    assert select("starganv2", "photograph", "faces") == "starganv2-celeba-hq"


def test_weights_for_something_else_are_never_chosen_automatically(home: Path) -> None:
    install(home, "fomm-taichi", "cyclegan-style_monet")
    assert candidates("fomm", "faces") == ["fomm-starter"]
    assert select("cyclegan", "photograph") == "cyclegan-starter-horse2zebra"


def test_a_choice_is_a_name_or_automatic() -> None:
    assert task_of("cyclegan", "cyclegan-horse2zebra") is None
    assert task_of("cyclegan", None) == task_of("cyclegan", "automatic horse to zebra") == "horse to zebra"
    with pytest.raises(BadRequest, match="must be for faces, got 'robots'"):
        task_of("fomm", "automatic robots")


def test_every_set_of_weights_has_a_name_of_its_own_in_its_family() -> None:
    named = [(one.family, one.title) for one in manifest().values()]
    assert len(set(named)) == len(named) and all(title for _, title in named)
    assert entry("cyclegan-starter-zebra2horse").title == "Zebra to horse, drawn"
    assert entry("fomm-vox").title == "VoxCeleb faces, photographs"
    assert entry("fomm-vox").family == "Image Animation"


def test_only_starters_are_for_drawings_and_every_kind_has_a_page() -> None:
    drawings = {name for name, one in manifest().items() if one.pictures == "drawing"}
    assert drawings == {name for name, one in manifest().items() if one.starter}
    assert entry("fomm-mgif").pictures == "any" and entry("cyclegan-horse2zebra").pictures == "photograph"
    places = entry("cyclegan-horse2zebra").places
    assert places["the Hub's space Yanguan/CycleGAN"] == "https://huggingface.co/spaces/Yanguan/CycleGAN"
    assert entry("fomm-vox").places["the Hub's model MCMLXXXVII/thinplatesv1"].endswith(".co/MCMLXXXVII/thinplatesv1")
