"""pythae's MIWAE and PIWAE beside ours: the same weights, data and noise, M different from K.

pythae is no dependency of vaelab: `pip install pythae` beside it to run this. Both sides use
pythae's own encoder and decoder modules, in float64. A row is the largest difference of two
gradients over the largest entry of the first.

    python scripts/compare_pythae.py --M 2 --K 7
"""

import argparse
from types import SimpleNamespace

import torch
from pythae.models import MIWAE, PIWAE, MIWAEConfig, PIWAEConfig
from pythae.trainers import CoupledOptimizerTrainer
from torch import Tensor, nn

from vaelab.bound.base import Bound
from vaelab.bound.iwae import Iwae
from vaelab.bound.miwae import Miwae
from vaelab.bound.piwae import Piwae
from vaelab.model import Terms

BATCH, PIXELS, LATENT = 6, 12, 3


def pythae_model(kind: type, config: type, groups: int, samples: int) -> nn.Module:
    """Theirs with M = groups gradient estimates of K = samples each; weights by a fixed seed."""
    torch.manual_seed(1)
    settings = config(
        input_dim=(PIXELS,), latent_dim=LATENT, reconstruction_loss="bce",
        number_gradient_estimates=groups, number_samples=samples,
    )  # fmt: skip
    return kind(settings).double()


def our_terms(model: nn.Module, x: Tensor, groups: int, samples: int) -> Terms:
    """The three log-densities of the very samples that pythae's forward pass draws next.

    Its noise has the axes [B, M, K, D]; ours are [M K, B, D].
    """
    encoded = model.encoder(x)
    mean, log_var = encoded.embedding, encoded.log_covariance
    torch.manual_seed(2)
    eps = torch.randn(BATCH, groups, samples, LATENT, dtype=torch.float64)
    eps = eps.flatten(1, 2).transpose(0, 1)
    z = mean + eps * torch.exp(0.5 * log_var)
    decoded = model.decoder(z.flatten(0, 1))["reconstruction"].view(groups * samples, BATCH, PIXELS)
    log_px = (x * decoded.log() + (1 - x) * (1 - decoded).log()).sum(-1)
    log_pz = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    log_qz = torch.distributions.Normal(mean, torch.exp(0.5 * log_var)).log_prob(z).sum(-1)
    return Terms((z,), log_px, log_pz, log_qz)


def swapped(terms: Terms, groups: int) -> Terms:
    """The same samples, grouped the other way round: K groups of M."""
    parts = (terms.log_px, terms.log_pz, terms.log_qz)
    turned = [p.unflatten(0, (groups, -1)).transpose(0, 1).flatten(0, 1) for p in parts]
    return Terms(terms.z, *turned)


def gradient(loss: Tensor, module: nn.Module) -> Tensor:
    found = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True)
    return torch.cat([g.ravel() for g in found])


def of(bound: Bound, terms: Terms, side: str, module: nn.Module) -> Tensor:
    return gradient(getattr(bound(terms, 1.0), f"{side}_loss"), module)


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / one.abs().max())


def trained(model: nn.Module, output: SimpleNamespace) -> Tensor:
    """The encoder's gradient with which pythae's trainer for PIWAE steps."""
    sides = {
        f"{side}_optimizer": torch.optim.SGD(getattr(model, side).parameters(), lr=0.0)
        for side in ("encoder", "decoder")
    }
    CoupledOptimizerTrainer._optimizers_step(SimpleNamespace(**sides), output)
    return torch.cat([p.grad.ravel() for p in model.encoder.parameters()])


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--M", type=int, default=2)
    parser.add_argument("--K", type=int, default=7)
    given = parser.parse_args()
    M, K = given.M, given.K
    x = torch.rand(BATCH, PIXELS, generator=torch.Generator().manual_seed(0)).round().double()

    model = pythae_model(MIWAE, MIWAEConfig, M, K)
    terms = our_terms(model, x, M, K)
    torch.manual_seed(2)
    theirs = model({"data": x}).loss
    print(f"MIWAE, M = {M} groups of K = {K}, all parameters")
    groups = [
        Iwae(K)(Terms(terms.z, *(p[m * K : (m + 1) * K] for p in parts)), 1.0).phi_loss
        for parts in [(terms.log_px, terms.log_pz, terms.log_qz)]
        for m in range(M)
    ]
    ours = of(Miwae(M, K), terms, "phi", model)
    print(f"  ours and the mean of {M} IWAE({K}): ", end="")
    print(f"{apart(ours, gradient(torch.stack(groups).mean(), model)):.1e}")
    print(f"  pythae's and ours, MIWAE({M},{K}): {apart(ours, gradient(theirs, model)):.1e}")
    other = of(Miwae(K, M), swapped(terms, M), "phi", model)
    print(f"  pythae's and ours with M and K swapped, MIWAE({K},{M}): ", end="")
    print(f"{apart(other, gradient(theirs, model)):.1e}")
    bound = float(Miwae(M, K)(terms, 1.0).value.mean())
    surrogate = -float(theirs.detach())
    print(f"  logged: ours {bound:.4f} (the bound), pythae's {surrogate:.4f} (a surrogate)")

    model = pythae_model(PIWAE, PIWAEConfig, M, K)
    terms = our_terms(model, x, M, K)
    torch.manual_seed(2)
    output = model({"data": x})
    print("PIWAE, the encoder's gradient in training")
    ours = of(Piwae(M, K), terms, "phi", model.encoder)
    print("  ours and MIWAE's: ", end="")
    print(f"{apart(ours, of(Miwae(M, K), terms, 'phi', model.encoder)):.1e}")
    wrong = of(Miwae(K, M), swapped(terms, M), "phi", model.encoder)
    iwae = of(Iwae(M * K), terms, "theta", model.encoder)
    theirs = trained(model, output)
    print(f"  pythae's and ours: {apart(ours, theirs):.1e}")
    print(f"  pythae's and its (swapped) MIWAE's plus the decoder's IWAE({M * K})'s: ", end="")
    print(f"{apart(wrong + iwae, theirs):.1e}")


if __name__ == "__main__":
    main()
