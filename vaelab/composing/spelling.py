"""How things are put into words: what a misspelt name may have meant, lengths of time, signs."""

import difflib
import re
from collections.abc import Collection


def nearest(word: str, known: Collection[str], all_of_them: bool = True) -> str:
    """The end of a sentence about a misspelt word: the nearest match and what there is."""
    near = difflib.get_close_matches(word, known, 1, 0.5)
    if not near:  # `row` for `vampprior/row`: the last part is what people remember
        ends = {re.split("[./]", name)[-1]: name for name in known}
        last = re.split("[./]", word)[-1]
        near = [ends[end] for end in difflib.get_close_matches(last, ends, 1, 0.6)]
    shown = list(known) if len(known) <= 24 else difflib.get_close_matches(word, known, 8, 0.3)
    more = ", …" if len(shown) < len(known) else ""
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"{meant} (options: {', '.join(shown)}{more})" if shown and all_of_them else meant


def duration(seconds: float) -> str:
    """Seconds as 42s, 3m10s or 2h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def letter(number: int) -> str:
    """A, b, ... z, aa, ab, ... of 0, 1, ..., small."""
    text = ""
    while number >= 0:
        text = chr(ord("a") + number % 26) + text
        number = number // 26 - 1
    return text
