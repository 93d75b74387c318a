"""A fixed posterior over training examples; the generative model learns alone.

Derived from the abstract of Towards Model-Agnostic Posterior Approximation for Fast and Accurate
Variational Autoencoders (Yacoby, Pan & Doshi-Velez, 2024), 2403.08941: the posterior over the
indices of examples does not depend on the model and is computed before training. How it is
computed, how indices get codes and what is maximised is this project's own design, not the paper's.
"""

import math
import time
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

from vaelab.architecture.base import Architecture
from vaelab.batch import Batch
from vaelab.bound.base import Bound, Objective
from vaelab.dataset.base import Dataset, Split
from vaelab.descent import Descent
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood
from vaelab.likelihood.gaussian import Gaussian
from vaelab.mapa.embedding import Embedding
from vaelab.mapa.features import Distance
from vaelab.mapa.kernel import SelfTerm
from vaelab.mapa.posteriors import CellPosterior, MixturePosterior
from vaelab.mapa.settings import Asked, check_data, distance_of, objective_of, recipe
from vaelab.mapa.tables import Tables
from vaelab.model import Terms
from vaelab.posterior import Posterior
from vaelab.trainer.base import InferenceStrategy, Learner
from vaelab.traits import Trait


class Mapa(InferenceStrategy):
    """The decoder (and prior) learn under a posterior over indices that is known before training.

    Outside training the posterior of any x is that over the same training examples, as of one that
    is none of them.

    Args:
        latent_dim: d.
        dataset: whose training split has the indices.
        likelihood: p(x|z).
        architecture: its encoder is there for `post_hoc_inference` alone.
        run_epochs: of the run.
        bound: the ELBO, or one of importance weights with this posterior as their proposal.
        c: the kernel's variance is c sigma2; an index posterior that is placed on the true codes
            is the posterior of a model whose noise is 1 + c times as large.
        sigma2: noise variance of the data: a number; "likelihood", that of a fixed Gaussian scale;
            "local_pca", estimated; "perplexity", none: the width gives a perplexity. "auto": of the
            likelihood where it says one and distances are between raw data, else by perplexity.
        perplexity: that is aimed at.
        width: one "global" h, at which the perplexity is the median, or one "per_row".
        k: neighbours that are kept; null: 200, or more until 99 % of the mass is theirs or the
            matrix has 16 million entries.
        self_term: an example's own index: "include", "exclude", or "expected", where an independent
            replicate of it would be; "auto": include up to 4 features, else expected.
        normalise: "row", or "sinkhorn", rows and columns: the average posterior is the prior.
        layout: whose cell is where. "path" through the data (d = 1), "kd", boxes by an embedding,
            "auto", the one or the other; "soft", Gaussian codes that begin there and are learnt.
        embedding: of "kd": "isomap", "pca", or "auto".
        landmarks: of "path".
        distance: between "raw" data or their principal components ("pca"); "auto": raw up to 20
            elements.
        components: of "pca", at most.
        objective: "collapsed", on N targets instead of all pairs, where p(x|z) allows it; "pairs",
            (example, index) drawn; "iw", with a bound of importance weights; "auto".
        post_hoc_inference: epochs at the end in which the encoder learns the posterior, the
            generative model being frozen; 0: none, and q is the index posterior.
    """

    def __init__(
        self,
        latent_dim: int,
        dataset: Dataset,
        likelihood: Likelihood,
        architecture: Architecture,
        bound: Bound,
        c: float,
        sigma2: float | Literal["auto", "likelihood", "local_pca", "perplexity"],
        perplexity: float,
        width: Literal["global", "per_row"],
        k: int | None,
        self_term: Literal["auto"] | SelfTerm,
        normalise: Literal["row", "sinkhorn"],
        layout: Literal["auto", "path", "kd", "soft"],
        embedding: Literal["auto"] | Embedding,
        landmarks: int,
        distance: Literal["auto"] | Distance,
        components: int,
        objective: Literal["auto", "collapsed", "pairs", "iw"],
        post_hoc_inference: int,
        run_epochs: int,
    ) -> None:
        super().__init__()
        check_data(dataset)
        asked = Asked(
            c=c,
            sigma2=sigma2,
            perplexity=perplexity,
            width=width,
            k=k,
            self_term=self_term,
            normalise=normalise,
            layout=layout,
            embedding=embedding,
            landmarks=landmarks,
            distance=distance,
            components=components,
        )
        elements = math.prod(dataset.shape)
        self.recipe = recipe(asked, likelihood, elements, latent_dim)
        self.distance: Distance = distance_of(asked, elements)
        self.components = components
        self.soft = layout == "soft"
        self.learned_noise = isinstance(likelihood, Gaussian) and likelihood.scale is None
        self.kind = objective_of(
            objective,
            soft=self.soft,
            bound=bound,
            likelihood=likelihood,
            architecture=architecture,
        )
        if not 0 <= post_hoc_inference < run_epochs:
            raise UserError(
                f"trainer.post_hoc_inference={post_hoc_inference}: must be 0 (none) or more, and "
                f"fewer than epochs={run_epochs}"
            )
        self.post_hoc = post_hoc_inference > 0
        self.alone = run_epochs - post_hoc_inference  # epochs of the generative model
        self.state = {"epochs": 0, "facts": {}, "fingerprint": "", "seconds": 0.0}
        self.tables: Tables | None = None
        # The bound is loose by the width of the index posteriors: it compares no epochs. Once the
        # encoder alone learns, it does.
        if not self.post_hoc:
            self.monitors, self.criterion = ("log_likelihood",), "val/log_likelihood"

    @property
    def unfinished(self) -> int:
        """The generative model's epochs, where the encoder comes after them."""
        return self.alone if self.post_hoc else 0

    @property
    def needs(self) -> frozenset[Trait]:
        """Of the data, the architecture, the prior and the bound."""
        of_bound = Trait.MANY_SAMPLES if self.kind == "iw" else Trait.LINEAR_BOUND
        needs = {Trait.FIXED, Trait.LOCAL_POSTERIOR, of_bound}
        needs |= set() if self.soft else {Trait.STANDARD_PRIOR}
        # A prior made of the encoder would not stay frozen.
        return frozenset(needs | ({Trait.ENCODER, Trait.OWN_PRIOR} if self.post_hoc else set()))

    # -- before training ------------------------------------------------------------------------

    def prepare(self, train: Split, *, fresh: bool) -> list[str]:
        """Index posteriors, their layout and, for soft ones, codes."""
        self.tables = Tables(self.recipe, self.distance, self.components, train)
        if self.soft:
            size, dim = len(train), self.recipe.latent_dim
            self.code = nn.Parameter(torch.zeros(size, dim))
            self.code_log_var = nn.Parameter(torch.zeros(size, dim))
        self.state["fingerprint"] = self.tables.fingerprint
        return self.fit() if fresh else []

    def fit(self) -> list[str]:
        """Compute what `prepare` made room for; what is to be said of it."""
        tables = self.ready_tables(computed=False)
        started = time.perf_counter()
        warnings = tables.fit()
        self.state["facts"] = tables.facts
        self.state["seconds"] = time.perf_counter() - started
        if self.soft:
            mean, variance = tables.layout.moments()
            with torch.no_grad():
                self.code.copy_(mean)
                self.code_log_var.copy_(variance.log())
        said = f"{described(tables.facts)}; {self.state['seconds']:.1f} s"
        if self.learned_noise:
            warnings.append(
                "the likelihood's scale is learnt, and comes out larger than the noise by the "
                "kernel's width and the size of cells; likelihood.scale fixes it"
            )
        return [said, *(f"warning: {one}" for one in warnings)]

    def ready_tables(self, *, computed: bool = True) -> Tables:
        """The tables; computed now where no checkpoint brought them (a run trained otherwise)."""
        assert self.tables is not None, "prepare comes first"
        if computed and not self.tables.facts:
            self.tables.facts = self.state["facts"]
            if not self.tables.facts:
                self.fit()
        return self.tables

    @property
    def facts(self) -> dict[str, float]:
        """Perplexities, the constant KL divergence, and the rest of what was known before."""
        return self.state["facts"]

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """From the state dict, if the tables are of the same data and settings.

        Raises:
            UserError: they are not.
        """
        mine, other = self.state["fingerprint"], state.get("fingerprint", "")
        if mine and other and mine != other:
            raise UserError(
                "the training data or the settings of trainer=mapa are not those that this model "
                "was trained with; use them, or train again with fresh=true"
            )
        super().set_extra_state(state)

    # -- training -------------------------------------------------------------------------------

    @property
    def fitting_encoder(self) -> bool:
        """Whether the generative model is done, and q is the encoder's."""
        return self.post_hoc and self.state["epochs"] >= self.alone

    @property
    def encodes(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Once the encoder learns."""
        return self.fitting_encoder

    def posterior(self, learner: Learner, batch: Batch) -> Posterior:
        """q(z|x): in training that of the examples' own rows, else as of any x."""
        if self.fitting_encoder:
            return learner.vae.encoder(batch.x)
        tables = self.ready_tables()
        if learner.vae.training:
            rows, which = tables.rows, batch.index
        else:
            rows, which = tables.of(batch.x), torch.arange(len(batch.x), device=batch.x.device)
        if self.soft:
            return MixturePosterior(rows, which, self.code, self.code_log_var)
        return CellPosterior(rows, which, tables.layout)

    def objective(self, learner: Learner, batch: Batch, bound: Bound) -> tuple[Objective, Terms]:
        """The bound of the index posterior; the batch's rows are indices where it is collapsed.

        An index m has w_m E_{p(z|C_m)} E log p(x|z), x of its target's moments, and the constant
        mean KL divergence: the mean over all indices is the mean bound over all examples.
        """
        if self.fitting_encoder or self.kind != "collapsed":
            return super().objective(learner, batch, bound)
        tables = self.ready_tables()
        targets, index = tables.targets, batch.index
        z = tables.layout.sample(index.expand(bound.num_samples, -1))
        model = learner.vae.decoder((z,))
        expected: Any = getattr(model, "expected_log_prob")  # noqa: B009 - as Likelihood.collapses
        log_px = expected(targets.mean[index], targets.variance[index]) * targets.weight[index]
        kl = torch.full_like(log_px, tables.facts["kl"])
        terms = Terms((z,), log_px, torch.zeros_like(kl), kl)
        return bound(terms, learner.beta), terms

    def update(self, learner: Learner, batch: Batch) -> Descent:
        """One descent on the generative model, or on the encoder alone once that is done."""
        if self.fitting_encoder:
            return learner.descend(batch, "phi")
        # A prior may be made of the encoder, which is then a part of the generative model.
        own = Trait.OWN_PRIOR in learner.vae.prior.offers
        return learner.descend(batch, *(("theta",) if own else ("phi", "theta")))

    def rate_epoch(self, epoch: int) -> int:
        """The encoder's epochs count from 0: a schedule would have come to its end."""
        return epoch - self.alone if self.post_hoc and epoch >= self.alone else epoch

    def observe(self, metrics: Mapping[str, float]) -> str | None:
        """Count epochs."""
        self.state["epochs"] += 1
        if self.post_hoc and self.state["epochs"] == self.alone:
            return "the generative model is done: the encoder learns its posterior"
        return None

    def cost(self) -> dict[str, float | int | None]:
        """Seconds of everything before training."""
        return {"precomputation_seconds": self.state["seconds"]}


def described(facts: Mapping[str, float]) -> str:
    """What is known before training, in a line."""
    return (
        f"index posteriors of {facts['examples']:,.0f} examples over {facts['neighbours']:.0f} "
        f"neighbours each, h = {facts['width']:.4g}: perplexity {facts['perplexity_5']:.1f}, "
        f"{facts['perplexity_50']:.1f}, {facts['perplexity_95']:.1f} (quantiles .05, .5, .95); "
        f"constant KL {facts['kl']:.3f} nats; mass left out at most {facts['dropped_95']:.1e} "
        "(quantile .95)"
    )
