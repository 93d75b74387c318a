"""Facts of MNIST (LeCun, Cortes & Burges)."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


def _file(name: str, sha256: str, size: int) -> RemoteFile:
    content = Content(f"sha256:{sha256}", size)
    return RemoteFile(name, mirrors(content, *(mirror + name for mirror in _MIRRORS)))


FACTS = Facts(
    folder="mnist",
    files=(
        _file(
            "train-images-idx3-ubyte.gz",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            9_912_422,
        ),
        _file(
            "t10k-images-idx3-ubyte.gz",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            1_648_877,
        ),
    ),
    shape=(1, 28, 28),
    sizes={"vampprior": (50_000, 10_000, 10_000), "iwae": (59_600, 400, 10_000)},
    terms="usually given as CC BY-SA 3.0",
)
