"""How the numbers of a table were measured: said once below it, with letters where not alike."""

from collections.abc import Iterator, Sequence

from vaelab.composing.spelling import letter
from vaelab.report import words
from vaelab.report.record import Record
from vaelab.report.sheet import Note


class Measures:
    """Of the runs of a report.

    Args:
        records: the runs.
        names: of the metrics that tables show.
    """

    def __init__(self, records: Sequence[Record], names: Sequence[str]) -> None:
        self.ways: dict[str, dict[str, str]] = {}
        count = 0
        for name in names:
            found = dict.fromkeys(way(one, name) for one in records if name in one.metrics)
            several = len(found) > 1
            self.ways[name] = {
                text: letter(count + at) if several else "" for at, text in enumerate(found)
            }
            count += len(found) if several else 0

    def letters(self, name: str, records: Sequence[Record]) -> str:
        """Behind a number that these runs gave; empty where all runs were measured alike."""
        if name not in self.ways:
            return ""
        found = dict.fromkeys(way(one, name) for one in records if name in one.metrics)
        return ",".join(sign for text in found if (sign := self.ways[name][text]))

    def notes(self) -> Iterator[Note]:
        """What each is."""
        for name, found in self.ways.items():
            for text, sign in found.items():
                yield Note(words.spelt(name), text, sign)


def way(record: Record, name: str) -> str:
    """Of one run's number."""
    return words.way(record.metrics[name], record.split)


def lines(notes: Sequence[Note]) -> list[tuple[str, str]]:
    """Letter and sentence of each line: first what holds for whole columns, alike ones together."""
    whole: dict[str, list[str]] = {}
    for note in notes:
        if not note.letter:
            whole.setdefault(note.text, []).append(note.column)
    said = "; ".join(f"{', '.join(columns)}: {text}" for text, columns in whole.items())
    lettered = [(note.letter, f"{note.column}: {note.text}") for note in notes if note.letter]
    return [*([("", said)] if said else []), *lettered]
