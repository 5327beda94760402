"""An independent judge: a small network that learns, on drawings of its own, to read what a picture shows.

It has seen neither the held-out drawings nor the pictures that the translators learned from, and no translator was
trained against it. It takes some minutes on one core to draw its pictures and learn, so its weights are kept in the
cache folder under a name that changes with everything that they depend on.
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

from benchmarks.drawings import Picture, to_frames, to_tensor
from benchmarks.subjects import Answers, Subject
from deepfake_core.hub.store import cache_folder, read_weights
from train.common.render_cache import drawn_pool

AT_ONCE = 64
DEGREES = 15.0  # angles are learned in this unit, about their deviation
TESTED = 7_500_000_001  # seed of the drawings on which an examiner is itself examined


@dataclass(frozen=True, kw_only=True, slots=True)
class ExaminerConfig:
    """The network, and how it learns."""

    size: int = 128
    """Pixels of the pictures that it looks at, a multiple of 32; larger and smaller ones are resized."""
    width: int = 24
    pictures: int = 6000
    tested: int = 400
    steps: int = 2000
    batch: int = 32
    learning_rate: float = 3e-3
    seed: int = 4_000_000_001


EXAMINERS = {
    "heads": ExaminerConfig(),
    "animals": ExaminerConfig(pictures=2400, steps=1200),  # species differ in more than a line
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Skill:
    """How good an examiner is, on drawings that it did not learn from."""

    marks: dict[str, float]
    """Share of right answers."""
    angle: float
    """Mean error of yaw, pitch and roll in degrees."""
    looks: dict[str, float]
    """Share of the variance that it explains."""

    def __str__(self) -> str:
        marks = ", ".join(f"{name} {100 * share:.1f} %" for name, share in self.marks.items())
        looks = sum(self.looks.values()) / len(self.looks)
        return f"{marks}; angles to {self.angle:.1f} degrees; looks explained to {100 * looks:.0f} %"


class Examiner(nn.Module):
    """Four convolutions and two linear layers; see `read` for the answers."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, subject: Subject, config: ExaminerConfig) -> None:
        super().__init__()
        self.subject, self.config = subject, config
        widths = (12, config.width, 2 * config.width, 4 * config.width, 4 * config.width)
        self.features = nn.Sequential(
            nn.PixelUnshuffle(2),  # thin lines tell ages apart: no pixel is thrown away before the first convolution
            *(block(widths[level], widths[level + 1]) for level in range(4)),
            nn.Flatten(),
        )
        inside = widths[-1] * (config.size // 32) ** 2
        answers = len(subject.marks) + 3 + len(subject.looks)
        self.answers = nn.Sequential(nn.Linear(inside, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, answers))
        self.register_buffer("mean", torch.zeros(len(subject.looks)))
        self.register_buffer("deviation", torch.ones(len(subject.looks)))
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> Answers:
        """Logits of the marks, angles in units of DEGREES, looks in deviations from their mean; pictures in [0, 1]."""
        out = self.answers(self.features(image.contiguous(memory_format=torch.channels_last) * 2 - 1))
        return Answers(*out.split((len(self.subject.marks), 3, len(self.subject.looks)), dim=1))

    def normalised(self, looks: Float[Tensor, "b l"]) -> Float[Tensor, "b l"]:
        """Looks in deviations from their mean."""
        return (looks - self.mean) / self.deviation

    @torch.no_grad()
    def read(self, pictures: Sequence[Picture]) -> Answers:
        """What pictures of one size show."""
        size = self.config.size
        parts = []
        for start in range(0, len(pictures), AT_ONCE):
            image = to_tensor(pictures[start : start + AT_ONCE])
            if image.shape[-1] != size:
                image = F.interpolate(image, (size, size), mode="bilinear", antialias=True, align_corners=False)
            marks, angles, looks = self(image)
            parts.append(Answers(marks.sigmoid(), angles * DEGREES, looks * self.deviation + self.mean))
        return Answers(*map(torch.cat, zip(*parts, strict=True)))


def block(before: int, after: int) -> nn.Sequential:
    """Convolution, the largest of every 2 x 2, normalised."""
    conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU())


def examiner_for(subject: Subject, config: ExaminerConfig | None = None) -> tuple[Examiner, Skill]:
    """The examiner of a subject and its skill, from the cache folder, or trained now and kept there."""
    config = config or EXAMINERS[subject.name]
    path = cache_folder() / "examiners" / f"{subject.name}-{fingerprint(subject, config)}.safetensors"
    if path.is_file():
        state, metadata = read_weights(path)
        examiner = Examiner(subject, config)
        examiner.load_state_dict(state)
        return examiner.eval(), Skill(**json.loads(metadata["skill"]))
    examiner = train_examiner(subject, config)
    skill = examined(examiner)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {key: value.contiguous() for key, value in examiner.state_dict().items()}
    save_file(state, path, metadata={"skill": json.dumps(asdict(skill))})
    return examiner, skill


