"""Facts of the Caltech 101 Silhouettes, 28x28, split 1 (Marlin et al., 2010)."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

_NAME = "caltech101_silhouettes_28_split1.mat"

FACTS = Facts(
    folder="caltech101",
    files=(
        RemoteFile(
            _NAME,
            mirrors(
                Content(
                    "sha256:eb6735e8d84b1850fabc5590124aab1755e90c9fd28123585324398405e1e42a",
                    872_124,
                ),
                f"https://people.cs.umass.edu/~marlin/data/{_NAME}",
                "https://raw.githubusercontent.com/markezorvaldez/rbm-experiment/"
                f"df8ff2ee56ee8791f9eb5dd1910d1d272ca677eb/{_NAME}",
                "https://raw.githubusercontent.com/Boltzxuann/RP-iRBM/"
                f"ed15a4b3fa1e3ff8d6ff682402dc45ba3e889560/{_NAME}",
            ),
        ),
    ),
    shape=(1, 28, 28),
    sizes={"": (4_100, 2_264, 2_307)},
    terms="none stated",
)
