"""Small and full-size files in every documented format, written by the tests themselves."""

import gzip
import io
import os
import pickle
import struct
import tarfile
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from vaelab.dataset import amat
from vaelab.dataset.source import Content
from vaelab.dataset.verify import checksum

# Every written image holds ink in row 2, columns 12 to 17, and none in the transposed place; and
# its number, in binary, on the diagonal, which no transposition moves.
INK = (2, slice(12, 18))
NO_INK = (slice(12, 18), 2)
BITS = 17


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    """No test reads or writes the user's own cache and data."""
    monkeypatch.delenv("VAELAB_DATA", raising=False)
    monkeypatch.delenv("VAELAB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache-home"))


@pytest.fixture(scope="session")
def real_data():
    """The folder of real files: VAELAB_DATA, or shared/data beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ["VAELAB_DATA"]) if "VAELAB_DATA" in os.environ else beside
    if not folder.is_dir():
        pytest.skip("no real files: set VAELAB_DATA")
    return folder


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory):
    """One cache for all tests that read real files."""
    return tmp_path_factory.mktemp("real-cache")


@pytest.fixture
def real(real_data, real_cache, monkeypatch):
    """real(FOLDER, NAME, ...): the data directory, if it has these files; skips otherwise."""

    def need(folder, *names):
        for name in names:
            if not (real_data / folder / name).is_file():
                pytest.skip(f"no real file {folder}/{name}: set VAELAB_DATA")
        monkeypatch.setenv("VAELAB_CACHE", str(real_cache))
        return str(real_data)

    return need


class Writer:
    """Files as their sources publish them, of images that show orientation and identity."""

    INK, NO_INK = INK, NO_INK

    @staticmethod
    def images(count, height=28, width=28, first=0):
        """uint8 [N, H, W] grey images numbered from `first`."""
        images = np.zeros((count, height, width), np.uint8)
        noise = np.random.RandomState(first).randint(0, 256, (count, 4, width))
        images[:, -4:] = noise
        numbers = first + np.arange(count)
        for bit in range(BITS):
            images[:, bit, bit] = 255 * (numbers >> bit & 1)
        images[:, *INK] = 255
        return images

    @staticmethod
    def numbers(x):
        """The images' numbers, from stored [N, 1, H, W] (grey or binary)."""
        diagonal = np.asarray(x)[:, 0, range(BITS), range(BITS)]
        ink = diagonal > diagonal.max() / 2
        return (ink * (1 << np.arange(BITS))).sum(1)

    @staticmethod
    def rows(images):
        return images.reshape(len(images), -1)

    @staticmethod
    def columns(images):
        """Each image column after column, as MATLAB stores it."""
        return images.transpose(0, 2, 1).reshape(len(images), -1)

    @staticmethod
    def amat_text(rows):
        return "".join(" ".join(map(str, row)) + "\n" for row in rows.tolist()).encode()

    @staticmethod
    def idx(array):
        return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()

    @staticmethod
    def png(pixels):
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        return out.getvalue()

    @staticmethod
    def tar_of(path, members):
        """A tar.gz of {name: bytes}."""
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))

    @staticmethod
    def expect(module, content_of, monkeypatch, **changes):
        """Make a data set's facts expect the files in {name: path}."""
        loader = import_module(f"vaelab.dataset.{module}")
        facts = import_module(f"vaelab.dataset.facts.{module}")

        def changed(file):
            path = content_of.get(file.name)
            if path is None:
                return file
            content = Content(checksum(path, "sha256"), path.stat().st_size)
            addresses = [replace(a, content=content) for a in file.addresses]
            return replace(file, addresses=tuple(addresses))

        files = tuple(changed(file) for file in facts.FACTS.files)
        patched = replace(facts.FACTS, files=files, **changes)
        monkeypatch.setattr(loader, "FACTS", patched)
        monkeypatch.setattr(facts, "FACTS", patched)


def write_static_mnist(folder):
    """Train as MATLAB under the name .amat, valid as text, test as gzip-compressed text."""
    texts, first = {}, 0
    for split, count in (("train", 50_000), ("valid", 10_000), ("test", 10_000)):
        rows = Writer.rows((Writer.images(count, first=first) > 127).astype(np.uint8))
        first += count
        texts[split] = amat.amat_checksum(rows)
        path = folder / f"binarized_mnist_{split}.amat"
        if split == "train":
            savemat(path, {"X": rows}, appendmat=False)
            continue
        text = np.full((count, 2 * 784), ord(" "), np.uint8)
        text[:, ::2] = rows + ord("0")
        text[:, -1] = ord("\n")
        if split == "valid":
            path.write_bytes(text.tobytes())
        else:
            Path(f"{path}.gz").write_bytes(gzip.compress(text.tobytes(), 1))
    return texts


def write_mnist(folder):
    train, test = Writer.images(60_000), Writer.images(10_000, first=60_000)
    for name, images in (("train", train), ("t10k", test)):
        path = folder / f"{name}-images-idx3-ubyte.gz"
        path.write_bytes(gzip.compress(Writer.idx(images), 1))


