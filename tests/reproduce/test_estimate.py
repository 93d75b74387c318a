"""Costs: the arithmetic by hand, and that a network is timed once."""

import pytest
import torch

from tests.small import config
from vaelab.bound.elbo import Elbo
from vaelab.bound.iwae import Iwae
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.vocabulary import BOS, EOS, UNK
from vaelab.reproduce import estimate
from vaelab.reproduce.estimate import Estimator, Speed
from vaelab.reproduce.extent import Extent
from vaelab.runs.run import Run
from vaelab.sweeps.plan import container

MNIST = ("dataset=static_mnist", "architecture.hidden=[8]", "batch_size=100", "epochs=20")


@pytest.fixture
def timed(monkeypatch):
    """Every network takes 0.1 s and 100 passes an update, 0.02 s a batch of validation, 1 ms a
    sample.
    """
    made = []

    def measure(settings, parts, epoch, data):
        made.append(data)
        return Speed(0.1, 0.02, 0.001, 100)

    monkeypatch.setattr(estimate, "measure", measure)
    return made


def test_a_run_is_its_epochs_and_its_evaluation(timed, tmp_path):
    settings = config(*MNIST, "evaluation.samples=50", "evaluation.examples=200")
    cost = Estimator()(settings, Run(tmp_path))
    ((epochs, epoch),) = cost.stages
    assert epochs == 20
    assert epoch == pytest.approx(500 * 0.1 + 100 * 0.02)  # published sizes, no data read
    assert cost.evaluation == pytest.approx(50 * 200 * 0.001)
    assert cost.seconds == pytest.approx(20 * 52 + 10)


def test_a_budget_of_passes_ends_it_with_the_epoch_that_reaches_it(timed, tmp_path):
    for passes, epochs in ((150_000, 3), (150_001, 4), (2_000_000, 20)):  # 50,000 an epoch
        cost = Estimator()(config(*MNIST, f"decoder_passes={passes}"), Run(tmp_path))
        assert [count for count, _ in cost.stages] == [epochs]
    (tmp_path / "metrics.csv").write_text("epoch\n1\n2\n3\n")
    cost = Estimator()(config(*MNIST, "decoder_passes=200000"), Run(tmp_path))
    assert [count for count, _ in cost.stages] == [1]


def test_a_posterior_that_comes_before_training_is_there_for_the_timing(tmp_path):
    words = ["experiment=mapa/circle", "trainer=mapa", "decoder_passes=20000"]
    settings = validate(container(Composer().cells([*words, "architecture.hidden=[4]"])[0]))
    ((epochs, epoch),) = Estimator()(settings, Run(tmp_path)).stages
    assert epochs == 10  # of 2,000 passes
    assert epoch < 60


@pytest.mark.parametrize("protocol", ["vampprior", "iwae"])
def test_a_protocols_published_sizes_need_no_data(timed, tmp_path, monkeypatch, protocol):
    monkeypatch.setenv("VAELAB_DATA", str(tmp_path / "nothing"))
    settings = config("dataset=omniglot", f"dataset.protocol={protocol}", *MNIST[1:])
    cost = Estimator()(settings, Run(tmp_path))
    assert cost.stages[0][1] == pytest.approx(230 * 0.1 + 14 * 0.02)


def test_less_is_left_of_a_run_that_has_begun(timed, tmp_path):
    (tmp_path / "metrics.csv").write_text("epoch\n1\n2\n3\n")
    settings = config(*MNIST, "max_examples=150", "evaluation.examples=null")
    cost = Estimator()(settings, Run(tmp_path))
    ((epochs, epoch),) = cost.stages
    assert epochs == 17
    assert epoch == pytest.approx(2 * 0.1 + 2 * 0.02)
    assert cost.evaluation == pytest.approx(4 * 10_000 * 0.001)


def test_a_network_is_timed_once(timed, tmp_path):
    estimator = Estimator()
    same = [(*MNIST,), (*MNIST, "seed=2"), (*MNIST[1:], "dataset=mnist", "epochs=3")]
    for words in same:
        estimator(config(*words[:-1], words[-1]), Run(tmp_path))
    assert len(timed) == 1
    estimator(config(*MNIST, "prior=mog", "prior.components=3"), Run(tmp_path))
    estimator(config(*MNIST[1:], "dataset=digits"), Run(tmp_path))
    assert len(timed) == 3


def test_data_of_unknown_size_are_counted(timed, tmp_path):
    words = ("dataset=linear_gaussian", "dataset.num_train=70", "batch_size=10", "epochs=1")
    cost = Estimator()(config(*words), Run(tmp_path))
    assert cost.stages[0][1] > 7 * 0.1


TEXT = (
    "architecture=lstm_small", "architecture.embedding=6", "architecture.hidden=[7,7]", "epochs=10",
    "architecture.latent_dim=2", "evaluation.autoregressive_samples=3", "lightning=cpu",
    "evaluation.autoregressive_examples=20", "dataset=text", "batch_size=4",
)  # fmt: skip
LM = ("architecture=lstm_lm", "architecture.embedding=6", "architecture.hidden=7")


