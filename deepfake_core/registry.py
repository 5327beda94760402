"""Registry with one frozen record per method: the only list of methods in the project.

It is used by the loader and the importer (`hub`), the page and its engine (`ui`), the command line (`cli`), the
package's public names, `python -m train` and `python -m benchmarks`. A record refers to code as "module:name", which is
imported on first use: listing the methods imports none of them, and `deepfake_core` never imports `train`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from deepfake_core.errors import BadRequest

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """One method: its paper, and references to its parts."""

    name: str
    """Its name in manifest entries, weights files, `python -m train` and `python -m benchmarks quality`."""
    title: str
    """Its display name: the title of the tab, and the heading of its weights."""
    paper: str
    licence: str
    """Licence of the authors' published weights."""
    network: str
    """A module class whose only argument is the config."""
    config: str
    """A frozen dataclass with `from_dict`, the inverse of `dataclasses.asdict`."""
    published: str | None = None
    """The configs of the published weights by their names in the manifest."""
    key_map: str | None = None
    """The function that maps the authors' checkpoint to this project's keys."""
    preferred: tuple[str, ...] = ()
    """Published weights to use by default, best first; empty: all, in the order of `published`. Starters come last in
    either case."""
    model: str | None = None
    """The public Python class; it has `from_pretrained(name, device=)`."""
    tab: str | None = None
    """The class of its tab on the page, constructed with `ui.services.Services`."""
    command: str | None = None
    """The function that adds its subcommand to the command line's subparsers."""
    recipe: str | None = None
    """The function that builds its training recipe (`train.__main__.Build`)."""
    quality: str | None = None
    """The function that evaluates its weights on synthetic data with known ground truth."""

    def build(self, config: Mapping[str, Any]) -> "nn.Module":
        """The network described by a config as stored in weights files."""
        network: nn.Module = resolve(self.network)(resolve(self.config).from_dict(dict(config)))
        return network

    def configs(self) -> Mapping[str, Any]:
        """Configs of the published weights by name, in the authors' order."""
        configs: Mapping[str, Any] = resolve(self.published) if self.published else {}
        return configs

    def state(self, checkpoint: Any) -> "dict[str, Tensor]":
        """The authors' checkpoint under this project's keys. Raises `BadWeights` for other content."""
        if self.key_map is None:
            raise BadRequest(
                f"{self.title} has no published checkpoint to import; use the weights of `python -m train`"
            )
        state: dict[str, Tensor] = resolve(self.key_map)(checkpoint)
        return state


METHODS: tuple[Method, ...] = (
    Method(
        name="fomm",
        title="Image Animation",
        paper="Siarohin et al., First Order Motion Model for Image Animation, NeurIPS 2019",
        licence="CC BY-NC 4.0 in older, MIT in newer versions of the authors' repository; the weights are not "
        "addressed",
        network="deepfake_core.networks.fomm:FirstOrderModel",
        config="deepfake_core.networks.fomm:FommConfig",
        published="deepfake_core.networks.fomm:CONFIGS",
        key_map="deepfake_core.hub.key_maps:fomm_state",
        preferred=("fomm-vox-adv", "fomm-vox"),  # the others are not for faces
        model="deepfake_core.pipelines.animator:ImageAnimator",
        tab="deepfake_core.ui.tabs.animation:AnimationTab",
        command="deepfake_core.cli.animate:add",
        recipe="train.recipes.fomm.recipe:build",
        quality="benchmarks.quality.fomm:measure_quality",
    ),
    Method(
        name="cyclegan",
        title="CycleGAN",
        paper="Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, ICCV 2017",
        licence="BSD-2-Clause (the authors' repository; the weights are not addressed)",
        network="deepfake_core.networks.cyclegan:Generator",
        config="deepfake_core.networks.cyclegan:CycleGanConfig",
        published="deepfake_core.networks.cyclegan:CONFIGS",
        key_map="deepfake_core.hub.key_maps:cyclegan_state",
        model="deepfake_core.pipelines.translator:CycleTranslator",
        tab="deepfake_core.ui.tabs.cyclegan:TranslationTab",
        command="deepfake_core.cli.translate:add",
        recipe="train.recipes.cyclegan.recipe:build",
        quality="benchmarks.quality.cyclegan:measure_quality",
    ),
    Method(
        name="cyclegan-discriminator",
        title="Discriminators of CycleGAN, to look inside",
        paper="Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, ICCV 2017",
        licence="MIT",
        network="deepfake_core.networks.cyclegan:PatchDiscriminator",
        config="deepfake_core.networks.cyclegan:PatchDiscriminatorConfig",
    ),
    Method(
        name="stargan",
        title="StarGAN",
        paper="Choi et al., StarGAN: Unified Generative Adversarial Networks for Multi-Domain Image-to-Image "
        "Translation, CVPR 2018",
        licence="MIT (the authors' repository; the weights are not addressed)",
        network="deepfake_core.networks.stargan:StarGan",
        config="deepfake_core.networks.stargan:StarGanConfig",
        published="deepfake_core.networks.stargan:CONFIGS",
        key_map="deepfake_core.hub.key_maps:stargan_state",
        model="deepfake_core.pipelines.editor:AttributeEditor",
        tab="deepfake_core.ui.tabs.stargan:AttributesTab",
        command="deepfake_core.cli.attributes:add",
        recipe="train.recipes.stargan.recipe:build",
        quality="benchmarks.quality.stargan:measure_quality",
    ),
    Method(
        name="starganv2",
        title="StarGAN v2",
        paper="Choi et al., StarGAN v2: Diverse Image Synthesis for Multiple Domains, CVPR 2020",
        licence="CC BY-NC 4.0: no commercial use",
        network="deepfake_core.networks.starganv2:StarGanV2",
        config="deepfake_core.networks.starganv2:StarGanV2Config",
        published="deepfake_core.networks.starganv2:CONFIGS",
        key_map="deepfake_core.hub.key_maps:starganv2_state",
        model="deepfake_core.pipelines.synthesizer:StyleSynthesizer",
        tab="deepfake_core.ui.tabs.starganv2:StylesTab",
        command="deepfake_core.cli.style:add",
        recipe="train.recipes.starganv2.recipe:build",
        quality="benchmarks.quality.starganv2:measure_quality",
    ),
    Method(
        name="fan",
        title="Face landmarks, used by StarGAN v2",
        paper="Wang et al., Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression, ICCV 2019",
        licence="CC BY-NC 4.0: no commercial use",
        network="deepfake_core.networks.fan:FaceAlignmentNetwork",
        config="deepfake_core.networks.fan:FanConfig",
        published="deepfake_core.networks.fan:CONFIGS",
        key_map="deepfake_core.hub.key_maps:fan_state",
    ),
)
"""All methods, in the order in which the page, the command line and the tables show them."""


def method(name: str) -> Method:
    """The record called `name`. Raises `BadRequest` with the known names."""
    for one in METHODS:
        if one.name == name:
            return one
    raise BadRequest(f"unknown method {name!r}; choose one of {', '.join(one.name for one in METHODS)}")


def resolve(reference: str) -> Any:
    """The object that "module:name" refers to, imported now."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def configs() -> dict[str, Any]:
    """Configs of all published weights by name."""
    return {name: config for one in METHODS for name, config in one.configs().items()}
