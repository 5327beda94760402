"""The authors' files, made in their own layouts from the golden weights: what is imported gives the golden outputs.

Files are written as the authors wrote theirs: on a GPU, by a torch whose checkpoints were no zips yet, each state with
its versions beside it, as `state_dict()` gives it.
"""

import shutil
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.store import load
from deepfake_core.registry import METHODS
from tests.golden_weights import DATA, fomm_inputs, weights
from tests.hub.test_importing import parallel
from tests.networks import test_cyclegan_goldens as cyclegan
from tests.networks import test_stargan_goldens as stargan
from tests.networks.test_fomm_goldens import TOLERANCES, assert_keypoints, check_against
from tests.networks.test_starganv2_goldens import PICTURES, first_style
from tests.starganv2_goldens import AFHQ, CELEBA, TABLE, Stored, checkpoint, latents, pictures

State = dict[str, Tensor]


def fomm_file() -> dict[str, Any]:
    """With what training needs as well, and the fixed filters, whose numbers here would spoil every picture."""
    generator, detector = (weights("fomm.keys.json", part, lively=True) for part in ("generator", "kp_detector"))
    fixed = torch.zeros(3, 1, 13, 13)
    moments = {"step": 7, "exp_avg": torch.ones(2), "exp_avg_sq": torch.ones(2)}
    return {
        "generator": generator | {"dense_motion_network.down.weight": fixed},
        "kp_detector": detector | {"down.weight": fixed},
        "discriminator": weights("fomm.keys.json", "discriminator_vox-adv-256"),
        "optimizer_generator": {"state": {0: moments}, "param_groups": [{"lr": 2e-4, "params": [0]}]},
        "epoch": 149,
    }


def older_cyclegan() -> State:
    """With running statistics of every norm, which torch before 0.4 wrote, and which would spoil every picture."""
    state = weights(cyclegan.TABLE, "G_resnet_9blocks")
    for key in [key for key in state if key.endswith(".bias") and key != "model.26.bias"]:
        *outer, place, _ = key.split(".")
        norm = ".".join([*outer, str(int(place) + 1)])
        state |= {f"{norm}.running_mean": 9 * state[key], f"{norm}.running_var": 9 + state[key] ** 2}
        state[f"{norm}.num_batches_tracked"] = torch.tensor(9)
    return state


def celeba_hq() -> dict[str, State]:
    """Under the names that DataParallel gives, with the face alignment network that keeps features in place."""
    parts = {**checkpoint(CELEBA, lively=True), "fan": weights(TABLE, "fan", lively=True)}
    return {name: parallel(state) for name, state in parts.items()}


def wing() -> dict[str, Any]:
    """With a further hourglass, which is not used."""
    more = {"m1.coordconv.conv.weight": torch.zeros(1), "bl0.weight": torch.zeros(1)}
    return {"epoch": 1, "state_dict": parallel(weights(TABLE, "fan", lively=True) | more)}


FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "vox-adv-cpk.pth.tar": fomm_file,
    "latest_net_G.pth": lambda: weights(cyclegan.TABLE, "G_resnet_9blocks"),
    "older_net_G.pth": older_cyclegan,
    "200000-G.ckpt": lambda: weights(stargan.TABLE, "G_c5"),
    "200000-D.ckpt": lambda: weights(stargan.TABLE, "D_128_c5"),
    "g_celeba-128x128.pth.tar": stargan.mirrored,
    "celeba_nets_ema.ckpt": celeba_hq,
    "afhq_nets_ema.ckpt": lambda: checkpoint(AFHQ, lively=True),
    "wing.ckpt": wing,
}
"""What each of the authors' files holds."""


def as_saved(content: Any) -> Any:
    """Every state ordered, with its versions beside it."""
    if not isinstance(content, dict):
        return content
    saved = OrderedDict((key, as_saved(value)) for key, value in content.items())
    if any(isinstance(value, Tensor) for value in content.values()):
        vars(saved)["_metadata"] = OrderedDict({"": {"version": 1}})
    return saved


def written(folder: Path, name: str) -> Path:
    """One of the authors' files, or the zip around both of StarGAN's."""
    path = folder / name
    if path.exists():
        return path
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for member, method in (("200000-D.ckpt", zipfile.ZIP_STORED), ("200000-G.ckpt", zipfile.ZIP_DEFLATED)):
                archive.write(written(folder, member), f"celeba-128x128-5attrs/{member}", method, 1)
        return path
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        torch.save(as_saved(FILES[name]()), path, _use_new_zipfile_serialization=name == "g_celeba-128x128.pth.tar")
    return path


