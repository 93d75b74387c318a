"""What fits a type, how a value is settled, and in what words it is refused."""

from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaelab.composing.typed import fits, mismatch, settle, words
from vaelab.errors import UserError
from vaelab.threads import available, busy, choose
from vaelab.traits import Trait, check

YES = [
    (1, int),
    (1, float),
    (1.5, float),
    (None, int | None),
    (None, None),
    ("a", Literal["a", "b"]),
    (None, Literal["a"] | None),
    (True, bool),
    ([1, 2], tuple[int, ...]),
    ([1, 2.5], tuple[int, float]),
    ([1], list[int]),
    ([], list[str]),
    (["a"], Sequence[str]),
    ([[1], [2]], list[tuple[int, ...]]),
    (object(), Any),
    ({"a": 1}, dict[str, int]),
]
NO = [
    (True, int),
    (True, float),
    (1, bool),
    (1.0, int),
    (10.0, int),
    ("1", int),
    (1, str),
    (None, int),
    ("c", Literal["a", "b"]),
    (True, Literal[1]),
    (1, list[int]),
    ("ab", list[str]),
    ([1], tuple[int, int]),
    ([1, "a"], list[int]),
    ("x", int | None),
]


@pytest.mark.parametrize(("value", "annotation"), YES)
def test_fits(value, annotation):
    assert fits(value, annotation)
    assert mismatch(value, annotation) == ""


@pytest.mark.parametrize(("value", "annotation"), NO)
def test_does_not_fit(value, annotation):
    assert not fits(value, annotation)
    assert mismatch(value, annotation).startswith("must be ")


@pytest.mark.parametrize(
    ("value", "annotation", "settled"),
    [
        (2, float, 2.0),
        (2, float | None, 2.0),
        (None, float | None, None),
        (2, int | float, 2),
        ([1, 2], tuple[float, ...], (1.0, 2.0)),
        ([1, 2], tuple[int, float], (1, 2.0)),
        ([1], list[float], [1.0]),
        ("a", Literal["a"], "a"),
        (3, Any, 3),
    ],
)
def test_settle(value, annotation, settled):
    result = settle(value, annotation)
    assert result == settled
    assert type(result) is type(settled)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()))
def test_settling_a_value_that_fits_keeps_it_equal_and_is_done_once(value):
    for annotation in (int, float, bool, str, int | None, float | None, str | int):
        if fits(value, annotation) and not (isinstance(value, int) and abs(value) > 2**53):
            once = settle(value, annotation)
            assert once == value
            assert settle(once, annotation) == once


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int | None, "a whole number or null"),
        (Literal["a", "b", "c"], "one of a, b or c"),
        (Literal["data", "random"] | None, "one of data, random or null"),
        (Literal["a"], "a"),
        (list[int], "a list, each a whole number"),
        (tuple[float, float], "a list of 2: a number, a number"),
        (bool, "true or false"),
    ],
)
def test_words(annotation, expected):
    assert words(annotation) == expected


class Part:
    def __init__(self, offers=(), needs=()):
        self.offers, self.needs = frozenset(offers), frozenset(needs)


def test_parts_that_offer_what_is_needed_go_together():
    check({"dataset=a": Part([Trait.IMAGE]), "architecture=b": Part(needs=[Trait.IMAGE])})
    check({"schedule=x": object()})


def test_a_conflict_names_both_settings_and_what_to_choose():
    parts = {
        "dataset=text": Part([Trait.TOKENS]),
        "architecture=mlp": Part(needs=[Trait.IMAGE]),
    }
    pool = {
        "dataset": {"digits": Part([Trait.IMAGE]), "text": parts["dataset=text"]},
        "architecture": {"mlp": parts["architecture=mlp"], "lstm": Part(needs=[Trait.TOKENS])},
    }

    def alternatives(group, suits):
        return [name for name, part in pool[group].items() if suits(part)]

    with pytest.raises(UserError) as refused:
        check(parts, alternatives)
    assert str(refused.value) == (
        "architecture=mlp cannot be used with dataset=text: it needs image data (channels, height,"
        " width); choose dataset=digits, or choose architecture=lstm"
    )


def test_a_conflict_names_everything_that_can_be_chosen():
    pool = {f"d{number}": Part([Trait.IMAGE]) for number in range(9)}
    parts = {"dataset=text": Part(), "architecture=mlp": Part(needs=[Trait.IMAGE])}
    named = lambda group, suits: [*pool] if group == "dataset" else []  # noqa: E731
    with pytest.raises(UserError, match=r"; choose dataset=d0, d1, d2, d3, d4, d5, d6, d7, d8$"):
        check(parts, named)


def test_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert choose(7) == 7
    assert choose(None) == 3
    assert choose(None, several=True) == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert choose(None, several=True) == 1
    assert 1 <= choose(None) <= available()
    assert 0 <= busy(2, seconds=0.02) <= 2
    monkeypatch.setattr("vaelab.threads.available", lambda: 8)
    monkeypatch.setattr("vaelab.threads.busy", lambda cores: 2.6)
    assert choose(None) == 5
    monkeypatch.setattr("vaelab.threads.busy", lambda cores: 9.0)
    assert choose(None) == 1
