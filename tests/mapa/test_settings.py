"""Settings that are left open are chosen from what is at hand, and what cannot be is refused."""

from types import SimpleNamespace

import pytest

from vaelab.bound.elbo import Elbo
from vaelab.bound.iwae import Iwae
from vaelab.errors import UserError
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.likelihood.discretized_logistic import DiscretizedLogistic
from vaelab.likelihood.gaussian import Gaussian
from vaelab.mapa.settings import Asked, check_data, distance_of, objective_of, recipe
from vaelab.traits import Trait

FIXED = Gaussian(0.1)


def asked(**settings):
    given = {
        "c": 1.0, "sigma2": "auto", "perplexity": 30.0, "width": "global", "k": None,
        "self_term": "auto", "normalise": "row", "layout": "auto", "embedding": "auto",
        "landmarks": 60, "distance": "auto", "components": 50,
    }  # fmt: skip
    return Asked(**(given | settings))


def chosen(likelihood=FIXED, elements=2, latent_dim=1, **settings):
    return recipe(asked(**settings), likelihood, elements, latent_dim)


def test_noise_is_the_likelihoods_between_raw_data_where_it_says_one():
    assert chosen().sigma2 == pytest.approx(0.01)
    assert chosen(elements=784).sigma2 == "perplexity"
    assert chosen(Gaussian(None)).sigma2 == "perplexity"
    assert chosen(Bernoulli(None)).sigma2 == "perplexity"
    assert chosen(elements=784, sigma2="likelihood").sigma2 == pytest.approx(0.01)
    assert chosen(sigma2=0.3).sigma2 == 0.3
    assert chosen(sigma2="local_pca").sigma2 == "local_pca"


def test_oneself_is_included_up_to_four_features():
    assert chosen(elements=4).self_term == "include"
    assert chosen(elements=5).self_term == "expected"
    assert chosen(elements=784).self_term == "expected"
    assert chosen(elements=784, components=4).self_term == "include"
    assert chosen(elements=784, self_term="exclude").self_term == "exclude"


def test_one_dimension_is_a_path_and_more_are_boxes():
    assert chosen().layout == "path"
    assert chosen(latent_dim=2).layout == "kd"
    assert chosen(layout="kd").layout == "kd"
    assert chosen(layout="soft").layout == "path"
    assert chosen(layout="soft", latent_dim=2).layout == "kd"
    assert chosen().embedding is None
    assert chosen(embedding="pca").embedding == "pca"


def test_distances_are_between_raw_data_up_to_twenty_elements():
    assert distance_of(asked(), 20) == "raw"
    assert distance_of(asked(), 21) == "pca"
    assert distance_of(asked(distance="raw"), 784) == "raw"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"c": 0.0}, r"^trainer\.c=0: must be above 0, and finite$"),
        ({"c": float("inf")}, r"^trainer\.c=inf: "),
        ({"sigma2": -1.0}, r"^trainer\.sigma2=-1: "),
        ({"sigma2": float("nan")}, r"^trainer\.sigma2=nan: "),
        ({"perplexity": 1.0}, r"^trainer\.perplexity=1: must be above 1, "),
        ({"perplexity": -3.0}, r"^trainer\.perplexity=-3: must be above 0"),
        ({"k": 0}, r"^trainer\.k=0: must be at least 1$"),
        ({"landmarks": 1}, r"^trainer\.landmarks=1: must be at least 2$"),
        ({"components": 0}, r"^trainer\.components=0: must be at least 1$"),
        (
            {"normalise": "sinkhorn", "self_term": "exclude"},
            r"^trainer\.normalise=sinkhorn cannot be used with trainer\.self_term=exclude,",
        ),
        (
            {"likelihood": Bernoulli(None), "sigma2": "likelihood"},
            r"^trainer\.sigma2=likelihood needs likelihood=gaussian with a fixed",
        ),
        ({"likelihood": Gaussian(None), "sigma2": "likelihood"}, r"^trainer\.sigma2=likelihood "),
        (
            {"width": "per_row"},
            r"^trainer\.width=per_row cannot be used with trainer\.sigma2=auto; .*=perplexity, or",
        ),
        (
            {"width": "per_row", "sigma2": 0.1},
            r"^trainer\.width=per_row cannot be used with trainer\.sigma2=0\.1; ",
        ),
        (
            {"width": "per_row", "sigma2": "perplexity", "normalise": "sinkhorn"},
            r"^trainer\.width=per_row cannot be used with trainer\.normalise=sinkhorn; .*=row, or",
        ),
        (
            {"layout": "path", "latent_dim": 2},
            r"^trainer\.layout=path cannot be used with architecture\.latent_dim=2: .*=kd$",
        ),
        (
            {"latent_dim": 3},
            r"^trainer=mapa cannot be used with architecture\.latent_dim=3: .*latent_dim=2 or less",
        ),
        (
            {"elements": 784, "components": 5, "latent_dim": 6, "layout": "soft"},
            r"^trainer=mapa cannot be used with architecture\.latent_dim=6: .*of 5 features",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(settings, message):
    with pytest.raises(UserError, match=message) as caught:
        chosen(**settings)
    assert "\n" not in str(caught.value)


ELBO, IWAE = Elbo(1, "sampled", 0.0, "total"), Iwae(5)
GREY = DiscretizedLogistic(open_edges=False, floor=0.0)
PARALLEL, AUTOREGRESSIVE = (
    SimpleNamespace(decoder=SimpleNamespace(autoregressive=one)) for one in (False, True)
)


def objective(one="auto", soft=False, bound=ELBO, likelihood=FIXED, architecture=PARALLEL):
    parts = {"soft": soft, "bound": bound, "likelihood": likelihood}
    return objective_of(one, **parts, architecture=architecture)


def test_the_sum_over_examples_is_taken_before_training_where_it_can_be():
    assert objective() == "collapsed"
    assert objective(likelihood=Gaussian(None)) == "collapsed"
    assert objective(likelihood=Bernoulli(None)) == "collapsed"
    assert objective(soft=True) == "pairs"
    assert objective(likelihood=GREY) == "pairs"
    assert objective(architecture=AUTOREGRESSIVE) == "pairs"
    assert objective(bound=IWAE) == "iw"
    assert objective("pairs") == "pairs"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"soft": True}, r"trainer\.layout=soft, whose codes"),
        ({"architecture": AUTOREGRESSIVE}, r"an autoregressive decoder;"),
        (
            {"likelihood": GREY},
            r"this likelihood \(DiscretizedLogistic\),",
        ),
    ],
)
def test_a_sum_that_cannot_be_taken_is_refused_in_a_line(parts, message):
    start = r"^trainer\.objective=collapsed cannot be used with "
    with pytest.raises(UserError, match=start + message) as caught:
        objective("collapsed", **parts)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("choose trainer.objective=pairs")


def test_sentences_are_refused_in_a_line():
    check_data(SimpleNamespace(offers={Trait.VECTOR}))
    with pytest.raises(UserError, match=r"^trainer=mapa cannot be used with .* sentences,") as it:
        check_data(SimpleNamespace(offers={Trait.TOKENS}))
    assert "\n" not in str(it.value)
