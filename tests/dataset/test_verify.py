"""Checksums, and the record of files that passed."""

import hashlib
import os

import pytest

from vaelab.dataset import verify as verifying
from vaelab.dataset.source import Content
from vaelab.dataset.verify import checksum, mismatch, verify
from vaelab.errors import UserError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "set.mat"
    path.write_bytes(b"hello\n")
    return path


def test_sums_are_the_published_ones_of_a_known_file(file):
    # `printf 'hello\n' | git hash-object --stdin`, and the same through md5sum
    assert checksum(file, "git") == "git:ce013625030ba8dba906f756967f9e9ca394464a"
    assert checksum(file, "md5") == "md5:b1946ac92492d2347c6235b4d2611184"
    assert checksum(file, "sha256") == "sha256:" + hashlib.sha256(b"hello\n").hexdigest()


def test_any_of_several_contents_will_do(file):
    other = Content("md5:" + "0" * 32)
    assert mismatch(file, [other, Content("git:ce013625030ba8dba906f756967f9e9ca394464a")]) is None


def test_the_first_digits_of_a_checksum_will_do_and_few_of_them_will_not(file):
    assert mismatch(file, [Content("git:ce013625")]) is None
    assert mismatch(file, [Content("git:ce013625030b", 6)]) is None
    for other in ("git:ce013626", "git:ce01362", "git:", "md5:ce013625", "git:013625030ba8"):
        assert "not the expected file" in mismatch(file, [Content(other)])


def test_a_wrong_file_is_told_from_a_truncated_one(file):
    expected = "sha256:" + "0" * 64
    with pytest.raises(UserError, match=r"set.mat is truncated \(6 of 7 bytes\)"):
        verify(file, [Content(expected, 7)])
    found = checksum(file, "sha256").split(":")[1]
    message = rf"damaged or not the expected file \(sha256 {found}, expected sha256 0{{64}}\)"
    for size in (6, 5, None):
        with pytest.raises(UserError, match=message):
            verify(file, [Content(expected, size)])


def test_a_file_that_passed_is_not_read_again_until_it_changes(file, monkeypatch):
    content = [Content(checksum(file, "sha256"))]
    verify(file, content)
    reads = []
    monkeypatch.setattr(verifying, "mismatch", lambda *a: reads.append(a))
    verify(file, content)
    assert reads == []
    os.utime(file, ns=(0, 0))
    verify(file, content)
    assert len(reads) == 1
    verify(file, [Content("md5:0")])  # what was asked is part of what passed
    assert len(reads) == 2


def test_a_cache_that_cannot_be_written_costs_only_time(file, tmp_path, monkeypatch):
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("VAELAB_CACHE", str(tmp_path / "occupied"))
    verify(file, [Content(checksum(file, "md5"))])
