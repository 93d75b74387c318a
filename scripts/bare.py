"""The networks of the benchmarks, written for nothing but a bare loop, as an expert would."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LATENTS, HIDDEN, COMPONENTS = 40, 300, 500


class Gated(nn.Module):
    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(i, o), nn.Linear(i, o)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) * torch.sigmoid(self.b(x))


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean, self.log_var = nn.Linear(HIDDEN, LATENTS), nn.Linear(HIDDEN, LATENTS)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean(h), F.hardtanh(self.log_var(h), -6.0, 2.0)


def draw(mean: Tensor, log_var: Tensor) -> tuple[Tensor, Tensor]:
    """A sample and its log-density, but for a constant that cancels against the prior's."""
    noise = torch.randn_like(mean)
    z = torch.addcmul(mean, torch.exp(0.5 * log_var), noise)
    return z, -0.5 * (log_var + noise.square()).sum(-1)


def mixture(z: Tensor, m: Tensor, v: Tensor) -> Tensor:
    """Log-density of an even mixture of N(m, exp(v)), but for that constant."""
    precision = torch.exp(-v)
    weight = torch.cat([-0.5 * precision, m * precision], 1).T
    bias = -0.5 * (v + m * m * precision).sum(-1) - math.log(len(m))
    return torch.addmm(bias, torch.cat([z * z, z], 1), weight).logsumexp(-1)


class Bare(nn.Module):
    """What the two have in common: the top level and the loss."""

    def __init__(self, pixels: int, vamp: bool) -> None:
        super().__init__()
        self.enc = nn.Sequential(Gated(pixels, HIDDEN), Gated(HIDDEN, HIDDEN))
        self.top = Head()
        self.u = nn.Parameter(torch.rand(COMPONENTS, pixels) * 0.1) if vamp else None

    def log_prior(self, z: Tensor) -> Tensor:
        if self.u is None:
            return -0.5 * z.square().sum(-1)
        return mixture(z, *self.top(self.enc(self.u.clamp(0, 1))))

    def sample(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and the sampled log q - log p of all levels."""
        raise NotImplementedError

    def loss(self, x: Tensor, beta: float) -> tuple[Tensor, Tensor, Tensor]:
        logits, kl = self.sample(x)
        rec = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
        return beta * kl.mean() - rec.mean(), rec, kl


class BareMlp(Bare):
    """architecture=mlp."""

    def __init__(self, pixels: int, vamp: bool) -> None:
        super().__init__(pixels, vamp)
        self.dec = nn.Sequential(Gated(LATENTS, HIDDEN), Gated(HIDDEN, HIDDEN))
        self.out = nn.Linear(HIDDEN, pixels)

    def sample(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_q = draw(*self.top(self.enc(x)))
        return self.out(self.dec(z)), log_q - self.log_prior(z)


class BareHvae(Bare):
    """architecture=hvae."""

    def __init__(self, pixels: int, vamp: bool) -> None:
        super().__init__(pixels, vamp)
        self.of_x, self.of_z2 = Gated(pixels, HIDDEN), Gated(LATENTS, HIDDEN)
        self.joint, self.lower = Gated(2 * HIDDEN, HIDDEN), Head()
        self.below, self.below_head = (
            nn.Sequential(Gated(LATENTS, HIDDEN), Gated(HIDDEN, HIDDEN)),
            Head(),
        )
        self.dec1, self.dec2 = Gated(LATENTS, HIDDEN), Gated(LATENTS, HIDDEN)
        self.dec = Gated(2 * HIDDEN, HIDDEN)
        self.out = nn.Linear(HIDDEN, pixels)

    def sample(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z2, log_q2 = draw(*self.top(self.enc(x)))
        features = torch.cat([self.of_x(x), self.of_z2(z2)], 1)
        z1, log_q1 = draw(*self.lower(self.joint(features)))
        m, v = self.below_head(self.below(z2))
        log_p1 = -0.5 * (v + (z1 - m).square() * torch.exp(-v)).sum(-1)
        logits = self.out(self.dec(torch.cat([self.dec1(z1), self.dec2(z2)], 1)))
        return logits, log_q2 + log_q1 - log_p1 - self.log_prior(z2)


NETWORKS = {"mlp": BareMlp, "hvae": BareHvae}
