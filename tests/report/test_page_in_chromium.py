import json
import shlex

import pytest

from report import made_up
from report.browser import Browser, needed
from vaelab.report.make import report

pytestmark = needed
HOSTILE = "<img src=x onerror=console.error('hostile')> & </script>"
PICTURES = (
    "Promise.all([...document.images].map((one) => one.decode().then(() => one.naturalWidth)))"
)
ROWS = "[...document.querySelectorAll('#table tbody tr')].map((row) => row.cells[{}].textContent)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


def column(browser, name):
    """The texts of a column as shown."""
    heads = "[...document.querySelectorAll('#table thead th')].map((one) => one.textContent)"
    return browser.evaluate(ROWS.format(browser.evaluate(heads).index(name)))


def click(browser, selector):
    browser.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def heading(browser, name):
    buttons = "[...document.querySelectorAll('#table thead button')]"
    browser.evaluate(f"{buttons}.find((one) => one.textContent === {json.dumps(name)}).click()")


def test_a_page_sorts_filters_draws_and_says_nothing_on_the_console(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figures = ("samples.png", "reconstructions.txt")
    for seed, nll in ((1, 9.5), (2, 100.25), (3, 20.0)):
        metrics = {"test": made_up.measured(nll=nll)}
        made_up.write(tmp_path / f"outputs/a/h1/seed{seed}", metrics=metrics, figures=figures)
    changes = {"choices.prior": HOSTILE, "prior.init": "x"}
    typed = [f"prior={HOSTILE}"]
    made_up.write(
        tmp_path / "outputs/a/h2/seed1", changes, typed, {}, figures=figures,
        status="failed", reason=f"nan {HOSTILE}",
    )  # fmt: skip
    report(["output=page.html", "tables=none"])
    browser.open(tmp_path / "page.html")

    assert column(browser, "NLL") == ["9.50 ± 0.25", "100.25 ± 0.25", "20.00 ± 0.25", ""]
    assert HOSTILE in column(browser, "prior")
    heading(browser, "NLL")  # by number, not by letter; what has none is last, either way
    assert column(browser, "NLL") == ["9.50 ± 0.25", "20.00 ± 0.25", "100.25 ± 0.25", ""]
    heading(browser, "NLL")
    assert column(browser, "NLL") == ["100.25 ± 0.25", "20.00 ± 0.25", "9.50 ± 0.25", ""]
    assert browser.evaluate("document.querySelector('[aria-sort=descending]').textContent") == "NLL"

    browser.evaluate(
        "const f = document.getElementById('filter'); f.value = 'seed1 complete';"
        "f.dispatchEvent(new Event('input'))"
    )
    assert column(browser, "run") == ["h1/seed1"]
    click(browser, "#reset")
    assert len(column(browser, "run")) == 4
    browser.evaluate(
        "const s = document.querySelector('select[data-setting=status]');"
        "s.value = [...s.options].find((one) => one.textContent === 'failed').value;"
        "s.dispatchEvent(new Event('change'))"
    )
    assert column(browser, "run") == ["h2/seed1"]
    click(browser, "#table button.run")  # unfolds it
    shown = browser.evaluate("document.querySelector('.command code').textContent")
    assert shlex.split(shown) == ["vaelab", "train", f"prior={HOSTILE}"]
    click(browser, "#reset")

    # Over seeds, by hand: 129.75 / 3, and the root of (33.75² + 57² + 23.25²) / 2 = 2464.3125.
    click(browser, "#views button:nth-child(2)")
    assert column(browser, "NLL") == ["43.25 ± 49.64", ""]
    assert column(browser, "seeds") == ["3", "1"]
    click(browser, "#views button:nth-child(1)")

    # The first of each group is drawn; the boxes choose others.
    assert browser.evaluate(PICTURES) == [672, 672]
    browser.evaluate("document.querySelectorAll('#table input')[1].click()")
    assert browser.evaluate(PICTURES) == [672, 672, 672]
    assert browser.evaluate("document.querySelectorAll('#legend > span').length") == 3
    titles = "[...document.querySelectorAll('#curves figcaption')].map((x) => x.firstChild.data)"
    panels = ["bound", "KL", "mutual information", "active units", "beta"]
    assert browser.evaluate(titles) == panels
    lines = "document.querySelectorAll('#curves figure')[1].querySelectorAll('path').length"
    assert browser.evaluate(lines) == 3
    assert browser.evaluate("document.querySelectorAll('#figures b').length") == 0
    assert browser.console == []


@pytest.mark.slow
def test_500_runs_with_figures_load_in_two_seconds(browser, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [dict(made_up.ROWS[0], epoch=epoch) for epoch in range(1, 301)]
    figures = ("samples.png", "reconstructions.png", "latents.png")
    for group in range(100):
        for seed in range(1, 6):
            changes, typed = {"prior.components": group}, [f"prior.components={group}"]
            made_up.write(
                tmp_path / f"outputs/a/h{group}/seed{seed}",
                changes,
                typed,
                rows=rows,
                figures=figures,
            )
    report(["output=page.html", "tables=none"])
    timing, found = "performance.getEntriesByType('navigation')[0].loadEventEnd", []
    for _ in range(3):  # whatever else the machine does only adds
        browser.open(tmp_path / "page.html")
        found.append(browser.evaluate(timing))
    loaded = min(found)
    size = (tmp_path / "page.html").stat().st_size / 1e6
    print(f"{size:.0f} MB: loaded after {[round(one) for one in found]} ms")
    count = "document.querySelectorAll('#table tbody tr').length"
    settled = f"new Promise((done) => setInterval(() => {count} === 500 && done({count}), 50))"
    assert browser.evaluate(settled) == 500
    assert 0 < loaded < 2000
    assert browser.console == []
