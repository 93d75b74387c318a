"""The words of `vaelab sample`: its own options apart from those of train."""

import pytest

from vaelab.cli import main
from vaelab.command.sample import apart, check, quoted, show
from vaelab.errors import UserError


def test_own_options_are_told_from_settings():
    words = ["decode=beam", "threads=2", "beam=10", "from=a b", "evaluation.samples=3", "steps"]
    options, overrides = apart(words)
    assert options == {"decode": "beam", "beam": 10, "from": "a b"}
    assert overrides == ["threads=2", "evaluation.samples=3", "steps"]
    assert apart(["temperature=0.5", "z=mean", "reconstruct=4"])[0] == {
        "temperature": 0.5, "z": "mean", "reconstruct": 4,
    }  # fmt: skip


def test_quotes_around_a_sentence_are_not_its_words():
    assert quoted('"a b"') == quoted("'a b'") == quoted("a b") == "a b"
    assert quoted("don't") == "don't"
    assert quoted('"') == '"'


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("decode=best", "decode=best: must be sampled or greedy or beam"),
        ("beam=0", "beam=0: must be a whole number, 1 or more"),
        ("steps=1", "steps=1: must be a whole number, 2 or more"),
        ("temperature=0", "temperature=0: must be a number above 0"),
        ("temperature=nan", "temperature=nan: must be a number above 0"),
        ("temperature=hot", "temperature=hot: must be a number above 0"),
        ("z=mode", "z=mode: must be sample or mean"),
    ],
)
def test_values_that_cannot_be(word, message):
    with pytest.raises(UserError, match=message):
        apart([word])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("beam=3", "beam=3 has no effect without decode=beam; add it"),
        ("temperature=2 decode=greedy", "temperature=2.0 has no effect without decode=sampled"),
        ("temperature=2 reconstruct=3", "temperature=2.0 has no effect without decode=sampled"),
        ("z=mean", "z=mean has no effect without reconstruct"),
        ("from=a", "from=a has no effect without to"),
        ("to=a", "to=a has no effect without from"),
        ("steps=3", "steps=3 has no effect without from"),
        ("reconstruct=3 from=a to=b", "reconstruct and from exclude each other"),
        ("reconstruct=3 --count", "--count has no effect with reconstruct="),
        ("from=a to=b --component", "--component has no effect with from="),
    ],
)
def test_options_without_effect(words, message):
    named = [word for word in words.split() if "=" in word]
    flags = {word: 1 for word in words.split() if "=" not in word}
    with pytest.raises(UserError, match=message):
        check(apart(named)[0] | flags)


def test_options_that_go_together():
    for words in (
        "", "temperature=2", "temperature=2 decode=sampled", "decode=beam beam=3", "reconstruct=3",
        "reconstruct=3 z=mean decode=sampled temperature=2", "from=a to=b steps=3 decode=greedy",
    ):  # fmt: skip
        check(apart(words.split())[0])


def test_text_is_shown_before_the_files_names(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    npz, txt = tmp_path / "samples.npz", tmp_path / "samples.txt"
    txt.write_text("a b c\n\n" + "w " * 30 + "\n" + "d\n" * 20)
    show([npz, txt])
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == ["a b c", "(no words)", "w w w w w w w w w..."]
    assert said[3:12] == ["d"] * 9
    assert said[12:] == ["... and 11 more", str(npz), str(txt)]


def test_a_mistake_is_said_before_the_run_is_looked_for(capsys):
    assert main(["sample", "nowhere", "beam=3"]) == 2
    assert "beam=3 has no effect without decode=beam" in capsys.readouterr().err
