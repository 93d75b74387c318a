import base64
import csv
import io
import json
import re
import shutil
import subprocess

import pytest
from PIL import Image

from report import made_up
from vaelab.report import csv_file, latex, markdown, page
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


def test_csv_has_numbers_in_full(report):
    rows = list(csv.DictReader(io.StringIO(csv_file.text(report))))
    assert [row["vaelab_report"] for row in rows] == ["h/seed1", "h/seed2", "[k]/seed1"]
    assert (rows[0]["nll.value"], rows[0]["nll.se"], rows[0]["nll.n"]) == ("10.0", "0.25", "250")
    assert rows[0]["mi.estimator"] == "a mixture"
    assert rows[2]["prior"] == rows[2]["reason"] == rows[2]["labels"] == HOSTILE
    assert rows[0]["encoder_passes"] == "12345"


def test_latex_escapes(report):
    text = latex.text(report)
    assert text.startswith(latex.MARK)
    assert r"\textless{}b\textgreater{} a\_b \& 50\% \textbar{} \#1" in text
    assert "[U+65E5]" in text
    assert "\n{}[k]/seed1 & " in text  # a bracket after \\ would be a length


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX here")
def test_latex_compiles_with_booktabs_alone(report, tmp_path):
    body = r"\documentclass{article}\usepackage{booktabs}\begin{document}"
    (tmp_path / "a.tex").write_text(f"{body}\n{latex.text(report)}\n\\end{{document}}\n")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]


def test_tables_of_many_runs_are_cut_to_pages(tmp_path):
    record = read(made_up.write(tmp_path / "h/seed1"))
    text = latex.text(collected([record] * 95, [], "x", "vaelab"))
    assert text.count(r"\begin{table}") == 1 + 3  # over seeds; 40, 40 and 15 runs
    assert text.count("{}h/seed1") == 95


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
