"""An independent attribute classifier: a small network, trained on its own drawings, that evaluates generated images.

It was trained neither on the held-out drawings nor on the training images of the translators, and no translator was
trained against it. Rendering its images and training it takes some minutes on one core, so its weights are stored in
the cache folder under a name that depends on everything that affects them.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import trange

from benchmarks.images import Picture, to_frames, to_tensor
from benchmarks.quality.subjects import Labels, Subject
from deepfake_core.hub.store import cache_folder, read_weights
from deepfake_core.pixels import to_unit
from train.common.render_cache import render_cache

BATCH = 64
DEGREES = 15.0  # unit of the predicted angles, about their standard deviation
TESTED = 7_500_000_001  # seed of the drawings for testing a classifier


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifierConfig:
    """Options of the network and of its training."""

    size: int = 128
    """Input size in pixels, a multiple of 32; other sizes are resized."""
    width: int = 24
    pictures: int = 6000
    tested: int = 400
    steps: int = 2000
    batch: int = 32
    learning_rate: float = 3e-3
    seed: int = 4_000_000_001


CLASSIFIERS = {
    "heads": ClassifierConfig(),
    "animals": ClassifierConfig(pictures=2400, steps=1200),  # species are easier to distinguish
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Skill:
    """Accuracy of a classifier on held-out drawings."""

    attributes: dict[str, float]
    """Accuracy for each attribute."""
    angle: float
    """Mean error of yaw, pitch and roll in degrees."""
    looks: dict[str, float]
    """Share of the variance explained."""

    def __str__(self) -> str:
        attributes = ", ".join(f"{name} {100 * share:.1f} %" for name, share in self.attributes.items())
        looks = sum(self.looks.values()) / len(self.looks)
        return f"{attributes}; angles within {self.angle:.1f} degrees; {100 * looks:.0f} % of the variance of looks"


class AttributeClassifier(nn.Module):
    """Four convolutions and two linear layers; see `predict` for the outputs."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, subject: Subject, config: ClassifierConfig) -> None:
        super().__init__()
        self.subject, self.config = subject, config
        widths = (12, config.width, 2 * config.width, 4 * config.width, 4 * config.width)
        self.features = nn.Sequential(
            nn.PixelUnshuffle(2),  # keeps all pixels for the first convolution: thin lines distinguish ages
            *(block(widths[level], widths[level + 1]) for level in range(4)),
            nn.Flatten(),
        )
        inside = widths[-1] * (config.size // 32) ** 2
        outputs = len(subject.attributes) + 3 + len(subject.looks)
        self.head = nn.Sequential(nn.Linear(inside, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, outputs))
        self.register_buffer("mean", torch.zeros(len(subject.looks)))
        self.register_buffer("deviation", torch.ones(len(subject.looks)))
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> Labels:
        """Logits of attributes, angles in units of DEGREES, and standardised looks, of images in [0, 1]."""
        out = self.head(self.features(image.contiguous(memory_format=torch.channels_last) * 2 - 1))
        return Labels(*out.split((len(self.subject.attributes), 3, len(self.subject.looks)), dim=1))

    def normalised(self, looks: Float[Tensor, "b l"]) -> Float[Tensor, "b l"]:
        """Standardise looks."""
        return (looks - self.mean) / self.deviation

    @torch.no_grad()
    def predict(self, pictures: Sequence[Picture]) -> Labels:
        """Predict the labels of images of one size."""
        size = self.config.size
        parts = []
        for start in range(0, len(pictures), BATCH):
            image = to_tensor(pictures[start : start + BATCH])
            if image.shape[-1] != size:
                image = F.interpolate(image, (size, size), mode="bilinear", antialias=True, align_corners=False)
            attributes, angles, looks = self(image)
            parts.append(Labels(attributes.sigmoid(), angles * DEGREES, looks * self.deviation + self.mean))
        return Labels(*map(torch.cat, zip(*parts, strict=True)))


def block(before: int, after: int) -> nn.Sequential:
    """Convolution, 2 x 2 max pooling, batch norm and ReLU."""
    conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU())


def classifier_for(subject: Subject, config: ClassifierConfig | None = None) -> tuple[AttributeClassifier, Skill]:
    """Return the classifier of a subject and its skill, from the cache folder, or trained now and stored there."""
    config = config or CLASSIFIERS[subject.name]
    path = cache_folder() / "attribute_classifiers" / f"{subject.name}-{fingerprint(subject, config)}.safetensors"
    if path.is_file():
        state, metadata = read_weights(path)
        classifier = AttributeClassifier(subject, config)
        classifier.load_state_dict(state)
        return classifier.eval(), Skill(**json.loads(metadata["skill"]))
    classifier = train_classifier(subject, config)
    skill = measure_skill(classifier)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.contiguous() for key, value in classifier.state_dict().items()}
    save_file(state, path, metadata={"skill": json.dumps(asdict(skill))})
    return classifier, skill


