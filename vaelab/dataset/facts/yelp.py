"""Facts of the Yelp reviews of 1702.08139 (Yang et al., 2017)."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

_FANG = "https://raw.githubusercontent.com/fangleai/Implicit-LVM"
_COMMIT = "b5ddb83c79b090dea64010668854d08af031f6e6"


def _file(split: str, git: str) -> RemoteFile:
    # exact=False: this copy comes from one whose Yahoo files have a search-and-replace slip, so
    # that the authors' own files (on Google Drive) may differ; the loader says so if they do.
    name = f"yelp.{split}.txt"
    urls = (f"{_FANG}/{revision}/lang_model_yelp/data/{name}" for revision in (_COMMIT, "master"))
    return RemoteFile(name, mirrors(Content(f"git:{git}"), *urls), exact=False)


FACTS = Facts(
    folder="yelp",
    files=(
        _file("train", "2c4c802349fd14b932d2dead17846ca6b4e1b870"),
        _file("valid", "5280a264fbc11a7795cef76bb79541d67e65c568"),
        _file("test", "8c61afcb9c034eb53cc390c315c276fbdbed5a19"),
    ),
    shape=(),  # as long as the longest training document
    sizes={"documents": (100_000, 10_000, 10_000)},
    terms="Yelp's for academic use (https://www.yelp.com/dataset); not restated by the source",
)
