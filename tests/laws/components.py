"""Build any option of a group from its YAML alone, and tools the laws share."""

import importlib
import inspect
import math
from pathlib import Path

import torch
import yaml
from torch import nn

from vaelab.architecture.base import Decoder, Encoder
from vaelab.composing.groups import settings
from vaelab.composing.typed import settle
from vaelab.dataset.base import Dataset, Split, Splits
from vaelab.dataset.vocabulary import BOS, EOS, PAD, SPECIALS, UNK, Vocabulary
from vaelab.distribution import DiagonalGaussian
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.likelihood.categorical import Categorical
from vaelab.likelihood.gaussian import Gaussian
from vaelab.posterior import GaussianPosterior
from vaelab.traits import Trait

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def options(group):
    """Names of every option of a group: the files of its folder."""
    folder = CONFIGS / group
    found = sorted(p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml"))
    assert found, f"no option of {group}"
    return found


def read(group, option):
    """(class, its arguments) as the YAML says."""
    arguments = yaml.safe_load((CONFIGS / group / f"{option}.yaml").read_text(encoding="utf-8"))
    for key, value in arguments.items():
        if isinstance(value, str) and value.startswith("${"):  # a top-level setting's value
            arguments[key] = yaml.safe_load(settings(CONFIGS)[value[2:-1]][0])
    module, _, name = arguments.pop("_target_").rpartition(".")
    return getattr(importlib.import_module(module), name), arguments


def build(group, option, provided=None, **overrides):
    """The option with its YAML's values; `overrides` apply where the option has the argument.

    YAML's 10 for a number and its lists for tuples become what the class says, as in training.
    """
    cls, arguments = read(group, option)
    names = inspect.signature(cls).parameters
    asked = {name: value for name, value in (provided or {}).items() if name in names}
    changed = {name: value for name, value in overrides.items() if name in names}
    own = {k: settle(v, names[k].annotation) for k, v in {**arguments, **changed}.items()}
    return cls(**{**{k: nested(v) for k, v in own.items()}, **asked})


def nested(value):
    """An argument that is a component itself, built; any other as it is."""
    if not (isinstance(value, dict) and "_target_" in value):
        return value
    module, _, name = value["_target_"].rpartition(".")
    return getattr(importlib.import_module(module), name)(
        **{k: v for k, v in value.items() if k != "_target_"}
    )


class ToyData(Dataset):
    """Data of any shape whose training split the test chooses."""

    def __init__(self, shape=(1, 4, 4), offers=(Trait.IMAGE, Trait.BINARY), train=None):
        self._shape = shape
        self._offers = frozenset(offers)
        self.train = train

    @property
    def shape(self):
        return self._shape

    @property
    def offers(self):
        return self._offers

    def load(self):
        split = Split(self.train)
        return Splits(split, split, split)


TOY_TEXT = ToyData((7,), (Trait.TOKENS,))
TOY_TEXT.vocabulary = Vocabulary("abcdefg")
TOY_TEXT.length = 5  # words, for architectures that must be told
ONE_LENGTH = ("lstm_affine",)  # read sentences of that length alone


def whole_sentences(count):
    """Of 5 words of the toy vocabulary."""
    x = torch.randint(len(SPECIALS), len(TOY_TEXT.vocabulary), (count, 7))
    x[:, 0], x[:, -1] = BOS, EOS
    return x


def sentences(count):
    """Of 0 to 5 words of the toy vocabulary, padded to 7 tokens."""
    x = torch.randint(UNK, len(TOY_TEXT.vocabulary), (count, 7))
    ends = torch.randint(1, 7, (count, 1))
    place = torch.arange(7)
    x = x.masked_fill(place == ends, EOS).masked_fill(place > ends, PAD)
    return x.masked_fill(place == 0, BOS)


def data_for(architecture):
    """(shape, likelihood, x) that an architecture's class says it needs; float64 (words: int64).

    A kind of data that is not known here fails: whoever adds it says what a small x is.
    """
    cls, _ = read("architecture", architecture)
    needs = cls.needs if isinstance(cls.needs, frozenset) else frozenset()
    if Trait.TOKENS in needs:
        draw = whole_sentences if architecture in ONE_LENGTH else sentences
        return (7,), Categorical(TOY_TEXT), draw
    if Trait.VECTOR in needs:
        return (6,), Gaussian(1.0), lambda n: torch.randn(n, 6, dtype=torch.float64)
    return (1, 8, 8), Bernoulli(None), lambda n: torch.rand(n, 1, 8, 8, dtype=torch.float64).round()


def scramble(module, scale):
    """Move every parameter off its initial value, so that nothing holds by symmetry."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(scale * torch.randn_like(parameter))


def assert_zero_mean(draws, bound=4.5):
    """Mean over axis 0 of independent draws is zero within `bound` standard errors."""
    error = draws.std(0) / math.sqrt(len(draws))
    z = draws.mean(0) / error
    assert bool((error > 0).all()), "a test of constants says nothing"
    assert float(z.abs().max()) < bound, f"{float(z.abs().max()):.1f} standard errors"


class LinearEncoder(Encoder):
    """x -> N(A x + a, diag exp(log_var)), the family the exact posterior below lies in."""

    def __init__(self, weight, bias, log_var):
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.bias = nn.Parameter(bias.clone())
        self.log_var = nn.Parameter(log_var.clone())

    def forward(self, x):
        mean = x @ self.weight.T + self.bias
        return GaussianPosterior(mean, self.log_var.expand_as(mean))


class LinearDecoder(Decoder):
    """z -> N(W z + c, scale^2 I)."""

    def __init__(self, weight, bias, scale):
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.bias = nn.Parameter(bias.clone())
        self.likelihood = Gaussian(scale)

    def forward(self, z):
        return self.likelihood((z[0] @ self.weight.T + self.bias).unsqueeze(2))


class LinearGaussian:
    """p(z) = N(0, I_2), p(x|z) = N(W z + c, s^2 I_4): everything known in closed form, float64.

    The columns of W are orthogonal, so that the exact posterior is a diagonal Gaussian.
    """

    scale = 0.7

    def __init__(self):
        f64 = {"dtype": torch.float64}
        self.weight = torch.tensor([[1.0, 0.5], [-1.0, 0.5], [0.5, 1.0], [0.5, -1.0]], **f64)
        self.bias = torch.tensor([0.3, -0.2, 0.0, 0.5], **f64)
        self.x = torch.tensor(
            [[0.2, -1.0, 0.4, 1.3], [2.0, 0.1, -0.6, 0.0], [-0.5, 0.5, 1.5, -2.0]], **f64
        )
        precision = torch.eye(2, **f64) + self.weight.T @ self.weight / self.scale**2
        self.covariance = torch.linalg.inv(precision)
        assert float(self.covariance[0, 1].abs()) < 1e-15
        self.gain = self.covariance @ self.weight.T / self.scale**2
        marginal = self.weight @ self.weight.T + self.scale**2 * torch.eye(4, **f64)
        self.log_p = torch.distributions.MultivariateNormal(self.bias, marginal).log_prob(self.x)

    def decoder(self):
        return LinearDecoder(self.weight, self.bias, self.scale)

    def exact_encoder(self):
        """The true posterior."""
        log_var = self.covariance.diagonal().log()
        return LinearEncoder(self.gain, -self.gain @ self.bias, log_var)

    def wrong_encoder(self):
        """A posterior some way from the true one, narrower in one dimension, wider in the other."""
        exact = self.exact_encoder()
        with torch.no_grad():
            exact.weight.mul_(0.8)
            exact.bias.add_(torch.tensor([0.2, -0.1], dtype=torch.float64))
            exact.log_var.add_(torch.tensor([-0.4, 0.3], dtype=torch.float64))
        return exact

    def kl_to_exact(self, q: DiagonalGaussian):
        """KL(q || p(z|x)) for each x, from torch's own formula."""
        exact = self.exact_encoder()(self.x).first
        mine = torch.distributions.Normal(q.mean, (0.5 * q.log_var).exp())
        true = torch.distributions.Normal(exact.mean, (0.5 * exact.log_var).exp())
        return torch.distributions.kl_divergence(mine, true).sum(-1).detach()
