import re
import shutil
import subprocess

import pytest

from report import made_up
from report.test_pages import HOSTILE
from vaelab.report import latex, tex
from vaelab.report.record import read
from vaelab.report.report import collected
from vaelab.reporting import tex as fonts

LETTERS = "ą ŋ « » þ ħ λ ς ϟ é ß Ž ? ` -- ?` 日本 😀 \u2212 ∞"
needed = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX here")


@pytest.fixture
def report(tmp_path):
    """Two priors with two seeds each, many settings and metrics, and a failed run."""
    prior = {"_target_": "vaelab.prior.vamp.Vamp", "components": 500, "init": "data"}
    vamp = {"choices.prior": "vamp", "prior": prior, "optimizer.phi.lr": 1e-5, "epochs": 2000}
    typed = ["optimizer.phi.lr=1", "epochs=1", "prior.init=data"]
    folders = []
    for name, changes in (("0123abcd", {"optimizer.phi.lr": 0.0005}), ("4567cdef", vamp)):
        for seed, nll in ((1, 100.25), (2, -101.0)):
            names = ("elbo", "bpd", "ppl", "log_likelihood", "log_likelihood_true")
            metrics = made_up.measured(nll) | {one: made_up.metric(-nll) for one in names}
            labels = ["stand-in"] if name == "4567cdef" else []
            folder = tmp_path / name / f"seed{seed}"
            found = {"test": metrics}
            folders.append(made_up.write(folder, changes, typed, metrics=found, labels=labels))
    changes = {"choices.prior": f"{HOSTILE} {LETTERS}", "choices.bound": "Wm" * 150}
    failed = {"status": "failed", "reason": f"{HOSTILE} {LETTERS} {'x' * 400}", "metrics": {}}
    folders.append(made_up.write(tmp_path / "[k]/seed1", changes, [f"prior={HOSTILE}"], **failed))
    return collected([read(folder) for folder in folders], [], f"vaelab report {HOSTILE}", "vaelab")


def test_text_is_escaped_and_numbers_have_a_minus(report):
    text = latex.text(report)
    assert text.startswith(latex.MARK)
    assert r"\textless{}b\textgreater{} a\_b \& 50\% \textbar{} \#1" in text
    assert "[U+65E5]" in text
    assert r"$100.25\pm 0.25$" in text
    assert r"$-101.00\pm 0.25$" in text
    assert "-101.00" not in text.replace("$-101.00", "")
    assert r"$1\cdot10^{-5}$" in text
    assert r"$3.50\pm 0.25$ of $4.50$" in text


def test_words_are_notes_of_rows(report):
    text = latex.text(report)
    rows = [line for line in text.splitlines() if line.endswith(r"\tabularnewline")]
    assert not [line for line in rows if "failed" in line or "stand-in" in line]
    assert r"\noindent Runs, row 5: status: failed\par" in text
    assert r"\noindent Runs, rows 3 to 4: labels: stand-in\par" in text
    assert r"\noindent Runs, row 5: reason: " in text


def test_numbers_say_below_how_they_were_measured(report):
    text = latex.text(report)
    assert "KL: sampled, 100 samples, 250 test examples" in text
    assert "NLL, ELBO: importance weighted, 100 samples, 250 test examples" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-0.5 ± 0.25", r"$-0.5\pm 0.25$"),
        ("38 of 40", "$38$ of $40$"),
        ("-inf", r"$-\infty$"),
        ("88.56 (+0.25)", "$88.56$ ($+0.25$)"),
        ("1e-05", r"$1\cdot10^{-5}$"),
        ("a1 --x 3d", r"a1 -{}-x 3d"),
    ],
)
def test_numbers_in_math(text, said):
    assert tex.math(text) == said


def test_tables_of_many_runs_are_cut_to_pages(tmp_path):
    record = read(made_up.write(tmp_path / "h/seed1"))
    text = latex.text(collected([record] * 95, [], "x", "vaelab"))
    # Over seeds; what the rows are and their numbers apart, each in three of at most 42 lines.
    assert text.count(r"\begin{table}") == 1 + 2 * 3
    assert text.count("h/seed1") == 95
    assert [text.count(f"\n{row} & ") for row in (1, 2, 95)] == [3, 2, 2]


def compiled(body, folder):
    """The log of LaTeX, of a document with booktabs alone."""
    head = r"\documentclass{article}\usepackage{booktabs}\begin{document}"
    (folder / "a.tex").write_text(f"{head}\n{body}\n\\end{{document}}\n")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "a.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "a.log").read_text(errors="replace")


@needed
def test_tables_compile_and_fit_the_page(report, tmp_path):
    log = compiled(latex.text(report), tmp_path)
    assert re.findall(r"Overfull \\hbox.*|Float too large.*|Missing character.*", log) == []


@needed
@pytest.mark.slow
def test_every_letter_that_is_let_through_compiles(tmp_path):
    letters = sorted({*fonts.LETTERS, *fonts.SPECIAL, *map(chr, range(32, 127))})
    body = "\n\n".join(f"x{tex.escape(one)}x" for one in letters)
    assert "Missing character" not in compiled(body, tmp_path)


@needed
@pytest.mark.slow
def test_tables_of_many_runs_compile(tmp_path):
    folders = [
        made_up.write(
            tmp_path / f"h{n}/seed1", {"choices.prior": f"a_b {n} " * (n % 60), "epochs": n}
        )
        for n in range(300)
    ]
    log = compiled(latex.text(collected([read(one) for one in folders], [], "", "")), tmp_path)
    assert re.findall(r"Overfull \\hbox.*|Float too large.*", log) == []
