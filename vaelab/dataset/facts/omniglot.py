"""Facts of the 28x28 OMNIGLOT of *Importance Weighted Autoencoders* (Burda et al.), 1509.00519."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

FACTS = Facts(
    folder="omniglot",
    files=(
        RemoteFile(
            "chardata.mat",
            mirrors(
                Content("git:016a3536ffe5e1d38e42563a18d7a78bfaf643ec"),
                "https://raw.githubusercontent.com/yburda/iwae/"
                "78a6075484bd7dd6f47a4bb9880d2295bc7a5220/datasets/OMNIGLOT/chardata.mat",
                "https://raw.githubusercontent.com/mingzhang-yin/ARM-gradient/"
                "9b5f74da4e4009c5556e8d7a87c88c8e291c253d/omniglot.mat",
            ),
        ),
    ),
    shape=(1, 28, 28),
    sizes={
        "vampprior": (23_000, 1_345, 8_070),
        "iwae": (23_000, 1_345, 8_070),
        "savae": (22_345, 2_000, 8_070),
    },
    terms="drawings MIT (Lake); no licence stated for this file",
)
