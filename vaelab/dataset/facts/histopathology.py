"""Facts of the grey histopathology patches of 1611.09630 (Tomczak & Welling)."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

FACTS = Facts(
    folder="histopathology",
    files=(
        RemoteFile(
            "histopathology.pkl.tar.gz",
            mirrors(
                Content("git:40e100f65969106cbcf3c0f6f29e70e8e7e14fe3"),
                "https://raw.githubusercontent.com/jmtomczak/vae_householder_flow/"
                "9a71a42c494ad513bf679641fb5a192709d73681/datasets/histopathologyGray/"
                "histopathology.pkl.tar.gz",
            ),
        ),
    ),
    shape=(1, 28, 28),
    sizes={"": (6_800, 2_000, 2_000)},
    terms="none stated",
)
