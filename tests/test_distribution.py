"""The Gaussian densities against torch.distributions and against their own samples."""

import math

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from torch.testing import assert_close

from tests.laws.components import assert_zero_mean
from vaelab.distribution import DiagonalGaussian, GaussianMixture, StandardNormal


def tensors(*shapes, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=generator, dtype=torch.float64).to(dtype) for s in shapes]


def reference_mixture(mean, log_var):
    mean, log_var = mean.double(), log_var.double()
    components = Independent(Normal(mean, torch.exp(log_var / 2)), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(mean), dtype=torch.float64)), components)


@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-10), (torch.float32, 2e-4)])
def test_diagonal_gaussian_is_torchs_normal(dtype, atol):
    mean, log_var, z = tensors((3, 40), (3, 40), (5, 3, 40), dtype=dtype)
    log_var = (2 * log_var).clamp(-6, 2)
    reference = Normal(mean.double(), torch.exp(log_var.double() / 2)).log_prob(z.double()).sum(-1)
    # Squares of up to e^6 z^2 are summed: the error in float32 is relative to that sum.
    scale = max(1.0, float(reference.abs().max())) if dtype == torch.float32 else 1.0
    ours = DiagonalGaussian(mean, log_var).log_prob(z)
    assert ours.shape == (5, 3)
    assert ours.dtype == dtype
    assert_close(ours.double(), reference, rtol=0, atol=atol * scale)


def test_diagonal_gaussian_entropy_and_kl_are_torchs():
    mean, log_var = tensors((3, 7), (3, 7))
    q = Normal(mean, torch.exp(log_var / 2))
    standard = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    ours = DiagonalGaussian(mean, log_var)
    assert_close(ours.entropy(), q.entropy().sum(-1), rtol=0, atol=1e-12)
    expected = torch.distributions.kl_divergence(q, standard)
    assert_close(ours.kl_to_standard(), expected, rtol=0, atol=1e-12)


def test_rsample_has_the_moments_and_derivatives_of_its_density():
    torch.manual_seed(1)
    mean = torch.tensor([[0.5, -2.0]], dtype=torch.float64, requires_grad=True)
    log_var = torch.tensor([[1.2, -3.0]], dtype=torch.float64, requires_grad=True)
    z = DiagonalGaussian(mean, log_var).rsample(100_000)
    assert z.shape == (100_000, 1, 2)
    noise = (z - mean) * torch.exp(-log_var / 2)  # must be standard normal
    assert_zero_mean(noise.detach())
    assert_zero_mean((noise.square() - 1).detach())
    assert_zero_mean((noise[..., 0] * noise[..., 1]).detach())
    assert_zero_mean((noise.square().square() - 3).detach())
    # dz/dmean = 1 and dz/dlog_var = (z - mean) / 2, summed over samples.
    to_mean, to_log_var = torch.autograd.grad(z.sum(), (mean, log_var))
    assert_close(to_mean, torch.full_like(mean, 100_000.0))
    assert_close(to_log_var, ((z - mean) / 2).sum(0).detach())


def test_diagonal_gaussian_detach_keeps_the_gradient_to_z_only():
    mean, log_var, z = (t.requires_grad_() for t in tensors((2, 3), (2, 3), (4, 2, 3)))
    live = DiagonalGaussian(mean, log_var).log_prob(z)
    still = DiagonalGaussian(mean, log_var).detach().log_prob(z)
    assert_close(live, still, rtol=0, atol=0)
    to_z = torch.autograd.grad(live.sum(), z, retain_graph=True)[0]
    found = torch.autograd.grad(still.sum(), (z, mean, log_var), allow_unused=True)
    assert_close(found[0], to_z)
    assert found[1:] == (None, None)


def test_half_precision_parameters_give_float32_samples_and_densities():
    mean, log_var = tensors((2, 40), (2, 40), dtype=torch.bfloat16)
    q = DiagonalGaussian(mean, log_var)
    z = q.rsample(3)
    assert z.dtype == q.log_prob(z).dtype == q.entropy().dtype == torch.float32
    reference = Normal(mean.double(), torch.exp(log_var.double() / 2)).log_prob(z.double()).sum(-1)
    assert_close(q.log_prob(z).double(), reference, rtol=0, atol=1e-3)


def test_standard_normal_is_torchs_and_samples_it():
    torch.manual_seed(2)
    (z,) = tensors((4, 3, 5))
    density = StandardNormal(5, torch.zeros((), dtype=torch.float64))
    assert_close(density.log_prob(z), Normal(0.0, 1.0).log_prob(z).sum(-1), rtol=0, atol=1e-12)
    draws = density.sample(100_000)
    assert draws.shape == (100_000, 5)
    assert draws.dtype == torch.float64
    assert_zero_mean(draws)
    assert_zero_mean(draws.square() - 1)
    assert_zero_mean(draws[:, :1] * draws[:, 1:])


