"""Facts of OMNIGLOT as drawn (Lake, Salakhutdinov & Tenenbaum, 2015): 105x105, 20 drawers."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

_LAKE = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"

# Characters in each archive; every one was drawn 20 times.
CHARACTERS = {"images_background.zip": 964, "images_evaluation.zip": 659}


def _file(name: str, sha256: str) -> RemoteFile:
    # exact=False: archives that were packed again hold the same drawings; the loader counts them
    return RemoteFile(name, mirrors(Content(f"sha256:{sha256}"), _LAKE + name), exact=False)


FACTS = Facts(
    folder="omniglot",
    files=(
        _file(
            "images_background.zip",
            "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
        ),
        _file(
            "images_evaluation.zip",
            "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
        ),
    ),
    shape=(1, 28, 28),
    sizes={
        "vampprior": (23_000, 1_345, 8_115),
        "iwae": (23_000, 1_345, 8_115),
        "savae": (22_345, 2_000, 8_115),
    },
    terms="MIT",
)
