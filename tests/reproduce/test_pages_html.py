"""The HTML page, read back, and the files beside it."""

import os
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from reproduce.fakes import Line, cell, drawing, outcome, report, trained
from vaelab.reproduce.pages.copies import copy_figures
from vaelab.reproduce.pages.html_page import text as html_text
from vaelab.reproduce.pages.write import write_pages

VOID = ("meta", "img")


class Page(HTMLParser):
    """Everything a test asks of a page; fails where tags do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.images, self.texts = [], [], [], [], []
        self.tags = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        self.tags.append((tag, said))
        self.ids += [said["id"]] if "id" in said else []
        self.links += [said["href"]] if tag == "a" else []
        self.images += [said] if tag == "img" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def of(self, name):
        """Classes of tags of this name."""
        return [said.get("class") for tag, said in self.tags if tag == name and "class" in said]


@pytest.fixture
def made(tmp_path):
    """Two runs with figures, a failed one, a quoted one."""
    whole = outcome(-88.25, -88.5, of=cell("static", "standard"), root=tmp_path / "my runs")
    for run in whole.runs:
        (run.folder / "figures").mkdir(parents=True)
        for name in ("samples", "curves", "own"):
            (run.folder / "figures" / f"{name}.png").write_bytes(f"{name}{run.seed}".encode())
    failed = trained(None, status="failed", reason="loss <nan>")
    return report(
        whole,
        outcome(of=cell("static", "vamp"), runs=(failed,)),
        outcome(of=cell("frey", "standard", quoted=True, note="of another paper")),
        outcome(4.5, of=cell("frey", "vamp"), marks=("budget=smoke",)),
        title="A & B <i>",
    )


def written(made, folder):
    write_pages(made, folder)
    return Page((folder / f"{made.table.kind}.html").read_text(encoding="utf-8"))


def test_every_link_leads_somewhere(made, tmp_path):
    folder = tmp_path / "pages"
    page = written(made, folder)
    assert len(page.ids) == len(set(page.ids)) == 4
    inner = [link[1:] for link in page.links if link.startswith("#")]
    assert sorted(inner) == sorted(page.ids)
    outer = [unquote(link) for link in page.links if not link.startswith("#")]
    runs = [run.folder for run in made.outcomes[0].runs]
    assert [os.path.abspath(folder / link) for link in outer] == list(map(str, runs))
    assert all((folder / unquote(image["src"])).is_file() for image in page.images)


def test_figures_of_runs_lie_beside_the_page_in_order_and_wait_to_be_shown(made, tmp_path):
    folder = tmp_path / "pages"
    page = written(made, folder)
    assert [image["src"] for image in page.images] == [
        f"figures/static/standard/seed{seed}-{name}.png"
        for seed in (1, 2)
        for name in ("curves", "samples", "own")
    ]
    assert {image["loading"] for image in page.images} == {"lazy"}
    assert page.images[0]["alt"] == "curves: static MNIST, VAE std, seed 1"
    copied = folder / "figures/static/standard/seed2-samples.png"
    assert copied.read_bytes() == b"samples2"


def test_figures_that_were_drawn_again_are_copied_again(made, tmp_path):
    folder = tmp_path / "pages"
    (paths, *_) = copy_figures(made, folder).values()
    target = folder / paths[1]
    before = target.stat().st_ino, target.stat().st_mtime_ns
    source = made.outcomes[0].runs[0].folder / "figures" / "samples.png"
    copy_figures(made, folder)
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == before
    source.write_bytes(b"again")
    copy_figures(made, folder)
    assert target.read_bytes() == b"again"


def test_a_run_that_two_cells_show_is_copied_once_and_shown_in_both(made, tmp_path):
    whole = made.outcomes[0]
    twice = replace(whole, cell=cell("static", "vamp", metric="elbo"))
    page = written(report(whole, twice), tmp_path / "pages")
    sources = [image["src"] for image in page.images]
    assert sources[:6] == sources[6:]
    assert len(list((tmp_path / "pages" / "figures").rglob("*.png"))) == 6


def test_names_that_are_no_file_names_do_not_meet(made, tmp_path):
    whole = made.outcomes[0]
    rows = [Line("a/b", "one"), Line("a_b", "two"), Line("..", "three"), Line("a-2Fb", "four")]
    other = [
        outcome(-1.0, -2.0, of=cell(row, "vamp"), root=tmp_path / str(number))
        for number, row in enumerate(rows)
    ]
    for number, one in enumerate(other):
        figures = one.runs[0].folder / "figures"
        figures.mkdir(parents=True)
        (figures / "curves.png").write_bytes(str(number).encode())
    folder = tmp_path / "pages"
    page = written(report(whole, *other), folder)
    assert len(set(page.ids)) == 5
    shown = [(folder / unquote(image["src"])).resolve() for image in page.images[-4:]]
    assert [path.read_text() for path in shown] == ["0", "1", "2", "3"]
    assert all(path.is_relative_to((folder / "figures").resolve()) for path in shown)


def test_nothing_that_was_written_becomes_a_tag(tmp_path):
    def evil(name):
        return f'{name}"><u>&'

    row, column = (Line(evil(name), evil(f"{name} label")) for name in ("row", "column"))
    own = {name: evil(name) for name in ("metric", "unit", "source", "certainty", "note")}
    run = {name: evil(name) for name in ("command", "estimator", "status", "reason")}
    ran = trained(1.0, root=tmp_path / "<u>", labels=(evil("label"),), **run)
    (ran.folder / "figures").mkdir(parents=True)
    (ran.folder / "figures" / "<u>.png").write_bytes(b"")
    made = report(
        outcome(of=cell(row, column, **own), runs=(ran,), marks=(evil("mark"),)),
        outcome(of=cell(row, "vamp"), refused=evil("refused")),
        title=evil("title"),
        notes=[evil("table note")],
        budget=(evil("budget"), evil("means")),
        extra=[evil("extra")],
        command=evil("made by"),
        version=evil("version"),
    )
    page = written(made, tmp_path / "pages")
    assert "u" not in [tag for tag, _ in page.tags]
    assert len(page.images) == 1
    said = ["row label", "column label", "label", "mark", "refused", "title", "table note"]
    said += ["budget", "means", "extra", "made by", "version", *own, *run]
    assert [name for name in said if evil(name) not in page.text] == []


def test_what_colour_says_is_said_in_words(made, tmp_path):
    page = written(made, tmp_path / "pages")
    assert page.of("td")[:4] == ["inside", "open", "quoted", "unjudged"]
    layout = page.text[: page.text.index("Cells")]
    for words in ("inside the band", "failed", "quoted", "not judged †"):
        assert words in layout


def test_a_cell_unfolds_into_its_runs(made, tmp_path):
    page = written(made, tmp_path / "pages")
    assert [tag for tag, _ in page.tags].count("details") == 4
    for words in (
        "vaelab train seed=2",
        "-88.25 ± 0.25 (se)",
        "3m10s",
        "failed: loss <nan>",
        "-nll: importance weighted, 5000 samples, 10000 test examples",
        "of another paper",
    ):
        assert words in page.text


def test_the_banner_is_there_only_where_something_is_not_as_published(made, tmp_path):
    page = written(made, tmp_path / "one")
    assert "warning" in page.of("p")
    assert "Not as published: budget=smoke." in page.text
    plain = written(report(made.outcomes[0]), tmp_path / "two")
    assert "warning" not in plain.of("p")
    assert "Not as published" not in plain.text


def test_the_page_needs_nothing_from_elsewhere(made, tmp_path):
    page = written(made, tmp_path / "pages")
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe"}
    assert "http" not in (tmp_path / "pages" / "table.html").read_text(encoding="utf-8")
    scrolling = [tag for tag, said in page.tags if said.get("class") == "scroll"]
    assert len(scrolling) == [tag for tag, _ in page.tags].count("table")


def test_files_and_their_names(made, tmp_path):
    table = write_pages(made, tmp_path / "a" / "b")
    assert [path.name for path in table] == ["table.md", "table.csv", "table.tex", "table.html"]
    figure = write_pages(drawing(outcome(-1.0, of=cell(Line("k", "K", 1.0)))), tmp_path / "c")
    names = ["figure.md", "figure.csv", "figure.tex", "figure.html", "figure.png"]
    assert [path.name for path in figure] == names
    assert all(path.is_file() for path in (*table, *figure))
    assert "![Test log-likelihood](figure.png)" in figure[0].read_text(encoding="utf-8")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == sorted(names)


def test_a_report_with_nothing_run_is_shown(tmp_path):
    waiting = report(outcome(None), outcome(None, of=cell("frey", "standard")))
    page = Page(html_text(waiting, tmp_path, None, {}))
    assert page.text.count("not run") >= 4
    assert "0 of 2 finished" in page.text
