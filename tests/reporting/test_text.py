"""Files of sentences, line by line."""

from vaelab.reporting.text import head, lines, pairs, walk


def test_samples_alone_are_a_line_each_as_they_are(tmp_path):
    path = lines(["a b", "", "c"], tmp_path / "new" / "samples.txt")
    assert path.read_text() == "a b\n\nc\n"
    path = lines(["a b", "", "é"], path, ["three", "of a run"])
    assert path.read_text(encoding="utf-8") == "# three\n# of a run\n\na b\n(no words)\né\n"


def test_pairs_and_walks_say_which_is_which(tmp_path):
    path = pairs(["test 3", "test 5"], ["a", "b c"], ["d", ""], tmp_path / "one.txt", ["why"])
    assert path.read_text() == (
        "# why\n\n[test 3]\noriginal        a\nreconstruction  d\n\n"
        "[test 5]\noriginal        b c\nreconstruction  (no words)\n\n"
    )
    path = walk(["a", "a b", "", "b b"], tmp_path / "two.txt", ["how"])
    assert path.read_text() == "# how\n\n0.00  a\n0.33  a b\n0.67  (no words)\n1.00  b b\n"


def test_the_head_of_a_file_fits_the_terminal(tmp_path):
    path = lines(["a" * 30, "", "b", "c"], tmp_path / "samples.txt")
    assert head(path, 3, 10) == ["aaaaaaa...", "(no words)", "b", "... and 1 more"]
    assert head(path, 4, 30) == ["a" * 30, "(no words)", "b", "c"]
    path = lines(["a"], path, ["of a run"])
    assert head(path, 9, 30) == ["# of a run", "", "a"]
