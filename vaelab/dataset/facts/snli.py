"""Facts of the SNLI sentences of 1909.00868 (Li et al., 2019)."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

_ZHANG = (
    "https://raw.githubusercontent.com/zhangjf-nlp/DG-VAEs/"
    "6ad9e59f4af66fb8de64b7b0d03ba0c9ad3175f0/datasets/snli_data"
)


def _file(split: str, checksum: str, size: int | None = None) -> RemoteFile:
    name = f"snli.{split}.txt"
    return RemoteFile(name, mirrors(Content(checksum, size), f"{_ZHANG}/{name}"))


FACTS = Facts(
    folder="snli",
    files=(
        _file("train", "git:db0a08915e128d58cf5f9ed1bf36c72f978b16e1"),
        _file(
            "valid",
            "sha256:8aee585ebefd01b449ce434f94374a3a0b45a77a6f6bb3eb2d0b0ced53735239",
            463_989,
        ),
        _file(
            "test",
            "sha256:94aceee0c5a7b26319250bdd6b2d9a27e75352f3f53ab5f6e1fa6a7592c9bd59",
            467_954,
        ),
    ),
    shape=(),  # as long as the longest training sentence
    sizes={"sentences": (100_000, 10_000, 10_000)},
    terms="CC BY-SA 4.0 (https://nlp.stanford.edu/projects/snli)",
)