def test_mixture_is_torchs_in_float64_at_extreme_variances_and_far_means():
    mean, log_var, z = tensors((7, 3), (7, 3), (4, 5, 3))
    log_var = torch.where(log_var > 0, 2.0, -6.0).to(torch.float64)
    mean[0] += 50.0
    z[0, 0] = -90.0  # every component is far: the sum must not underflow
    ours = GaussianMixture(mean, log_var)
    reference = reference_mixture(mean, log_var).log_prob(z)
    assert ours.log_prob(z).shape == (4, 5)
    assert float(reference.min()) < -700  # exp of it is 0 in float64
    assert_close(ours.log_prob(z), reference, rtol=1e-12, atol=1e-10)
    assert len(ours) == 7


def test_mixture_joint_is_each_components_share():
    mean, log_var, z = tensors((7, 3), (7, 3), (5, 3))
    components = Normal(mean, torch.exp(log_var / 2)).log_prob(z[:, None]).sum(-1)
    joint = GaussianMixture(mean, log_var).log_joint(z)
    assert_close(joint, components - math.log(7), rtol=0, atol=1e-11)


def test_mixture_in_float32_is_good_to_the_stated_hundredth_and_double_restores_the_digits():
    torch.manual_seed(3)
    mean, log_var = tensors((500, 40), (500, 40), dtype=torch.float32)
    log_var = torch.where(log_var > 0, 2.0, -6.0)
    single = GaussianMixture(mean, log_var)
    z = single.sample(100)
    reference = reference_mixture(mean, log_var).log_prob(z.double())
    error = (single.log_prob(z).double() - reference).abs().max()
    assert float(error) < 1e-2
    double = single.double()
    assert double.log_prob(z).dtype == torch.float32  # follows z ...
    assert_close(double.log_prob(z.double()), reference, rtol=0, atol=1e-9)  # ... and its digits
    assert float((double.log_prob(z).double() - reference).abs().max()) < 2e-5
    assert single.log_prob(z).dtype == torch.float32


def test_mixture_gradients_are_torchs():
    leaves = [t.requires_grad_() for t in tensors((7, 3), (7, 3), (5, 3))]
    mean, log_var, z = leaves
    ours = torch.autograd.grad(GaussianMixture(mean, log_var).log_prob(z).sum(), leaves)
    reference = torch.autograd.grad(reference_mixture(mean, log_var).log_prob(z).sum(), leaves)
    for mine, theirs in zip(ours, reference, strict=True):
        assert_close(mine, theirs, rtol=0, atol=1e-10)


def test_mixture_samples_use_every_component_equally():
    torch.manual_seed(4)
    count, draws = 8, 80_000
    mean = 100.0 * torch.arange(count, dtype=torch.float64)[:, None] + torch.tensor([0.0, 3.0])
    log_var = torch.linspace(-4, 2, count, dtype=torch.float64)[:, None].repeat(1, 2)
    z = GaussianMixture(mean, log_var).sample(draws)
    assert z.shape == (draws, 2)
    component = (z[:, 0] / 100).round().long()  # means are far apart: the draw says whose it is
    used = torch.nn.functional.one_hot(component, count).to(torch.float64)
    assert_zero_mean(used - 1 / count)
    noise = (z - mean[component]) * torch.exp(-log_var[component] / 2)
    assert_zero_mean(noise)
    assert_zero_mean(noise.square() - 1)
    assert_zero_mean(noise[:, 0] * noise[:, 1])
    assert_zero_mean((noise.square() - 1) * (component - 3.5)[:, None])  # each its own variance


def test_a_few_mixture_samples_are_of_any_components_not_of_the_first():
    torch.manual_seed(6)
    mixture = GaussianMixture(100.0 * torch.arange(5.0)[:, None], torch.zeros(5, 1))
    component = torch.stack([(mixture.sample(2)[:, 0] / 100).round() for _ in range(3000)])
    used = torch.nn.functional.one_hot(component.long(), 5).double()
    assert_zero_mean(used - 1 / 5)
    assert_zero_mean((component[:, 0] == component[:, 1]).double() - 1 / 5)  # drawn apart


def test_mixture_samples_come_from_the_components_that_are_given():
    torch.manual_seed(5)
    mean = torch.tensor([[0.0], [100.0], [200.0]])
    component = torch.tensor([2, 0, 0, 1, 2])
    z = GaussianMixture(mean, torch.zeros(3, 1)).sample(5, component)
    assert torch.equal((z[:, 0] / 100).round().long(), component)
    assert len(z.unique()) == 5  # noise of its own for each


def test_mixture_samples_pass_gradients_to_the_component_they_came_from():
    mean, log_var = (t.requires_grad_() for t in tensors((3, 2), (3, 2)))
    z = GaussianMixture(mean, log_var).sample(4, torch.tensor([1, 1, 2, 1]))
    to_mean, to_log_var = torch.autograd.grad(z.sum(), (mean, log_var))
    assert_close(to_mean, torch.tensor([[0.0], [3.0], [1.0]], dtype=torch.float64).expand(3, 2))
    assert float(to_log_var[0].abs().max()) == 0
    assert float(to_log_var[1:].abs().min()) > 0
