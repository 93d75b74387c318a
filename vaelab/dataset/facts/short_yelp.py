"""Facts of the short Yelp sentences of 1909.00868 (Li et al., 2019)."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

_ZHANG = (
    "https://raw.githubusercontent.com/zhangjf-nlp/DG-VAEs/"
    "6ad9e59f4af66fb8de64b7b0d03ba0c9ad3175f0/datasets/short_yelp_data"
)


def _file(split: str, content: Content, exact: bool) -> RemoteFile:
    name = f"short_yelp.{split}.txt"
    return RemoteFile(name, mirrors(content, f"{_ZHANG}/{name}"), exact=exact)


FACTS = Facts(
    folder="short_yelp",
    files=(
        _file("train", Content("git:6c93efa5f9d0e3a1e71d12d0f393cbf321bfc3db"), exact=True),
        # Only the first digits of these two are known. A download is held to them; of files put in
        # place by hand, other versions may be as good.
        _file("valid", Content("sha256:34240114", 455_377), exact=False),
        _file("test", Content("sha256:56dc9c76", 457_602), exact=False),
    ),
    shape=(),  # as long as the longest training sentence
    sizes={"sentences": (100_000, 10_000, 10_000)},
    terms="Yelp's for academic use (https://www.yelp.com/dataset); not restated by the source",
)
