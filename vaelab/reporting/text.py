"""Files of sentences that a person reads."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def lines(sentences: Iterable[str], path: Path, about: Sequence[str] = ()) -> Path:
    """One sentence a line, as it is; with `about`, what they are stands above them behind "#"."""
    return _write(path, about, map(_visible, sentences) if about else sentences)


def pairs(
    names: Sequence[str],
    originals: Sequence[str],
    again: Sequence[str],
    path: Path,
    about: Sequence[str],
) -> Path:
    """Each sentence, under its name, above what came back."""
    blocks = (
        f"[{name}]\noriginal        {one}\nreconstruction  {_visible(other)}\n"
        for name, one, other in zip(names, originals, again, strict=True)
    )
    return _write(path, about, blocks)


def walk(sentences: Sequence[str], path: Path, about: Sequence[str]) -> Path:
    """A sentence for each step of the way, with how far along it is."""
    last = max(1, len(sentences) - 1)
    steps = (f"{step / last:.2f}  {_visible(one)}" for step, one in enumerate(sentences))
    return _write(path, about, steps)


def head(path: Path, count: int, width: int) -> list[str]:
    """The first lines of a file, none longer than `width`; says how many more there are."""
    every = path.read_text(encoding="utf-8").split("\n")[:-1]
    if every and not every[0].startswith("#"):  # nothing but sentences
        every = [_visible(line) for line in every]
    shown = [line if len(line) <= width else f"{line[: width - 3]}..." for line in every[:count]]
    more = len(every) - len(shown)
    return [*shown, f"... and {more:,} more"] if more else shown


def _visible(sentence: str) -> str:
    return sentence or "(no words)"


def _write(path: Path, about: Sequence[str], body: Iterable[str]) -> Path:
    above = [f"# {line}" for line in about]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([*above, *([""] if above else []), *body])
    path.write_text(f"{text}\n", encoding="utf-8")
    return path