def write_omniglot(folder):
    grey = {"data": Writer.images(24_345), "testdata": Writer.images(8_070, first=24_345)}
    columns = {k: (Writer.columns(v) / np.float32(255)).T for k, v in grey.items()}
    savemat(folder / "chardata.mat", columns)


def drawing(drawer):
    """A 105x105 drawing whose ink tells its drawer: 5 * drawer rows at the top left, ink = True."""
    ink = np.zeros((105, 105), bool)
    ink[: 5 * drawer, :15] = True
    return ink


def write_omniglot_raw(folder, characters=None):
    characters = characters or {"background": 964, "evaluation": 659}
    pngs = {drawer: Writer.png(~drawing(drawer)) for drawer in range(1, 21)}
    for part, count in characters.items():
        with zipfile.ZipFile(folder / f"images_{part}.zip", "w") as archive:
            for character in range(count):
                for drawer, png in pngs.items():
                    name = f"Alphabet_{character // 20}/character{character % 20 + 1:02d}"
                    archive.writestr(f"images_{part}/{name}/{character:04d}_{drawer:02d}.png", png)


Writer.omniglot_raw = staticmethod(write_omniglot_raw)


def write_caltech101(folder):
    counts = {"train_data": 4_100, "val_data": 2_264, "test_data": 2_307}
    held, first = {}, 0
    for key, count in counts.items():
        ink = Writer.columns(Writer.images(count, first=first)) > 127
        held[key] = 1 - ink.astype(np.uint8)  # the file's background is 1
        first += count
    savemat(folder / "caltech101_silhouettes_28_split1.mat", held, do_compression=True)


def write_freyfaces(folder):
    savemat(folder / "frey_rawface.mat", {"ff": Writer.rows(Writer.images(1_965, 28, 20)).T})


def write_histopathology(folder):
    held, first = {}, 0
    for key, count in (("training", 6_800), ("validation", 2_000), ("test", 2_000)):
        grey = Writer.rows(Writer.images(count, first=first)) / np.float32(255)
        held[key] = grey
        first += count
    members = {"histopathologyGray/histopathology.pkl": pickle.dumps(held, protocol=2)}
    Writer.tar_of(folder / "histopathology.pkl.tar.gz", members)


def write_folder(folder):
    for number, pixels in enumerate(Writer.images(60, 28, 20)):
        (folder / f"{number:03d}.png").write_bytes(Writer.png(pixels))


def write_npz(folder):
    np.savez(folder / "own.npz", x_train=Writer.images(50), x_test=Writer.images(10, first=50))


@pytest.fixture
def writer():
    return Writer


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A data directory with every documented file at its published size; and a cache for it.

    `with written(monkeypatch) as folder:` makes the loaders expect these files.
    """
    folder = tmp_path_factory.mktemp("written")
    cache = tmp_path_factory.mktemp("written-cache")
    texts = {}
    writers = {
        "static_mnist": write_static_mnist,
        "mnist": write_mnist,
        "omniglot": write_omniglot,
        "omniglot_raw": write_omniglot_raw,
        "caltech101": write_caltech101,
        "freyfaces": write_freyfaces,
        "histopathology": write_histopathology,
        "folder": write_folder,
        "npz": write_npz,
    }
    done = set()

    @contextmanager
    def use(name):
        place = folder / {"omniglot_raw": "omniglot"}.get(name, name)
        if name in writers and name not in done:
            place.mkdir(exist_ok=True)
            texts.update(writers[name](place) or {})
            done.add(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VAELAB_CACHE", str(cache))
            if name in writers and name not in ("folder", "npz"):
                Writer.expect(name, {p.name: p for p in place.iterdir()}, patch)
            if name == "omniglot_raw":  # decoding 32,460 PNG takes seconds; its own test does it
                known = {drawer: drawing(drawer) for drawer in range(1, 21)}
                module = import_module("vaelab.dataset.omniglot_raw")
                patch.setattr(module, "_drawing", lambda archive, name: known[int(name[-6:-4])])
            if name == "static_mnist":
                module = import_module("vaelab.dataset.facts.static_mnist")
                for split, text in texts.items():
                    patch.setitem(module.TEXTS, split, Content(text))
            yield folder

    return use


@pytest.fixture
def independent_pixels():
    """Test log-likelihood in nats of one Bernoulli a pixel, with the training frequencies."""

    def log_likelihood(splits):
        p = splits.train.x.sum(0).double() / len(splits.train)
        x = splits.test.x.double()
        impossible = ((p == 0) & (x == 1)) | ((p == 1) & (x == 0))
        # A pixel never seen on in training has probability 0: half a count keeps it finite.
        count = len(splits.train)
        p = p.clamp(0.5 / count, 1 - 0.5 / count) if impossible.any() else p
        each = x.xlogy(p) + (1 - x).xlogy(1 - p)
        return each.flatten(1).sum(1).mean().item()

    return log_likelihood