def animates(model: Any) -> None:
    golden, (source, driving) = np.load(DATA / "fomm_aligned.golden.npz"), fomm_inputs("smooth")
    here, there = model.keypoint_detector(source), model.keypoint_detector(driving[:1])
    assert_keypoints(golden, "smooth.kp_driving", there)
    made = model.generate(model.encode(source), here, there).prediction
    check_against(golden, "smooth.prediction", made, *TOLERANCES["prediction"])


def translates(model: Any) -> None:
    golden = np.load(DATA / "cyclegan.golden.npz")
    made = model(cyclegan.picture("noise_260x200"))
    check_against(golden, "G9.noise_260x200", made, cyclegan.LARGEST, cyclegan.MEAN)


def edits(model: Any) -> None:
    golden, images = np.load(DATA / "stargan.golden.npz"), stargan.pictures("smooth")
    check_against(golden, "G.train.smooth", model(images, stargan.HERE), stargan.LARGEST, stargan.MEAN)


def edits_and_reads(model: Any) -> None:
    edits(model)
    golden, verdict = np.load(DATA / "stargan.golden.npz"), model.discriminator(stargan.pictures("smooth"))
    np.testing.assert_allclose(verdict.scores.numpy(), golden["D.smooth.src"], atol=1e-5)
    np.testing.assert_allclose(verdict.logits.numpy(), golden["D.smooth.cls"], atol=1e-5)


def restyles(stored: Stored) -> Callable[[Any], None]:
    def check(model: Any) -> None:
        golden, images = np.load(DATA / "starganv2_lively.golden.npz"), pictures("smooth")
        domain = torch.tensor([0, 1] if stored is CELEBA else [2, 1])
        style, read = model.mapping(latents(), domain), model.style_encoder(images, domain)
        np.testing.assert_allclose(style, golden[f"mapping{stored.domains}.s"], atol=1e-5)
        np.testing.assert_allclose(read, golden[f"style_encoder{stored.domains}.smooth.s"], atol=3e-5)
        made = model.generator.decode(model.generator.encode(images[:1]), first_style(golden), None)
        tolerance = PICTURES[stored.generator]["starganv2_lively", "s_mapping.nomask"]
        check_against(golden, f"{stored.generator}.smooth.s_mapping.nomask", made, *tolerance)

    return check


def finds_the_face(model: Any) -> None:
    golden, heatmaps = np.load(DATA / "starganv2_lively.golden.npz"), model(pictures("smooth") * 0.5 + 0.5)
    check_against(golden, "fan.smooth.heatmaps_every9th", heatmaps[:, ::9], 2e-4, 2e-5)


class Case(NamedTuple):
    name: str
    file: str
    check: Callable[[Any], None]


CASES = [
    Case("fomm-vox-adv", "vox-adv-cpk.pth.tar", animates),
    Case("cyclegan-horse2zebra", "latest_net_G.pth", translates),
    Case("cyclegan-style_monet", "older_net_G.pth", translates),
    Case("stargan-celeba-128", "celeba-128x128-5attrs.zip", edits_and_reads),
    Case("stargan-celeba-128", "g_celeba-128x128.pth.tar", edits),
    Case("starganv2-celeba-hq", "celeba_nets_ema.ckpt", restyles(CELEBA)),
    Case("fan-wing", "celeba_nets_ema.ckpt", finds_the_face),
    Case("fan-wing", "wing.ckpt", finds_the_face),
    Case("starganv2-afhq", "afhq_nets_ema.ckpt", restyles(AFHQ)),
]


@pytest.fixture(scope="module")
def authors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the authors' files; it goes afterwards, since they are large."""
    folder = tmp_path_factory.mktemp("authors")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of imported weights, which goes afterwards as well."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    shutil.rmtree(tmp_path / "home")


QUICK = ("latest_net_G.pth", "older_net_G.pth", "g_celeba-128x128.pth.tar")
"""Files that are imported and tested within some three seconds at full size."""
marked = [pytest.param(case, marks=() if case.file in QUICK else pytest.mark.slow) for case in CASES]


@pytest.mark.parametrize("case", marked, ids=lambda case: f"{case.name} from {case.file}")
@torch.no_grad()
def test_what_is_imported_gives_the_golden_output(case: Case, authors: Path, home: Path) -> None:
    path = import_checkpoint(case.name, written(authors, case.file))
    assert path.parent == home
    kind = entry(case.name).network
    assert kind is not None
    network = load(case.name, kind).network
    assert not network.training
    case.check(network)


def test_every_method_is_among_them() -> None:
    assert {entry(case.name).network for case in CASES} == {one.name for one in METHODS if one.key_map}
    assert set(FILES) - {case.file for case in CASES} == {"200000-G.ckpt", "200000-D.ckpt"}  # which are in the zip
