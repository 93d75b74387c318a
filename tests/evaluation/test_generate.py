"""`vaelab sample` of finished runs: which files, and that they hold what they say."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from tests.architecture.texts import small
from tests.evaluation.linear_gaussian import LinearGaussian
from tests.laws.components import build
from vaelab.dataset.base import Binarised, Split, Splits
from vaelab.dataset.tokens import token_split
from vaelab.dataset.vocabulary import BOS, EOS, Vocabulary
from vaelab.errors import UserError
from vaelab.evaluation import decoding, generate
from vaelab.evaluation.generate import Asked, sample_run
from vaelab.model import VAE
from vaelab.prior.standard import Standard
from vaelab.reporting import images
from vaelab.runs.run import Run

WORDS = Vocabulary(["a", "b", "c", "d", "e", "f", "g"])


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """finished(VAE, DATA): a run whose model and data these are, and what its encoder was given."""

    def make(vae, split, levels=1):
        seen = []

        def posterior(task, batch):
            seen.append(batch.x)
            return vae.encoder(batch.x)

        class Task(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.vae, self.splits = vae, Splits(split, split, split)
                self.inference = SimpleNamespace(posterior=posterior)

        architecture = SimpleNamespace(latent_dims=(2,) * levels)
        parts = SimpleNamespace(architecture=architecture)
        monkeypatch.setattr(generate, "load_task", lambda config, path: (Task(), parts, 6))
        return Run(tmp_path / "run"), seen

    return make


CONFIG = {"select": "best", "dataset": {}, "lightning": {"accelerator": "cpu"}}


def sentences(count=40):
    """Of 1 to 6 known words each."""
    draws = torch.Generator().manual_seed(3)
    lengths = torch.randint(1, 7, (count,), generator=draws).tolist()
    words = [torch.randint(4, 11, (n,), generator=draws).tolist() for n in lengths]
    return token_split([[BOS, *one, EOS] for one in words], WORDS, 12)


@pytest.fixture
def text(finished):
    built = small("lstm", scale=1.5)
    vae = VAE(built.encoder, built.decoder, Standard(2)).double()
    run, _ = finished(vae, sentences())
    return SimpleNamespace(run=run, vae=vae, data=sentences())


def written(paths):
    """Arrays and lines of the two files."""
    arrays, text = paths
    assert arrays.parent == text.parent
    return dict(np.load(arrays)), text.read_text().splitlines()


def greedy(vae, z):
    model = vae.decoder((torch.from_numpy(z)[None],))
    return decoding.greedy(model, 12)


def test_draws_are_never_overwritten(finished):
    model = LinearGaussian()
    run, _ = finished(model.vae, model.split(40))
    first = sample_run(run, CONFIG, Asked(count=20, seed=3))
    second = sample_run(run, CONFIG, Asked(count=20, seed=3))
    assert [path.name for path in first] == ["samples.npz", "samples.png"]
    assert [paths[0].parent.name for paths in (first, second)] == ["seed3", "seed3-2"]
    arrays, again = np.load(first[0]), np.load(second[0])
    assert set(arrays) == {"z_0", "mean", "x"}
    assert arrays["x"].shape == (20, 5)
    assert (arrays["x"] == again["x"]).all()
    other = np.load(sample_run(run, CONFIG, Asked(count=20, seed=4))[0])
    assert (arrays["x"] != other["x"]).all()


def test_sentences_are_drawn_one_a_line(text):
    arrays, lines = written(sample_run(text.run, CONFIG, Asked(count=30, seed=1)))
    assert set(arrays) == {"z_0", "tokens"}
    assert arrays["z_0"].shape == (30, 2)
    assert lines == [WORDS.text(row) for row in arrays["tokens"].tolist()]
    assert len(set(lines)) > 20
    again, _ = written(sample_run(text.run, CONFIG, Asked(count=30, seed=1)))
    assert (again["tokens"] == arrays["tokens"]).all()
    other, _ = written(sample_run(text.run, CONFIG, Asked(count=30, seed=2)))
    assert other["tokens"].tolist() != arrays["tokens"].tolist()


def test_drawn_sentences_have_the_model_s_probabilities(text):
    """The first word of 2,000 draws against p(x_1|z) averaged over their z."""
    arrays, _ = written(sample_run(text.run, CONFIG, Asked(count=2000, seed=1)))
    model = text.vae.decoder((torch.from_numpy(arrays["z_0"])[None],))
    with torch.no_grad():
        log_probs, _ = model.step(torch.full((2000,), BOS), model.start())
    expected = log_probs.exp()
    counts = np.bincount(arrays["tokens"][:, 1], minlength=11)
    variance = (expected * (1 - expected)).sum(0).numpy()
    assert (abs(counts - expected.sum(0).numpy()) < 5 * np.sqrt(variance) + 1e-9).all()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"decode": "greedy"}, lambda model: decoding.greedy(model, 12)),
        ({"decode": "beam", "width": 3}, lambda model: decoding.beam(model, 3, 12)),
    ],
)
def test_sentences_are_decoded_as_was_asked(text, asked, expected):
    arrays, _ = written(sample_run(text.run, CONFIG, Asked(count=25, **asked)))
    model = text.vae.decoder((torch.from_numpy(arrays["z_0"])[None],))
    assert arrays["tokens"].tolist() == expected(model).tolist()


def test_a_low_temperature_is_nearly_greedy(text):
    asked = Asked(count=25, decode="sampled", temperature=1e-4)
    arrays, _ = written(sample_run(text.run, CONFIG, asked))
    assert arrays["tokens"].tolist() == greedy(text.vae, arrays["z_0"]).tolist()


def test_test_sentences_come_back(text):
    paths = sample_run(text.run, CONFIG, Asked(reconstruct=20, which="mean", seed=5))
    arrays, lines = written(paths)
    index = torch.from_numpy(arrays["index"])
    assert len(index.unique()) == 20
    with torch.no_grad():
        (means,) = text.vae.encoder(text.data[index]).means()
    assert_close(torch.from_numpy(arrays["z_0"]), means)
    assert arrays["tokens"].tolist() == greedy(text.vae, arrays["z_0"]).tolist()
    assert "z: the mean of q(z|x)" in lines[1]
    assert lines[2] == "# decoded greedily"
    blocks = [lines[4 + 4 * n : 7 + 4 * n] for n in range(20)]
    for row, tokens, block in zip(index.tolist(), arrays["tokens"].tolist(), blocks, strict=True):
        original = WORDS.text(text.data.x[row].tolist())
        back = WORDS.text(tokens) or "(no words)"
        assert block == [f"[test {row}]", f"original        {original}", f"reconstruction  {back}"]


def test_sentences_come_back_from_a_sample_unless_the_mean_is_asked_for(text, finished):
    run, _ = finished(text.vae, sentences(400))
    arrays, lines = written(sample_run(run, CONFIG, Asked(reconstruct=400)))
    assert "a sample of q(z|x)" in lines[1]
    with torch.no_grad():
        q = text.vae.encoder(sentences(400)[torch.from_numpy(arrays["index"])]).first
    noise = (torch.from_numpy(arrays["z_0"]) - q.mean) / (0.5 * q.log_var).exp()
    assert abs(noise.mean()) < 4 / 800**0.5
    assert abs(noise.var() - 1) < 4 * (2 / 800) ** 0.5


def test_a_walk_is_between_the_means_of_two_sentences(text):
    ends = ("a b c hello", "d d")
    arrays, lines = written(sample_run(text.run, CONFIG, Asked(ends=ends, steps=5)))
    x = [torch.tensor([WORDS.encode(one.split())]) for one in ends]
    with torch.no_grad():
        first, last = (text.vae.encoder(one).first.mean[0] for one in x)
    expected = torch.stack([first + share * (last - first) for share in (0, 0.25, 0.5, 0.75, 1)])
    assert_close(torch.from_numpy(arrays["z_0"]), expected)
    assert arrays["tokens"].tolist() == greedy(text.vae, arrays["z_0"]).tolist()
    assert lines[1:3] == ["# from  a b c <unk>", "# to    d d"]
    assert lines[3] == "# words that the model does not know, read as <unk>: hello"
    steps = [line.split("  ", 1) for line in lines[6:]]
    assert [share for share, _ in steps] == ["0.00", "0.25", "0.50", "0.75", "1.00"]
    assert [one for _, one in steps] == [
        WORDS.text(row) or "(no words)" for row in arrays["tokens"].tolist()
    ]


def test_own_sentences_are_put_in_lower_case_where_the_data_were(text):
    ends = ("A B", "c")
    lower = {**CONFIG, "dataset": {"lower": True}}
    _, lines = written(sample_run(text.run, lower, Asked(ends=ends)))
    assert lines[1] == "# from  a b"
    _, lines = written(sample_run(text.run, CONFIG, Asked(ends=ends)))
    assert lines[1] == "# from  <unk> <unk>"


@pytest.fixture
def pictures(finished):
    """A VAE of 6x6 images that are binarised at every use."""
    torch.manual_seed(0)
    provided = {"shape": (1, 6, 6), "likelihood": build("likelihood", "bernoulli")}
    built = build("architecture", "mlp", provided, latent_dim=2, hidden=[8])
    vae = VAE(built.encoder, built.decoder, Standard(2))
    run, seen = finished(vae, Split(torch.rand(30, 1, 6, 6), Binarised()))
    return SimpleNamespace(run=run, vae=vae, seen=seen)


def test_images_come_back(pictures, monkeypatch):
    shown = []
    drawn = images.reconstructions
    monkeypatch.setattr(images, "reconstructions", lambda *a: shown.append(a[:2]) or drawn(*a))
    npz, png = sample_run(pictures.run, CONFIG, Asked(reconstruct=9, which="mean"))
    assert png.is_file()
    arrays = np.load(npz)
    assert arrays["index"].shape == (9,)
    (x,) = pictures.seen
    assert_close(shown[0][0], x)  # binarised once, not once to encode and once to show
    with torch.no_grad():
        (z,) = pictures.vae.encoder(x).means()
        mean = pictures.vae.decoder((z[None],)).mean[0]
    assert_close(torch.from_numpy(arrays["z_0"]), z)
    assert_close(torch.from_numpy(arrays["mean"]), mean)
    assert_close(shown[0][1], mean)


def test_a_walk_between_two_test_images(pictures):
    npz, png = sample_run(pictures.run, CONFIG, Asked(ends=("4", "29"), steps=3))
    assert png.is_file()
    (x,) = pictures.seen
    with torch.no_grad():
        (z,) = pictures.vae.encoder(x).means()
    expected = torch.stack([z[0], z.mean(0), z[1]])
    assert_close(torch.from_numpy(np.load(npz)["z_0"]), expected)
    with pytest.raises(UserError, match="to=30: must be the number of a test image, 0 to 29"):
        sample_run(pictures.run, CONFIG, Asked(ends=("4", "30")))
    with pytest.raises(UserError, match="from=a four: must be the number"):
        sample_run(pictures.run, CONFIG, Asked(ends=("a four", "3")))


def test_without_a_latent_there_are_draws_alone(finished):
    built = small("lstm_lm", scale=1.5)
    run, _ = finished(VAE(built.encoder, built.decoder, Standard(0)).double(), sentences())
    arrays, lines = written(sample_run(run, CONFIG, Asked(count=30)))
    assert lines == [WORDS.text(row) for row in arrays["tokens"].tolist()]
    assert len(set(lines)) > 20
    for asked in (Asked(reconstruct=3), Asked(ends=("a", "b"))):
        with pytest.raises(UserError, match="this model has no latent to encode into"):
            sample_run(run, CONFIG, asked)


def test_what_cannot_be_shown_leaves_no_folder(finished):
    model = LinearGaussian()
    run, _ = finished(model.vae, model.split(40))
    for asked, message in (
        (Asked(count=0), "count=0: must be at least 1"),
        (Asked(count=5, component=2), "component=2: this run's prior is not a mixture"),
        (Asked(decode="beam"), "decode=beam: this run has no sentences"),
        (Asked(reconstruct=4), "reconstruct=4: only sentences and images can be shown"),
    ):
        with pytest.raises(UserError, match=message):
            sample_run(run, CONFIG, asked)
    assert not run.folder.exists()


def test_sentences_that_are_none_leave_no_folder(text):
    for asked, message in (
        (Asked(reconstruct=41), "reconstruct=41: there are 40 test examples"),
        (Asked(ends=("a", " ")), '" " has no words'),
        (Asked(ends=("a </s> b", "c")), "</s> has a meaning of its own"),
    ):
        with pytest.raises(UserError, match=message):
            sample_run(text.run, CONFIG, asked)
    assert not text.run.folder.exists()
