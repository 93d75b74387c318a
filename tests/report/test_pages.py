import base64
import csv
import io
import json
import re

import pytest
from PIL import Image

from report import made_up
from vaelab.report import csv_file, markdown, page
from vaelab.report.figures import LETTERS, Size, embedded, size
from vaelab.report.record import read
from vaelab.report.report import collected

HOSTILE = r"</script><b> a_b & 50% | #1 {~^\} $x$ [0] 日本"


@pytest.fixture
def report(tmp_path):
    """Two seeds of one model, a failed run of a hostile name."""
    folders = [
        made_up.write(tmp_path / f"h/seed{seed}", metrics={"test": made_up.measured(nll)})
        for seed, nll in ((1, 10.0), (2, 11.0))
    ]
    changes = {"choices.prior": HOSTILE}
    failed = {"status": "failed", "reason": HOSTILE, "labels": [HOSTILE], "metrics": {}}
    folders.append(made_up.write(tmp_path / "[k]/seed1", changes, [f"prior={HOSTILE}"], **failed))
    return collected([read(folder) for folder in folders], [], f"vaelab report {HOSTILE}", "vaelab")


def test_no_text_ends_a_block_of_the_page(report, tmp_path):
    text = page.text(report, tmp_path)
    blocks = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', text)
    names = [name for name, _ in blocks]
    assert names == ["report", *(f"{k}-{n}" for n in range(3) for k in ("details", "figures"))]
    found = {name: json.loads(content) for name, content in blocks}
    assert HOSTILE in found["report"]["facts"][1][1]
    assert found["details-2"]["command"] == "vaelab train " + f"'prior={HOSTILE}'"
    assert "<b>" not in text.replace(page.HERE.joinpath("page.html").read_text(), "")
    assert re.findall(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", text) == []  # no network


def test_markdown_escapes_and_has_a_row_a_run(report):
    text = markdown.text(report)
    assert text.startswith(markdown.MARK)
    rows = [line for line in text.splitlines() if line.startswith("| [k")]
    rows += [line for line in text.splitlines() if line.startswith(("| h/seed", r"| \[k"))]
    assert len(rows) == 3
    assert r"\</script\>\<b\> a\_b \& 50% \| \#1" in rows[2]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {len(rows[0].split(" | ")) + 1}
    assert "| standard | 2 | complete | 10.50 ± 0.71 |" in text  # the root of 1/2
    said = "NLL: importance weighted, 100 samples, 250 test examples; KL: sampled, 100 samples, "
    assert text.count(f"\n\n{said}") == 2  # below both tables


def test_numbers_that_were_measured_otherwise_have_letters(tmp_path):
    metrics = {"valid": {"nll": made_up.metric(20.0)}}
    folders = [
        made_up.write(tmp_path / "h/seed1"),
        made_up.write(tmp_path / "h/seed2", metrics=metrics),
    ]
    text = markdown.text(collected([read(folder) for folder in folders], [], "", ""))
    assert "| 25.00 ± 0.25<sup>a</sup> |" in text
    assert "| 20.00 ± 0.25<sup>b</sup> |" in text
    assert "<sup>a</sup>NLL: importance weighted, 100 samples, 250 test examples\n" in text
    assert "<sup>b</sup>NLL: importance weighted, 100 samples, 250 valid examples\n" in text


def test_csv_has_numbers_in_full(report):
    rows = list(csv.DictReader(io.StringIO(csv_file.text(report))))
    assert [row["vaelab_report"] for row in rows] == ["h/seed1", "h/seed2", "[k]/seed1"]
    assert (rows[0]["nll.value"], rows[0]["nll.se"], rows[0]["nll.n"]) == ("10.0", "0.25", "250")
    assert rows[0]["mi.estimator"] == "a mixture"
    assert rows[2]["prior"] == rows[2]["reason"] == rows[2]["labels"] == HOSTILE
    assert rows[0]["encoder_passes"] == "12345"


def test_pictures_are_made_smaller_and_texts_cut(tmp_path):
    figures = ("samples.png", "curves.png", "samples.txt", "latents.png")
    folder = made_up.write(tmp_path / "h/seed1", figures=figures) / "figures"
    (folder / "long.txt").write_text("x" * (LETTERS + 1))
    (folder / "cut.png").write_bytes((folder / "samples.png").read_bytes()[:900])
    found = embedded(folder, Size(100))
    assert list(found) == ["samples.png", "samples.txt", "latents.png", "long.txt"]
    content = found["samples.png"].partition("base64,")[2]
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert image.size == (100, 75)  # of 672 x 504
    assert found["long.txt"].endswith("x\n… cut off here")
    assert list(embedded(folder, size(500))) == ["samples.png", "samples.txt"]
