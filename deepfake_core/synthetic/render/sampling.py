"""Random draws for a batch of identities, states or pairs."""

import torch
from torch import Tensor


class Dice:
    """Random draws for a batch of `count` items, from one generator in a fixed order."""

    def __init__(self, count: int, generator: torch.Generator, device: torch.device | str):
        self.count, self.generator, self.device = count, generator, device

    def uniform(self, low: float = 0.0, high: float = 1.0, *shape: int) -> Tensor:
        draw = torch.rand((self.count, *shape), generator=self.generator, device=self.generator.device)
        return (low + (high - low) * draw).to(self.device)

    def ratio(self, deviation: float, limit: float = 2.0) -> Tensor:
        draw = torch.randn(self.count, generator=self.generator, device=self.generator.device)
        return (1 + deviation * draw.clamp(-limit, limit)).to(self.device)

    def choice(self, weights: tuple[float, ...]) -> Tensor:
        table = torch.tensor(weights, device=self.generator.device)
        return torch.multinomial(table, self.count, replacement=True, generator=self.generator).to(self.device)

    def colour(self, palette: tuple[tuple[float, float, float], ...], jitter: float, *shape: int) -> Tensor:
        table = torch.tensor(palette, device=self.device)
        index = (self.uniform(0.0, float(len(palette)), *shape)).long().clamp_max(len(palette) - 1)
        return (table[index] * (1 + self.uniform(-jitter, jitter, *shape, 3))).clamp(0, 1)