def fingerprint(subject: Subject, config: ClassifierConfig) -> str:
    """A hash of the configuration, of this file, and of a few drawings, which represent the code that draws."""
    drawn = flat(subject.draw(8, 32, torch.Generator().manual_seed(config.seed)))
    parts = [
        repr(config).encode(),
        Path(__file__).read_bytes(),
        *((255 * part).round().int().numpy().tobytes() for part in drawn),
    ]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def train_classifier(subject: Subject, config: ClassifierConfig) -> AttributeClassifier:
    """Render images and train on them, deterministically; the global random state is not changed."""
    images, *rows = render_cache(
        lambda count, generator: flat(subject.draw(count, config.size, generator)), config.pictures, config.seed
    )
    truth, generator = Labels(*rows), torch.Generator().manual_seed(config.seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(config.seed)
        classifier = AttributeClassifier(subject, config)
        classifier.mean, classifier.deviation = truth.looks.mean(0), truth.looks.std(0)
        optimizer = torch.optim.AdamW(classifier.parameters(), config.learning_rate, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.steps)
        for _ in trange(config.steps, desc=f"classifier of {subject.name}", unit="step", leave=False, disable=None):
            first = 2 * torch.randint(len(images) // 2, (config.batch // 2, 1), generator=generator)
            places = (first + torch.arange(2)).flatten()  # a pair differs in few attributes, so the network learns them
            image, labels = to_unit(images[places]), truth.pick(places)
            if torch.rand((), generator=generator) < 0.5:
                image, labels = mirrored(image, labels)
            loss = loss_of(classifier, augmented(image, generator), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return classifier.eval().requires_grad_(False)


def flat(drawn: tuple[Tensor, Labels]) -> tuple[Tensor, ...]:
    """An image and its labels as one tuple, for the render cache."""
    return (drawn[0], *drawn[1])


def loss_of(classifier: AttributeClassifier, image: Float[Tensor, "b 3 s s"], truth: Labels) -> Float[Tensor, ""]:
    """Weighted sum of the losses of attributes, angles and looks."""
    attributes, angles, looks = classifier(image)
    wrong = F.binary_cross_entropy_with_logits(attributes, truth.attributes)
    turned = F.smooth_l1_loss(angles, truth.angles / DEGREES, beta=0.3)
    return 2 * wrong + turned + 0.5 * F.mse_loss(looks, classifier.normalised(truth.looks))


def mirrored(image: Float[Tensor, "b 3 s s"], truth: Labels) -> tuple[Float[Tensor, "b 3 s s"], Labels]:
    """Flip horizontally; yaw and roll change their signs."""
    return image.flip(-1), truth._replace(angles=truth.angles * torch.tensor((-1.0, 1.0, -1.0)))


def augmented(image: Float[Tensor, "b 3 s s"], generator: torch.Generator) -> Float[Tensor, "b 3 s s"]:
    """Change colours slightly, add noise and sometimes blur, as generated images may have them."""

    def chance(*shape: int) -> Tensor:
        return torch.rand(len(image), *shape, generator=generator)

    made = image * (0.9 + 0.2 * chance(3, 1, 1)) + 0.1 * (chance(1, 1, 1) - 0.5)
    if torch.rand((), generator=generator) < 0.3:
        side = 0.2 * torch.rand((), generator=generator)
        line = torch.stack((side, 1 - 2 * side, side))
        kernel = (line[:, None] * line).expand(3, 1, 3, 3)
        made = F.conv2d(F.pad(made, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    return made + 0.03 * chance(1, 1, 1) * torch.randn(image.shape, generator=generator)


def measure_skill(classifier: AttributeClassifier) -> Skill:
    """Measure the skill on held-out drawings of the same distribution."""
    subject, config = classifier.subject, classifier.config
    generator = torch.Generator().manual_seed(TESTED)
    image, truth = subject.draw(config.tested, config.size, generator)
    found = classifier.predict(list(to_frames(image)))
    right = ((found.attributes > 0.5) == (truth.attributes > 0.5)).float().mean(0)
    missed = classifier.normalised(found.looks) - classifier.normalised(truth.looks)
    spread = classifier.normalised(truth.looks).var(0)
    return Skill(
        attributes=dict(zip(subject.attributes, right.tolist(), strict=True)),
        angle=float((found.angles - truth.angles).abs().mean()),
        looks=dict(zip(subject.looks, (1 - missed.square().mean(0) / spread).tolist(), strict=True)),
    )
