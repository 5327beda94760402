"""The phases of a StarGAN v2 step: supervision, if any, then the four of the paper."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.networks.starganv2 import Discriminator, StarGanV2
from train.common.augment import augmented
from train.loop.recipe import Phase
from train.recipes.starganv2.config import StarGanV2Training
from train.recipes.starganv2.data import Samples
from train.recipes.starganv2.domain_classifier import DomainClassifier, classifier_terms
from train.recipes.starganv2.losses import (
    FindMasks,
    Pictures,
    Target,
    discriminator_terms,
    from_latents,
    from_references,
    generator_terms,
    synthesize,
)
from train.recipes.starganv2.supervision import ImageDistance, StyleMemory, Supervision, colour_difference

CLASSIFIER_RATE = 1e-3


class StyleBatch(NamedTuple):
    """Data shared by the phases of one step."""

    samples: Samples
    source: Pictures
    first: Float[Tensor, "b l"]  # latents
    second: Float[Tensor, "b l"]
    many: Float[Tensor, "d n l"] | None  # latents for matching the distribution of styles
    chance: torch.Generator


def build_phases(
    settings: StarGanV2Training, networks: nn.ModuleDict, find_masks: FindMasks | None, device: torch.device
) -> tuple[Phase, ...]:
    """The phases of supervision, if any, then the four of the paper."""
    model, discriminator = networks["starganv2"], networks["discriminator"]
    assert isinstance(model, StarGanV2) and isinstance(discriminator, Discriminator)
    trained = [*model.generator.parameters(), *model.style_encoder.parameters()]
    rates = [
        {"params": trained, "lr": settings.learning_rate},
        {"params": [*model.mapping.parameters()], "lr": settings.mapping_rate},
    ]
    adam: dict[str, Any] = {"betas": settings.betas, "weight_decay": settings.weight_decay, "fused": True}
    generator_optimizer = torch.optim.Adam(
        rates, **adam
    )  # shared by all phases: networks that a phase does not train get no gradient
    discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=settings.learning_rate, **adam)
    active = settings.supervision.published
    weights = {"real": 1.0, "made": 1.0, "r1": settings.r1}

    def target(batch: StyleBatch, of: str) -> Target:
        samples = batch.samples
        if of == "latent":
            return from_latents(model, samples.domain, batch.first, batch.second)
        return from_references(model, samples.domain, samples.reference, samples.second)

    def discriminator_phase(of: str) -> Phase:
        def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            with torch.no_grad():
                wanted = target(batch, of)
                made = model.generator(batch.source.image, wanted.style, batch.source.masks)
            return discriminator_terms(discriminator, batch.source, made, wanted.domain), batch

        name = f"discriminator_{of}"
        return Phase(
            name=name,
            trained=discriminator,
            optimizer=discriminator_optimizer,
            losses=losses,
            weights=lambda step: weights,
            active=active,
        )

    def generator_phase(of: str, trained: nn.Module) -> Phase:
        def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            wanted = target(batch, of)
            result = synthesize(model, batch.source, wanted, find_masks)
            return generator_terms(discriminator, result, batch.source, wanted), batch

        name = f"generator_{of}"
        return Phase(
            name=name,
            trained=trained,
            optimizer=generator_optimizer,
            losses=losses,
            weights=settings.generator,
            active=active,
        )

    published = (
        discriminator_phase("latent"),
        discriminator_phase("reference"),
        generator_phase("latent", model),
        generator_phase("reference", model.generator),
    )
    return (*supervised_phases(settings.supervision, networks, generator_optimizer, device), *published)


def supervised_phases(
    supervision: Supervision, networks: nn.ModuleDict, generator_optimizer: torch.optim.Optimizer, device: torch.device
) -> tuple[Phase, ...]:
    """Train generator and style encoder on the drawn truth, and the mapping network on the encoder's styles."""
    model, memory = networks["starganv2"], networks["memory"] if supervision.styles > 0 else None
    classifier = networks["domain_classifier"] if supervision.uses_classifier else None
    assert isinstance(model, StarGanV2)
    phases: list[Phase] = []
    if isinstance(classifier, DomainClassifier):
        phases.append(classifier_phase(classifier))
    if supervision.truth_weights(0):
        trained, distance = nn.ModuleList([model.generator, model.style_encoder]), ImageDistance().to(device)

        def truth(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            samples = batch.samples
            assert samples.truth is not None
            style = model.style_encoder(samples.reference, samples.domain)
            made = model.generator(samples.source, style, batch.source.masks)
            if isinstance(memory, StyleMemory):
                memory.keep(style, samples.domain)
            terms, weights = distance(made.float(), samples.truth), supervision.truth_weights(step)
            if supervision.colours > 0:
                assert samples.coat is not None
                terms["colours"] = colour_difference(made.float(), samples.truth, samples.coat)
            if isinstance(classifier, DomainClassifier) and step >= supervision.classifier_from:
                terms |= classifier_terms(classifier, made, samples.truth, samples.domain)
            return {name: terms[name] for name in weights}, batch

        phases.append(
            Phase(
                name="truth",
                trained=trained,
                optimizer=generator_optimizer,
                losses=truth,
                weights=supervision.truth_weights,
            )
        )
    if isinstance(memory, StyleMemory):

        def styles(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            assert batch.many is not None
            return {"styles": memory.distance(model.mapping, batch.many)}, batch

        wanted = {"styles": supervision.styles}
        phases.append(
            Phase(
                name="mapping",
                trained=model.mapping,
                optimizer=generator_optimizer,
                losses=styles,
                weights=lambda step: wanted,
            )
        )
    return tuple(phases)


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
