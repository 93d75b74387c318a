"""Small models in float64 whose posteriors are refined, and the oracle that unrolls the steps."""

import torch

from tests.architecture.published import architecture
from tests.laws.components import TOY_TEXT, ToyData, build, whole_sentences
from vaelab.likelihood.categorical import Categorical
from vaelab.model import VAE
from vaelab.posterior import GaussianPosterior
from vaelab.refine.inner import Inner
from vaelab.refine.modes import inner_passes, statistics
from vaelab.refine.refinement import refined
from vaelab.refine.settings import Settings
from vaelab.seeding import noise
from vaelab.traits import Trait

IMAGES = ToyData((1, 6, 6), (Trait.IMAGE, Trait.UNIT_INTERVAL))
SETTINGS = {
    "steps": 3,
    "step_size": 0.3,
    "momentum": 0.5,
    "clip": None,
    "inner_grad": "exact",
    "inner_reduction": "per_example",
    "fd_step": 0.001,
}


def settings(**changed):
    return Settings(**{**SETTINGS, **changed})


def lstm(prior="standard", dtype=torch.float64, dropout=0.5):
    """An LSTM VAE with dropout, and a batch of sentences of one length."""
    torch.manual_seed(0)
    provided = {"shape": (7,), "likelihood": Categorical(TOY_TEXT)}
    built = build(
        "architecture", "lstm", provided, latent_dim=2, embedding=6, hidden=[7, 7],
        dropout_in=dropout, dropout_out=dropout, init_weights=0.5,
    )  # fmt: skip
    return vae_of(built, prior, TOY_TEXT, dtype), whole_sentences(5)


def pixelcnn(prior="standard", dtype=torch.float64):
    """A residual PixelCNN with batch norm, and a batch of binary images."""
    torch.manual_seed(0)
    built = architecture(
        "resnet_pixelcnn", (1, 6, 6), latent_dim=2, encoder_channels=3, width=4, channels=4,
        kernels=[3, 3, 3, 3],
    )  # fmt: skip
    return vae_of(built, prior, IMAGES, dtype), torch.rand(5, 1, 6, 6, dtype=dtype).round()


def mlp(prior="standard", dtype=torch.float64):
    """An MLP and a batch of binary images."""
    torch.manual_seed(0)
    built = architecture("mlp", (1, 6, 6), latent_dim=2, hidden=[9])
    return vae_of(built, prior, IMAGES, dtype), torch.rand(5, 1, 6, 6, dtype=dtype).round()


def vae_of(built, prior, data, dtype):
    provided = {"shape": data.shape, "dataset": data, "latent_dim": 2}
    made = build("prior", prior, provided, components=4)
    vae = VAE(built.encoder, built.decoder, made).to(dtype).train()
    if prior == "vamp_data" and data is TOY_TEXT:
        with torch.no_grad():
            made.u.copy_(whole_sentences(4))
    return vae


def lstm_savae():
    """SA-VAE's text model."""
    torch.manual_seed(0)
    provided = {"shape": (7,), "likelihood": Categorical(TOY_TEXT)}
    built = build(
        "architecture", "lstm_savae", provided, latent_dim=2, embedding=6, hidden=[7, 7],
        init_weights=0.5,
    )  # fmt: skip
    return vae_of(built, "standard", TOY_TEXT, torch.float64), whole_sentences(5)


def gated():
    """SA-VAE's image model."""
    torch.manual_seed(0)
    built = architecture(
        "resnet_gated_pixelcnn", (1, 8, 8), latent_dim=2, encoder_channels=3, channels=4,
        kernels=[3, 3],
    )  # fmt: skip
    x = torch.rand(5, 1, 8, 8, dtype=torch.float64).round()
    return vae_of(built, "standard", IMAGES, torch.float64), x


MODELS = {"lstm": lstm, "pixelcnn": pixelcnn, "mlp": mlp}
PAPERS = {"lstm_savae": lstm_savae, "resnet_gated_pixelcnn": gated}


def start_of(vae, x):
    q = vae.encoder(x).first
    return GaussianPosterior(q.mean, q.log_var)


def loss_at(vae, x, q, prior, beta):
    """Minus the ELBO of a batch, with noise that is always the same."""
    with noise(torch.device("cpu"), 77):
        terms = vae.terms(x, q, 2, prior=prior)
    return -terms.log_w(beta).mean()


def gradients(vae, loss):
    """Of every parameter; zeros where there is none."""
    parameters = [p for p in vae.parameters() if p.requires_grad]
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]


def refined_gradients(vae, x, how, beta=0.7, seed=5):
    """The loss at lambda_K through one refinement, and the gradients of all parameters."""
    torch.manual_seed(seed)
    prior = vae.prior(vae.encoder)
    q = refined(how, vae, x, start_of(vae, x), prior, beta)
    loss = loss_at(vae, x, q, prior, beta)
    return loss.detach(), gradients(vae, loss), q


def unrolled_gradients(vae, x, how, beta=0.7, seed=5):
    """The same by keeping the graph of every step."""
    torch.manual_seed(seed)
    prior = vae.prior(vae.encoder)
    q = unrolled(vae, x, how, start_of(vae, x), prior, beta)
    loss = loss_at(vae, x, q, prior, beta)
    return loss.detach(), gradients(vae, loss)


def unrolled(vae, x, how, start, prior, beta=0.7):
    """The posterior after the steps, every step's graph kept."""
    divisor = 1 if how.inner_reduction == "per_example" else len(x)
    inner = Inner(vae, x, prior, beta, divisor, int(torch.randint(2**62, ())))
    now = torch.stack([start.first.mean, start.first.log_var])
    velocity = torch.zeros_like(now)
    kept = statistics(vae.decoder)
    with inner_passes(vae.decoder, torch.device("cpu"), kept, twice=True):
        for step in range(how.steps):
            with noise(torch.device("cpu"), 0):
                losses = inner.losses(step, now)
            (gradient,) = torch.autograd.grad(losses.sum() / divisor, now, create_graph=True)
            velocity = how.momentum * velocity - how.clipped(gradient)
            now = now + how.step_size * velocity
    return GaussianPosterior(now[0], now[1])


def flat(tensors):
    return torch.cat([one.flatten() for one in tensors])


def cosine(a, b):
    a, b = flat(a), flat(b)
    return float(a @ b / (a.norm() * b.norm()))
