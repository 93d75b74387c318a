"""Facts of the Frey Faces (Roweis)."""

from vaelab.dataset.source import Address, Content, Facts, RemoteFile

_MAT = Content("sha256:265a83a23adb081755cd3de375509828e690324d1d60f076b8ecebc840d59c64", 1_100_584)
# The same pixels in the same order: a list of one array, and the bare array.
_PICKLE = Content(
    "sha256:3b69410c6a5fd6e03f09012905168be3712373a094a776f7e58fcd0670d2138a", 3_568_521
)
_BARE_PICKLE = Content("git:be87560f959b8cabebad4cd54ecbe5a63842d2ef")

FACTS = Facts(
    folder="freyfaces",
    files=(
        RemoteFile(
            "frey_rawface.mat",
            (
                Address("https://cs.nyu.edu/~roweis/data/frey_rawface.mat", _MAT),
                Address(
                    "https://raw.githubusercontent.com/jmtomczak/vae_vampprior/"
                    "bb6ff3e58036adbea448e82d7bc55593d605b52c/datasets/Freyfaces/freyfaces.pkl",
                    _PICKLE,
                    "freyfaces.pkl",
                ),
                Address(
                    "https://raw.githubusercontent.com/y0ast/Variational-Autoencoder/"
                    "master/freyfaces.pkl",
                    _BARE_PICKLE,
                    "freyfaces.pkl",
                ),
            ),
            alternatives=("freyfaces.pkl",),
        ),
    ),
    shape=(1, 28, 20),
    sizes={"": (1_565, 200, 200)},
    terms="none stated",
)
