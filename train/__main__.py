"""`python -m train RECIPE`: build a recipe from a preset and train it."""

import argparse
import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepfake_core.device import DEVICES, choose_device
from deepfake_core.errors import BadRequest, BadWeights, LabError, MissingFile
from deepfake_core.hub.store import load
from train.config import LoopConfig
from train.loop import fit
from train.recipe import Recipe
from train.settings import configure, read_preset

Build = Callable[[dict[str, Any], str, torch.device], Recipe]
"""(the preset's `[recipe]` table, "synthetic" or a folder, device) -> the recipe, placed on the device."""

RECIPES = {
    "cyclegan": "train.cyclegan:build",
    "fomm": "train.fomm:build",
    "stargan": "train.stargan:build",
    "starganv2": "train.starganv2:build",
}
"""module:function of each recipe's `Build`, imported when it is asked for."""

TOOLS = {"evaluate": "train.evaluate:main", "prepare": "train.prepare:main"}
"""What the first word may name besides a recipe; each reads its own options."""

logger = logging.getLogger("train")


def parser() -> argparse.ArgumentParser:
    """Return the command line's options."""
    options = argparse.ArgumentParser(
        prog="python -m train",
        description="Train the networks of one paper.",
        epilog="'python -m train prepare -h' and 'python -m train evaluate -h' tell of data and of measuring.",
    )
    options.add_argument("recipe", choices=sorted(RECIPES), help="which paper")
    options.add_argument("--preset", default="starter", help="one of train/presets, or a .toml file (default: starter)")
    options.add_argument("--data", default="synthetic", metavar="DIR", help="a folder, or 'synthetic' (the default)")
    options.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: runs/RECIPE-PRESET)")
    options.add_argument("--resume", action="store_true", help="go on with the run in --out, if there is one")
    options.add_argument("--weights", metavar="NAME|FILE|DIR", help="start from these; DIR for two networks")
    options.add_argument("--fitting", action="store_true", help="with --weights: take what fits, the rest starts anew")
    options.add_argument("--steps", type=int, metavar="N", help="train for N steps in all, instead of the preset's")
    options.add_argument("--time-limit", type=float, metavar="SECONDS", help="save and stop after so long")
    options.add_argument("--device", choices=DEVICES, default="auto", help="default: the fastest one here")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; return the exit status: 0, or 2 after one line on what was wrong with the request."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if given and given[0] in TOOLS:
            tool(given[0])(given[1:])
        else:
            train(parser().parse_args(given))
    except LabError as error:
        print(f"python -m train: {error}", file=sys.stderr)
        return 2
    return 0


def train(asked: argparse.Namespace) -> None:
    """Build what was asked for and hand it to the loop."""
    preset = read_preset(asked.recipe, asked.preset)
    overrides = {"steps": asked.steps, "time_limit": asked.time_limit}
    given = {name: value for name, value in overrides.items() if value is not None}
    config = configure(LoopConfig, {**preset.loop, **given}, "[loop]")
    if asked.data != "synthetic" and not Path(asked.data).is_dir():
        raise MissingFile(f"there is no folder {asked.data}; name one with --data, or use '--data synthetic'")
    device = choose_device(asked.device)
    torch.backends.cudnn.benchmark = True  # every batch has one size
    torch.set_float32_matmul_precision("high")  # TensorFloat-32 where the GPU has it
    torch.manual_seed(config.seed)  # the networks' first weights
    recipe = builder(asked.recipe)(preset.recipe, asked.data, device)
    if asked.weights:
        start_from(asked.weights, recipe, fitting=asked.fitting)
    parameters = sum(parameter.numel() for parameter in recipe.networks.parameters())
    logger.info("%s, preset %s: %.2f million parameters on %s", asked.recipe, asked.preset, parameters / 1e6, device)
    out = asked.out or Path("runs") / f"{asked.recipe}-{Path(asked.preset).stem}"
    fit(recipe, config, out, asked.resume)


def start_from(weights: str, recipe: Recipe, *, fitting: bool = False) -> None:
    """Put named weights, or those of a file, in the place of the random ones with which a new run begins.

    A recipe that averages several networks takes a folder, which holds a file for each, as a run writes them.
    `fitting` takes those tensors alone that have a place of their name and shape, so that a wider network, or one of
    another resolution, can begin with what a smaller one knows. Else a difference raises `BadWeights`.
    """
    names = recipe.averaged
    if len(names) > 1 and not Path(weights).is_dir():
        raise BadRequest(f"this recipe trains {', '.join(names)}: --weights takes a folder with a file for each")
    for name in names:
        file = Path(weights) / f"{name}.safetensors" if len(names) > 1 else Path(weights)
        if len(names) > 1 and not file.is_file():
            raise MissingFile(
                f"there is no {file}; --weights takes a folder with a file for each of {', '.join(names)}"
            )
        loaded = load(file if file.is_file() else weights, recipe.metadata().get("network", name))
        fill(recipe.networks[name], loaded.network.state_dict(), str(file), fitting)


def fill(network: nn.Module, state: dict[str, Tensor], source: str, fitting: bool) -> None:
    """Load a state, or what of it fits; `source` names it."""
    own = network.state_dict()
    if fitting:
        taken = {key: value for key, value in state.items() if key in own and own[key].shape == value.shape}
        logger.info("of %s, %d of %d tensors fit; %d start anew", source, len(taken), len(state), len(own) - len(taken))
        state = own | taken
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        cause = str(error).splitlines()[1].strip()
        raise BadWeights(f"{source} is of another [recipe.network] than the preset ({cause})") from error


def tool(name: str) -> Callable[[Sequence[str]], None]:
    """Import the function behind a word that is no recipe."""
    module, function = TOOLS[name].split(":")
    run: Callable[[Sequence[str]], None] = getattr(importlib.import_module(module), function)
    return run


def builder(recipe: str) -> Build:
    """Import the function that builds a recipe."""
    module, function = RECIPES[recipe].split(":")
    build: Build = getattr(importlib.import_module(module), function)
    return build


if __name__ == "__main__":
    sys.exit(main())
