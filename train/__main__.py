"""`python -m train RECIPE`: build a recipe from a preset and train it."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from deepfake_core import registry
from deepfake_core.device import DEVICES, choose_device
from deepfake_core.errors import BadRequest, BadWeights, LabError, MissingFile
from deepfake_core.hub.store import load
from train.loop.config import LoopConfig
from train.loop.loop import Finished, Progress, fit
from train.loop.presets import configure, read_preset
from train.loop.recipe import Recipe

Build = Callable[[dict[str, Any], str, torch.device], Recipe]
"""(the preset's `[recipe]` table, "synthetic" or a folder, device) -> the recipe, on that device."""

TOOLS = {"evaluate": "train.recipes.fomm.evaluate:main", "prepare": "train.prepare:main"}
"""module:function of the commands that train nothing; each parses its own options."""

logger = logging.getLogger("train")


def parser() -> argparse.ArgumentParser:
    """Return the command line's options."""
    options = argparse.ArgumentParser(
        prog="python -m train",
        description="Train the networks of one paper.",
        epilog="See also: python -m train prepare -h (data), python -m train evaluate -h (measures).",
    )
    names = sorted(one.name for one in registry.METHODS if one.recipe)
    options.add_argument("recipe", choices=names, help="which paper")
    options.add_argument(
        "--preset", default="starter", help="a preset of train/presets, or a .toml file (default: starter)"
    )
    options.add_argument("--data", default="synthetic", metavar="DIR", help="a folder, or 'synthetic' (the default)")
    options.add_argument("--out", type=Path, metavar="DIR", help="output folder (default: runs/RECIPE-PRESET)")
    options.add_argument("--resume", action="store_true", help="continue the run in --out, if there is one")
    options.add_argument("--weights", metavar="NAME|FILE|DIR", help="initial weights; DIR for two networks")
    options.add_argument(
        "--fitting", action="store_true", help="with --weights: load the tensors that fit, initialise the others"
    )
    options.add_argument("--steps", type=int, metavar="N", help="total number of steps, instead of the preset's")
    options.add_argument("--time-limit", type=float, metavar="SECONDS", help="save and stop after this time")
    options.add_argument("--device", choices=DEVICES, default="auto", help="default: the fastest available")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; return the exit status: 0, or 2 after one line that says what was wrong with the request."""
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


def train(options: argparse.Namespace) -> None:
    """Build the recipe and train it, with progress on the terminal."""
    preset = read_preset(options.recipe, options.preset)
    overrides = {"steps": options.steps, "time_limit": options.time_limit}
    given = {name: value for name, value in overrides.items() if value is not None}
    config = configure(LoopConfig, {**preset.loop, **given}, "[loop]")
    if options.data != "synthetic" and not Path(options.data).is_dir():
        raise MissingFile(f"there is no folder {options.data}; name one with --data, or use '--data synthetic'")
    device = choose_device(options.device)
    torch.backends.cudnn.benchmark = True  # all batches have the same size
    torch.set_float32_matmul_precision("high")  # TensorFloat-32 where the GPU supports it
    torch.manual_seed(config.seed)  # the networks' initial weights
    recipe = builder(options.recipe)(preset.recipe, options.data, device)
    if options.weights:
        load_initial_weights(options.weights, recipe, fitting=options.fitting)
    parameters = sum(parameter.numel() for parameter in recipe.networks.parameters())
    logger.info(
        "%s, preset %s: %.2f million parameters on %s", options.recipe, options.preset, parameters / 1e6, device
    )
    out = options.out or Path("runs") / f"{options.recipe}-{Path(options.preset).stem}"
    show_progress(fit(recipe, config, out, options.resume), out)


def show_progress(events: Iterator[Progress | Finished], out: Path) -> None:
    """Train while showing progress: a bar on a terminal, otherwise a line for each row of the log."""
    terminal = sys.stderr.isatty()
    with tqdm(unit="step", dynamic_ncols=True, disable=not terminal) as bar:
        for event in events:
            if isinstance(event, Finished):
                bar.close()
                logger.info("%s at step %d of %d; saved in %s", event.reason, event.step, event.steps, out)
                continue
            bar.total = event.steps
            bar.update(event.step - bar.n)
            if not event.losses:
                continue
            totals = {
                name.removesuffix("/total"): loss for name, loss in event.losses.items() if name.endswith("/total")
            }
            summary = "  ".join(f"{phase} {loss:.4g}" for phase, loss in totals.items())
            if terminal:
                bar.set_postfix_str(summary)
                continue
            left = timedelta(seconds=round(event.seconds_left or 0))
            logger.info("step %d/%d  %.1f samples/s  %s left  %s", event.step, event.steps, event.rate, left, summary)


def load_initial_weights(weights: str, recipe: Recipe, *, fitting: bool = False) -> None:
    """Load named weights, or those of a file, in place of the random initialisation.

    A recipe that exports several networks takes a folder with a file for each, as written by a run. With `fitting`,
    only tensors whose name and shape match are loaded, so that a wider network, or one of another resolution, can
    start from a smaller one; otherwise a difference raises `BadWeights`.
    """
    names = recipe.ema_networks
    if len(names) > 1 and not Path(weights).is_dir():
        raise BadRequest(f"this recipe trains {', '.join(names)}: --weights takes a folder with a file for each")
    for name in names:
        file = Path(weights) / f"{name}.safetensors" if len(names) > 1 else Path(weights)
        if len(names) > 1 and not file.is_file():
            raise MissingFile(
                f"there is no {file}; --weights takes a folder with a file for each of {', '.join(names)}"
            )
        loaded = load(file if file.is_file() else weights, recipe.metadata().get("network", name))
        load_state(recipe.networks[name], loaded.network.state_dict(), str(file), fitting)


def load_state(network: nn.Module, state: dict[str, Tensor], source: str, fitting: bool) -> None:
    """Load a state, or the tensors of it that fit; `source` names it in messages."""
    own = network.state_dict()
    if fitting:
        matching = {key: value for key, value in state.items() if key in own and own[key].shape == value.shape}
        logger.info(
            "%s: %d of %d tensors fit; %d keep their initial values",
            source, len(matching), len(state), len(own) - len(matching),
        )  # fmt: skip
        state = own | matching
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        cause = str(error).splitlines()[1].strip()
        raise BadWeights(f"{source} does not fit [recipe.network] of the preset ({cause})") from error


def tool(name: str) -> Callable[[Sequence[str]], None]:
    """Import the function behind a command of `TOOLS`."""
    run: Callable[[Sequence[str]], None] = registry.resolve(TOOLS[name])
    return run


def builder(recipe: str) -> Build:
    """Import the function that builds a recipe."""
    reference = registry.method(recipe).recipe
    assert reference is not None
    build: Build = registry.resolve(reference)
    return build


if __name__ == "__main__":
    sys.exit(main())
