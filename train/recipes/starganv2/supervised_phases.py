"""The phases of StarGAN v2 that drawn truth makes possible; none of them is in the paper."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfake_core.networks.starganv2 import StarGanV2, joined
from train.common.augment import augmented, shifted
from train.common.patch_discriminator import (
    DISCRIMINATOR_WEIGHTS,
    Compared,
    ConditionalPatchDiscriminator,
    PatchDiscriminatorConfig,
    patch_discriminator_terms,
    patch_generator_terms,
)
from train.loop.recipe import Phase
from train.recipes.starganv2.batch import StyleBatch
from train.recipes.starganv2.config import StarGanV2Training
from train.recipes.starganv2.domain_classifier import DomainClassifier, classifier_terms
from train.recipes.starganv2.supervision import (
    ImageDistance,
    StyleMemory,
    Supervision,
    colour_difference,
    mask_difference,
)

CLASSIFIER_RATE = 1e-3
MOST_SHIFT = 4  # pixels: all phases of a lattice of 8
Losses = Callable[[StyleBatch, int], tuple[dict[str, Tensor], StyleBatch]]


def supervised_phases(
    settings: StarGanV2Training,
    networks: nn.ModuleDict,
    generator_optimizer: torch.optim.Optimizer,
    device: torch.device,
) -> tuple[Phase, ...]:
    """Train generator and style encoder on the drawn truth, and the mapping network on the encoder's styles."""
    model = networks["starganv2"]
    assert isinstance(model, StarGanV2)
    classifier, patches, memory = optional_networks(networks)
    phases: list[Phase] = []
    if classifier is not None:
        phases.append(classifier_phase(classifier))
    if settings.truth_weights(0):
        losses = truth_losses(settings, networks, ImageDistance().to(device))
        trained = nn.ModuleList([model.generator, model.style_encoder])
        if "attributes" in networks:
            trained.append(networks["attributes"])
        phases.append(
            Phase(name="truth", trained=trained, optimizer=generator_optimizer, losses=losses,
                  weights=settings.truth_weights)
        )  # fmt: skip
    if patches is not None:
        phases.append(patch_discriminator_phase(patches, settings.patch_discriminator))
    if memory is not None:
        phases.append(mapping_phase(model, memory, settings.supervision, generator_optimizer))
    return tuple(phases)


def optional_networks(
    networks: nn.ModuleDict,
) -> tuple[DomainClassifier | None, ConditionalPatchDiscriminator | None, StyleMemory | None]:
    """The networks that only some settings need, which the recipe builds."""
    found = dict(networks.items())
    classifier, patches, memory = (found.get(name) for name in ("domain_classifier", "patch_discriminator", "memory"))
    assert classifier is None or isinstance(classifier, DomainClassifier)
    assert patches is None or isinstance(patches, ConditionalPatchDiscriminator)
    assert memory is None or isinstance(memory, StyleMemory)
    return classifier, patches, memory


def truth_losses(settings: StarGanV2Training, networks: nn.ModuleDict, distance: ImageDistance) -> Losses:
    """The losses of the `truth` phase, which compare results in the style of references with the drawn truth."""
    model, supervision = networks["starganv2"], settings.supervision
    assert isinstance(model, StarGanV2)
    classifier, patches, memory = optional_networks(networks)

    def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
        samples = batch.samples
        assert samples.truth is not None
        style = model.style_encoder(samples.reference, samples.domain)
        painted = model.generator.paint(model.generator.encode(samples.source), style, batch.source.masks)
        made = joined(samples.source, painted)
        batch = batch._replace(made=made)
        if memory is not None:
            memory.keep(style, samples.domain)
        moved = compared(batch)
        terms, weights = distance(moved.generated.float(), moved.truth), settings.truth_weights(step)
        if supervision.colours > 0:
            assert samples.coat is not None
            terms["colours"] = colour_difference(made.float(), samples.truth, samples.coat)
        if supervision.mask > 0:
            assert painted.logits is not None
            terms["mask"] = mask_difference(painted.logits, samples.source, samples.truth)
        if supervision.attributes > 0:
            assert samples.attributes is not None
            terms["attributes"] = F.mse_loss(networks["attributes"](style).float(), samples.attributes)
        if classifier is not None and step >= supervision.classifier_from:
            terms |= classifier_terms(classifier, moved.generated, moved.truth, samples.domain)
        if patches is not None:
            terms |= patch_generator_terms(patches, moved)
        return {name: terms[name] for name in weights}, batch._replace(made=made.detach())

    return losses


def compared(batch: StyleBatch) -> Compared:
    """The results of the `truth` phase beside the truth and their sources, shifted together."""
    assert batch.made is not None and batch.samples.truth is not None
    images = (batch.made, batch.samples.truth, batch.samples.source)
    made, truth, source = shifted(images, batch.chance, MOST_SHIFT)
    return Compared(made, truth, source, batch.samples.domain)


def patch_discriminator_phase(discriminator: ConditionalPatchDiscriminator, config: PatchDiscriminatorConfig) -> Phase:
    """Train the patch discriminator on the results of the `truth` phase."""
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=config.learning_rate, betas=config.betas, fused=True)
    return Phase(
        name="patch_discriminator",
        trained=discriminator,
        optimizer=optimizer,
        losses=lambda batch, step: (patch_discriminator_terms(discriminator, compared(batch)), batch),
        weights=lambda step: DISCRIMINATOR_WEIGHTS,
    )


def mapping_phase(
    model: StarGanV2, memory: StyleMemory, supervision: Supervision, optimizer: torch.optim.Optimizer
) -> Phase:
    """Match the distribution of the mapping network's styles to that of the encoder's."""

    def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
        assert batch.many is not None
        return {"styles": memory.distance(model.mapping, batch.many)}, batch

    return Phase(
        name="mapping",
        trained=model.mapping,
        optimizer=optimizer,
        losses=losses,
        weights=lambda step: {"styles": supervision.styles},
        active=lambda step: step >= supervision.styles_from,
    )


def classifier_phase(classifier: DomainClassifier) -> Phase:
    """Train the domain classifier on real images: the sources and the true results."""
    optimizer = torch.optim.Adam(classifier.parameters(), lr=CLASSIFIER_RATE, fused=True)

    def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
        samples = batch.samples
        assert samples.truth is not None
        shown = augmented(torch.cat((samples.source, samples.truth)), batch.chance)
        _, logits = classifier(shown)
        return {"domain": F.cross_entropy(logits, torch.cat((samples.source_domain, samples.domain)))}, batch

    return Phase(
        name="domain_classifier",
        trained=classifier,
        optimizer=optimizer,
        losses=losses,
        weights=lambda step: {"domain": 1.0},
    )
