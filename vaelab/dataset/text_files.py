"""Text files of one sentence a line, as the lagging-inference authors' code reads them."""

from pathlib import Path

from vaelab.dataset.vocabulary import SPECIALS
from vaelab.errors import UserError

Sentence = list[str]

# Marks that are put around sentences here: as words of a sentence they would end it.
_MARKS = tuple(word for word in SPECIALS if word != "<unk>")


def read_sentences(path: Path, labelled: bool, lower: bool = False) -> list[Sentence]:
    """Words of every line that has any, split on white space; with `lower` in lower case.

    Lines of `labelled` files are `label<TAB>text`: the label, which a model must not see, is left
    out.

    Raises:
        UserError: the file cannot be read, has no sentences, or has labels where none are
            expected, or the reverse.
    """
    text = _text(path)
    # str.splitlines would also split at characters that are mere white space within a line.
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    if not lines:
        raise UserError(f"{path} has no sentences; it must have one on every line")
    _check_labels(path, lines, labelled)
    if labelled:
        lines = [line.partition("\t")[2] for line in lines]
    if lower:
        lines = [line.lower() for line in lines]
    sentences = [words for line in lines if (words := line.split())]
    if not sentences:
        raise UserError(f"{path} has labels but no sentences")
    _check_marks(path, text, sentences)
    return sentences


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 text (byte {error.start:,}); convert it first, as with "
            "iconv -f LATIN1 -t UTF-8"
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error


def _check_labels(path: Path, lines: list[str], labelled: bool) -> None:
    if labelled:
        number = next((i for i, line in enumerate(lines, 1) if "\t" not in line), None)
        if number is not None:
            raise UserError(
                f"{path} must have lines of label, tab and text, and sentence {number:,} has no "
                "tab; this looks like a file without labels, of another data set"
            )
    elif all("\t" in line.strip() and len(line.partition("\t")[0].split()) == 1 for line in lines):
        raise UserError(
            f"{path} has a label and a tab before every sentence, which the model would see; keep "
            "only the text, as with cut -f2"
        )


def _check_marks(path: Path, text: str, sentences: list[Sentence]) -> None:
    for mark in _MARKS:
        if mark not in text.lower():
            continue
        number = next((i for i, words in enumerate(sentences, 1) if mark in words), None)
        if number is not None:
            raise UserError(
                f"{path}: sentence {number:,} has the word {mark}, which has a meaning of its own "
                "here; take it out (marks of start and end are added by themselves)"
            )
