"""Facts of the Yahoo answers of 1702.08139 (Yang et al., 2017)."""

from vaelab.dataset.source import Content, Facts, RemoteFile, mirrors

# Other repositories have the validation and test files with a search-and-replace slip ("etorch."
# for "etc."); this one does not.
_HARVARD = (
    "https://raw.githubusercontent.com/harvardnlp/DeepLatentNLP/"
    "7fa2d61beea8a3e9497d5931e2d3fe73dec7cfb6/data/yahoo"
)
_FANG = (
    "https://raw.githubusercontent.com/fangleai/Implicit-LVM/"
    "92d9cf1ac663527cb608144494f588b1c6ec0eff/lang_model_yahoo/data"
)

FACTS = Facts(
    folder="yahoo",
    files=(
        RemoteFile(
            "yahoo.train.txt",
            mirrors(
                Content("git:ae7d4fc4d07e520dffdbd835868a1d7c7a6eb471"),
                f"{_HARVARD}/train.txt",
                f"{_FANG}/train.txt",
            ),
        ),
        RemoteFile(
            "yahoo.valid.txt",
            mirrors(
                Content(
                    "sha256:3247ac3ffcc4d4bfd6216f2aaa617f6706cdc4081874da39245fe156825898d1",
                    3_683_468,
                ),
                f"{_HARVARD}/val.txt",
            ),
        ),
        RemoteFile(
            "yahoo.test.txt",
            mirrors(
                Content(
                    "sha256:ad843c4363adbdd07d8055d9bf121e5f23c285760df43a0031b89d8538293075",
                    3_679_881,
                ),
                f"{_HARVARD}/test.txt",
            ),
        ),
    ),
    shape=(),  # as long as the longest training document
    sizes={
        "documents": (100_000, 10_000, 10_000),
        "with train=valid": (9_000, 1_000, 10_000),
    },
    terms="Yahoo's for research (https://webscope.sandbox.yahoo.com); not restated by the source",
)