def fingerprint(subject: Subject, config: ExaminerConfig) -> str:
    """A name for the configuration, the code that learns, and how the subject is drawn: a few drawings stand for it."""
    drawn = flat(subject.draw(8, 32, torch.Generator().manual_seed(config.seed)))
    told = [
        repr(config).encode(),
        Path(__file__).read_bytes(),
        *((255 * part).round().int().numpy().tobytes() for part in drawn),
    ]
    return hashlib.sha256(b"".join(told)).hexdigest()[:16]


def train_examiner(subject: Subject, config: ExaminerConfig) -> Examiner:
    """Draw pictures and learn from them; the same for the same configuration, and no other random number is touched."""
    images, *rows = drawn_pool(
        lambda count, generator: flat(subject.draw(count, config.size, generator)), config.pictures, config.seed
    )
    truth, generator = Answers(*rows), torch.Generator().manual_seed(config.seed)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(config.seed)
        examiner = Examiner(subject, config)
        examiner.mean, examiner.deviation = truth.looks.mean(0), truth.looks.std(0)
        optimizer = torch.optim.AdamW(examiner.parameters(), config.learning_rate, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.steps)
        for _ in trange(config.steps, desc=f"examiner of {subject.name}", unit="step", leave=False, disable=None):
            first = 2 * torch.randint(len(images) // 2, (config.batch // 2, 1), generator=generator)
            places = (first + torch.arange(2)).flatten()  # a pair that differs in little teaches what matters
            image, answers = images[places].float() / 255, truth.pick(places)
            if torch.rand((), generator=generator) < 0.5:
                image, answers = mirrored(image, answers)
            loss = mistakes(examiner, blemished(image, generator), answers)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return examiner.eval().requires_grad_(False)


def flat(drawn: tuple[Tensor, Answers]) -> tuple[Tensor, ...]:
    """A picture with its answers in a row, as a pool takes them."""
    return (drawn[0], *drawn[1])


def mistakes(examiner: Examiner, image: Float[Tensor, "b 3 s s"], truth: Answers) -> Float[Tensor, ""]:
    """How wrong the answers are."""
    marks, angles, looks = examiner(image)
    wrong = F.binary_cross_entropy_with_logits(marks, truth.marks)
    turned = F.smooth_l1_loss(angles, truth.angles / DEGREES, beta=0.3)
    return 2 * wrong + turned + 0.5 * F.mse_loss(looks, examiner.normalised(truth.looks))


def mirrored(image: Float[Tensor, "b 3 s s"], truth: Answers) -> tuple[Float[Tensor, "b 3 s s"], Answers]:
    """Left and right exchanged: the head turns and tilts the other way."""
    return image.flip(-1), truth._replace(angles=truth.angles * torch.tensor((-1.0, 1.0, -1.0)))


def blemished(image: Float[Tensor, "b 3 s s"], generator: torch.Generator) -> Float[Tensor, "b 3 s s"]:
    """Colours a little off, some noise, sometimes blur: what a painted picture may have without showing other looks."""

    def chance(*shape: int) -> Tensor:
        return torch.rand(len(image), *shape, generator=generator)

    made = image * (0.9 + 0.2 * chance(3, 1, 1)) + 0.1 * (chance(1, 1, 1) - 0.5)
    if torch.rand((), generator=generator) < 0.3:
        side = 0.2 * torch.rand((), generator=generator)
        line = torch.stack((side, 1 - 2 * side, side))
        kernel = (line[:, None] * line).expand(3, 1, 3, 3)
        made = F.conv2d(F.pad(made, (1, 1, 1, 1), mode="replicate"), kernel, groups=3)
    return made + 0.03 * chance(1, 1, 1) * torch.randn(image.shape, generator=generator)


def examined(examiner: Examiner) -> Skill:
    """Its skill on other drawings, which are as varied as those that it learned from."""
    subject, config = examiner.subject, examiner.config
    generator = torch.Generator().manual_seed(TESTED)
    image, truth = subject.draw(config.tested, config.size, generator)
    found = examiner.read(list(to_frames(image)))
    right = ((found.marks > 0.5) == (truth.marks > 0.5)).float().mean(0)
    missed = examiner.normalised(found.looks) - examiner.normalised(truth.looks)
    spread = examiner.normalised(truth.looks).var(0)
    return Skill(
        marks=dict(zip(subject.marks, right.tolist(), strict=True)),
        angle=float((found.angles - truth.angles).abs().mean()),
        looks=dict(zip(subject.looks, (1 - missed.square().mean(0) / spread).tolist(), strict=True)),
    )
