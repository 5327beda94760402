"""Small random networks that replace missing starter weights."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deepfake_core.hub.manifest import WEIGHTS, manifest

SIZE = 64


def write_missing_starters(folder: Path) -> None:
    """Write a file for each starter that is missing from the repository."""
    missing = [one.name for one in manifest().values() if one.file and not (WEIGHTS / one.file).is_file()]
    if missing:
        _write(folder, missing)


def _write(folder: Path, names: list[str]) -> None:
    import torch

    from deepfake_core.hub.store import save
    from deepfake_core.networks import cyclegan, stargan, starganv2

    def translator() -> torch.nn.Module:
        return cyclegan.Generator(cyclegan.CycleGanConfig(size=SIZE, base=4, blocks=1))

    def synthesizer(*domains: str) -> torch.nn.Module:
        config = starganv2.StarGanV2Config(
            size=SIZE, domains=domains, base=8, widest=16, style=8, latent=4, mapping_hidden=16, high_pass=0.0
        )
        return starganv2.StarGanV2(config)

    critic = stargan.StarGanConfig(size=SIZE, base=4, blocks=1, critic_base=4, critic=True)
    makers = {
        "cyclegan-starter-horse2zebra": translator,
        "cyclegan-starter-zebra2horse": translator,
        "stargan-starter": lambda: stargan.StarGan(critic),
        "starganv2-starter-heads": lambda: synthesizer("female", "male"),
        "starganv2-starter-animals": lambda: synthesizer("cat", "dog", "wild"),
    }
    torch.manual_seed(0)
    for name in names:
        module: Any = makers[name]()
        save(
            module.state_dict(),
            folder / f"{name}.safetensors",
            {"config": json.dumps(asdict(module.config))},
            name.split("-")[0],
        )