def text_config(*overrides):
    return validate(container(Composer().cells([*TEXT, *overrides])[0]))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A file a split: nine sentences of 2 words and six of 7, then 5 of validation, 8 of test."""
    monkeypatch.setenv("VAELAB_CACHE", str(tmp_path / "cache"))
    texts = {"train": ["a b"] * 9 + ["a b c d e f g"] * 6, "valid": ["a"] * 5, "test": ["b c"] * 8}
    for name, lines in texts.items():
        (tmp_path / name).write_text("\n".join(lines))
    return [f"dataset.{name}={tmp_path / name}" for name in texts]


def test_batches_of_sentences_are_counted(timed, tmp_path, files):
    cost = Estimator()(text_config(*files), Run(tmp_path))
    # 3 + 2 batches of one length, and 2 of validation; 15 sentences by 4 would be 4.
    assert cost.stages == ((10, pytest.approx(5 * 0.1 + 2 * 0.02)),)
    assert cost.evaluation == pytest.approx(3 * 8 * 0.001)
    # 15 / 5 and 5 / 2 sentences a batch, (9 x 4 + 6 x 9) / 15 tokens a sentence
    assert timed == [Extent(5, 2, 3, 2, test=8, length=6)]


def test_another_length_or_vocabulary_is_timed_anew(timed, tmp_path, files):
    estimator = Estimator()
    estimator(text_config(*files), Run(tmp_path))
    estimator(text_config(*files, "seed=2"), Run(tmp_path))
    assert len(timed) == 1
    estimator(text_config(*files, "dataset.min_count=7"), Run(tmp_path))  # fewer words
    estimator(text_config(*files, "dataset.max_words=2"), Run(tmp_path))
    assert [data.length for data in timed] == [6, 6, 4]


def test_without_a_latent_one_sample_of_each_is_evaluated(timed, tmp_path, files):
    words = [word for word in TEXT if not word.startswith("architecture")]
    settings = validate(container(Composer().cells([*words, *LM, *files])[0]))
    assert Estimator()(settings, Run(tmp_path)).evaluation == pytest.approx(8 * 0.001)


def test_made_up_sentences_have_the_length_and_the_words_of_the_data(files):
    parts = build(text_config(*files))
    split = estimate.made_up(parts, 200, 6)
    x = split[torch.arange(200)]
    assert x.shape == (200, 6)
    assert (x[:, 0] == BOS).all()
    assert (x[:, -1] == EOS).all()
    words = x[:, 1:-1]
    assert set(words.flatten().tolist()) <= set(range(UNK, len(parts.dataset.vocabulary)))
    assert len(words.unique()) > 5
    assert [len(one) for one in split.batches(4)] == [4] * 50


@pytest.mark.parametrize("words", [(), (*LM, "architecture.dropout_in=0.0")])
def test_sentences_are_timed(files, words):
    kept = [word for word in TEXT if not words or not word.startswith("architecture")]
    settings = validate(container(Composer().cells([*kept, *words, *files])[0]))
    speed = estimate.measure(settings, build(settings), 0, Extent(5, 2, 3, 2, 8, 6))
    assert all(0 < one < 20 for one in (speed.update, speed.validation, speed.sample))


SWITCH = ("bound=elbo_then_iwae", "select=last", "patience=null")


def test_a_bound_that_changes_is_timed_before_and_after(tmp_path, monkeypatch):
    speeds = {0: Speed(0.1, 0.02, 0.001, 100), 12: Speed(2.0, 0.3, 0.001, 500)}
    speeds[6] = Speed(9.0, 9.0, 9.0, 9)
    timed = []
    monkeypatch.setattr(estimate, "measure", lambda *a: timed.append(a[2]) or speeds[a[2]])
    settings = config(*MNIST, *SWITCH, "evaluation.samples=50", "evaluation.examples=200")
    estimator = Estimator()
    cost = estimator(settings, Run(tmp_path))  # 60 % of 20 epochs, then 40 %
    before, after = 500 * 0.1 + 100 * 0.02, 500 * 2.0 + 100 * 0.3
    assert cost.stages == ((12, pytest.approx(before)), (8, pytest.approx(after)))
    assert cost.seconds == pytest.approx(12 * 52 + 8 * 1030 + 10)
    (tmp_path / "metrics.csv").write_text("epoch\n" + "1\n" * 5)
    assert estimator(settings, Run(tmp_path)).stages == ((7, cost.stages[0][1]), cost.stages[1])
    (tmp_path / "metrics.csv").write_text("epoch\n" + "1\n" * 15)
    assert estimator(settings, Run(tmp_path)).stages == ((5, cost.stages[1][1]),)
    shorter = config(*MNIST[:-1], "epochs=10", *SWITCH)
    assert [n for n, _ in estimator(shorter, Run(tmp_path / "new")).stages] == [6, 4]
    assert timed == [0, 12]  # the same two networks, whenever they change
    # 12 epochs of 500 x 100 passes, 4 of 500 x 500.
    short = config(*MNIST, *SWITCH, f"decoder_passes={12 * 50_000 + 4 * 250_000}")
    assert [n for n, _ in estimator(short, Run(tmp_path / "new")).stages] == [12, 4]


@pytest.mark.parametrize(("epoch", "kind"), [(0, Elbo), (2, Iwae)])
def test_what_is_timed_is_the_bound_in_force(monkeypatch, epoch, kind):
    called = []
    for one in (Elbo, Iwae):
        own = one.__call__

        def spy(self, *given, own=own):
            called.append(type(self))
            return own(self, *given)

        monkeypatch.setattr(one, "__call__", spy)
    settings = config("dataset=digits", *SWITCH)
    estimate.measure(settings, build(settings), epoch, Extent(3, 1, 32, 32, 10, None))
    assert set(called) == {kind}


def test_times_are_measured_on_made_up_data(tmp_path):
    for words in (("prior=vamp", "prior.components=200"), ("architecture=mlp",)):
        cost = Estimator()(config("dataset=digits", *words), Run(tmp_path))
        assert 0 < cost.stages[0][1] < 60
        assert 0 < cost.evaluation < 60
