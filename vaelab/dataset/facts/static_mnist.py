"""Facts of the static binarisation of MNIST (Larochelle & Murray, 2011)."""

from vaelab.dataset.source import Address, Content, Facts, RemoteFile

_TORONTO = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist"
_ARM = (  # MATLAB v5 files, small, in spite of their names
    "https://raw.githubusercontent.com/mingzhang-yin/ARM-gradient/"
    "9b5f74da4e4009c5556e8d7a87c88c8e291c253d"
)
_SYLVESTER = (
    "https://raw.githubusercontent.com/riannevdberg/sylvester-flows/"
    "32dde9b7d696fee94f946a338182e542779eecfe/data/MNIST_static"
)

# The text each split makes, whatever container it came in.
TEXTS = {
    "train": Content(
        "sha256:ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d", 78_400_000
    ),
    "valid": Content(
        "sha256:1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2", 15_680_000
    ),
    "test": Content(
        "sha256:e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c", 15_680_000
    ),
}
_MATLAB = {
    "train": Content(
        "sha256:79a0312c7389d855cfc97e3812de3998417c5829d8a51543b56a90a91252ae7e", 2_852_060
    ),
    "valid": Content(
        "sha256:7436afc856959075c7787025bb8a4ba2b520b9230ee39667c66aa7dd2819dd68", 571_883
    ),
    "test": Content(
        "sha256:5bc30222e1e7896cbccd1e1db6b28540cc1230f4d2d5473841a5f6cc54be8d38", 490_132
    ),
}


def _split(name: str) -> RemoteFile:
    file = f"binarized_mnist_{name}.amat"
    return RemoteFile(
        file,
        (
            Address(f"{_TORONTO}/{file}", TEXTS[name]),
            Address(f"{_ARM}/{file}", _MATLAB[name]),
            Address(f"{_SYLVESTER}/{file}", TEXTS[name]),
        ),
        alternatives=(f"{file}.gz", f"binarized_mnist_{name}.mat", "binarized_mnist.npz"),
        exact=False,  # the loader checks the rows against TEXTS
    )


FACTS = Facts(
    folder="static_mnist",
    files=tuple(_split(name) for name in TEXTS),
    shape=(1, 28, 28),
    sizes={"": (50_000, 10_000, 10_000)},
    terms="none stated; MNIST is usually given as CC BY-SA 3.0",
)
