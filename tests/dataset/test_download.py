"""Downloads from a server of the tests' own: resumed, verified, refused, and shared by two jobs."""

import hashlib
import importlib
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vaelab.dataset import download as downloading
from vaelab.dataset.download import download, nothing_downloaded, obtain
from vaelab.dataset.source import Address, Content, RemoteFile
from vaelab.errors import UserError

DATA = bytes(range(256)) * 4000  # 1,024,000 bytes
GOOD = Content(f"sha256:{hashlib.sha256(DATA).hexdigest()}", len(DATA))


class Handler(BaseHTTPRequestHandler):
    """The path says how the server behaves; every request is recorded with its Range."""

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        getattr(self, self.path.strip("/").split("/")[0])(start)

    def reply(self, body, status=200, announced=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def partial(self, body, start, **more):
        total = start + len(body)
        self.reply(body, 206, Content_Range=f"bytes {start}-{total - 1}/{total}", **more)

    def good(self, start):
        if start:
            self.partial(DATA[start:], start)
        else:
            self.reply(DATA)

    def slow(self, start):
        time.sleep(0.5)
        self.reply(DATA)

    def breaks(self, start):
        """Breaks off after 300,000 bytes of each reply but goes on where asked."""
        if start:
            body = DATA[start : start + 300_000]
            headers = {"Content_Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"}
            self.reply(body, 206, announced=len(DATA) - start, **headers)
        else:
            self.reply(DATA[:300_000], announced=len(DATA))

    def norange(self, start):
        self.reply(DATA)

    def unsatisfiable(self, start):
        if start:
            self.reply(b"", 416)
        else:
            self.reply(DATA)

    def wrongrange(self, start):
        if start:
            self.reply(DATA[:10], 206, Content_Range=f"bytes 0-9/{len(DATA)}")
        else:
            self.reply(DATA)

    def wrong(self, start):
        self.reply(DATA[:-1] + b"?")

    def short(self, start):
        self.reply(DATA[:-1])

    def html(self, start):
        self.reply(b"<html>log in</html>", Content_Type="text/html; charset=utf-8")

    def disguised(self, start):
        self.reply(b"\n<!DOCTYPE html><p>confirm the download", Content_Type="application/zip")

    def missing(self, start):
        self.reply(b"no", 404)

    def hangs(self, start):
        time.sleep(3)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def remote(server):
    """remote(BEHAVIOUR, ...): a file with one address for each behaviour, tried in order."""
    base = f"http://127.0.0.1:{server.server_port}"

    def make(*behaviours, content=GOOD):
        return RemoteFile("set.mat", tuple(Address(f"{base}/{b}", content) for b in behaviours))

    return make


def part(folder, content=GOOD):
    return folder / f"set.mat.{content.checksum.split(':')[1][:8]}.part"


def test_a_good_address_gives_the_file_and_nothing_else(remote, server, tmp_path):
    path = download(remote("good"), tmp_path / "new" / "folder")
    assert path.read_bytes() == DATA
    assert {p.name for p in path.parent.iterdir()} == {"set.mat", ".set.mat.lock"}
    download(remote("good"), path.parent)
    assert server.requests == [("/good", None)]


def test_addresses_are_tried_in_order(remote, server, tmp_path):
    path = download(remote("missing", "html", "disguised", "wrong", "short", "good"), tmp_path)
    assert path.read_bytes() == DATA
    asked = [path for path, _ in server.requests]
    assert asked == ["/missing", "/html", "/disguised", "/wrong", "/short", "/good"]


def test_a_download_is_held_to_what_is_known_of_its_checksum(remote, tmp_path):
    digits = Content(GOOD.checksum[: len("sha256:") + 8], len(DATA))
    assert download(remote("wrong", "good", content=digits), tmp_path).read_bytes() == DATA
    with pytest.raises(UserError, match="not the expected file"):
        download(remote("wrong", content=digits), tmp_path / "other")


def test_a_check_downloads_nothing_and_leaves_no_trace(remote, server, tmp_path):
    with nothing_downloaded():
        with pytest.raises(UserError, match=r"set.mat is missing, and a check downloads nothing"):
            obtain(remote("good"), tmp_path / "new")
        assert not (tmp_path / "new").exists()
        assert server.requests == []
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "set.mat").write_bytes(DATA)
        obtain(remote("good"), tmp_path / "here")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["set.mat"]
    obtain(remote("good"), tmp_path / "new")
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["yahoo", "omniglot", "omniglot_raw"])
def test_a_check_says_how_to_get_the_data_set(name, tmp_path):
    # Two of them share a folder.
    known = importlib.import_module(f"vaelab.dataset.facts.{name}").FACTS
    for file in known.files:
        with nothing_downloaded(), pytest.raises(UserError, match=rf"`vaelab data get {name}` and"):
            obtain(file, tmp_path / known.folder)


def test_a_broken_connection_is_continued(remote, server, tmp_path):
    path = download(remote("breaks", "good"), tmp_path)
    assert path.read_bytes() == DATA
    assert [asked for _, asked in server.requests] == [
        None,
        "bytes=300000-",
        "bytes=600000-",
        "bytes=900000-",  # the next address continues the same part
    ]


def test_a_part_left_by_an_earlier_job_is_continued(remote, server, tmp_path):
    part(tmp_path).write_bytes(DATA[:1000])
    assert download(remote("good"), tmp_path).read_bytes() == DATA
    assert server.requests == [("/good", "bytes=1000-")]


@pytest.mark.parametrize("behaviour", ["norange", "unsatisfiable", "wrongrange"])
def test_a_part_the_server_will_not_continue_restarts(remote, tmp_path, behaviour):
    part(tmp_path).write_bytes(DATA[:1000])
    assert download(remote(behaviour), tmp_path).read_bytes() == DATA


def test_a_part_with_wrong_bytes_restarts(remote, server, tmp_path):
    part(tmp_path).write_bytes(b"?" * 1000)
    assert download(remote("good"), tmp_path).read_bytes() == DATA
    assert server.requests == [("/good", "bytes=1000-"), ("/good", None)]


def test_a_whole_part_needs_no_request(remote, server, tmp_path):
    part(tmp_path).write_bytes(DATA)
    assert download(remote("good"), tmp_path).read_bytes() == DATA
    assert server.requests == []


def test_a_part_of_another_content_is_not_continued(remote, server, tmp_path):
    other = Content("sha256:" + "0" * 64, 5_000_000)
    part(tmp_path, other).write_bytes(b"?" * 1000)
    assert download(remote("good"), tmp_path).read_bytes() == DATA
    assert server.requests == [("/good", None)]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("missing", "HTTP 404"),
        ("html", "replied with a web page"),
        ("disguised", "replied with a web page"),
        ("wrong", r"is damaged or not the expected file \(sha256 \w{64}, expected sha256 \w{64}\)"),
        ("short", "offers 1,023,999 bytes, expected 1,024,000"),
    ],
)
def test_a_refused_download_says_why_and_what_to_do(remote, tmp_path, behaviour, reason):
    # A page in disguise has no announced length to compare where the size is unknown.
    content = Content(GOOD.checksum) if behaviour == "disguised" else GOOD
    file = remote(behaviour, content=content)
    place = re.escape(str(tmp_path / "set.mat"))
    url = re.escape(file.addresses[0].url)
    with pytest.raises(UserError, match=f"{reason}.*get it from {url} and put it at {place}$") as e:
        download(file, tmp_path)
    assert "\n" not in str(e.value)
    assert not (tmp_path / "set.mat").exists()


def test_no_connection_is_one_line_with_the_place(tmp_path):
    file = RemoteFile("set.mat", (Address("http://127.0.0.1:9/set.mat", GOOD),))
    with pytest.raises(UserError, match=r"cannot download set.mat \(127.0.0.1: Connection refused"):
        download(file, tmp_path)


def test_a_silent_server_is_given_up(remote, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "TIMEOUT", 0.1)
    with pytest.raises(UserError, match="timed out"):
        download(remote("hangs"), tmp_path)


def test_a_folder_that_cannot_be_made_is_named(remote, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=f"cannot write {tmp_path}/file"):
        download(remote("good"), tmp_path / "file" / "set")


def test_an_address_may_serve_another_format_under_its_own_name(remote, tmp_path):
    (address,) = remote("good").addresses
    renamed = Address(address.url, GOOD, "set.pkl")
    file = RemoteFile("set.mat", (renamed,), alternatives=("set.pkl",))
    assert obtain(file, tmp_path) == tmp_path / "set.pkl"
    assert file.find(tmp_path) == tmp_path / "set.pkl"


def test_two_jobs_at_once_download_once(remote, server, tmp_path):
    url = remote("slow").addresses[0].url
    code = (
        "from pathlib import Path\n"
        "from vaelab.dataset.download import download\n"
        "from vaelab.dataset.source import Address, Content, RemoteFile\n"
        f"address = Address({url!r}, Content({GOOD.checksum!r}, {GOOD.size}))\n"
        f"print(download(RemoteFile('set.mat', (address,)), Path({str(tmp_path)!r})))\n"
    )
    command = [sys.executable, "-c", code]
    jobs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [job.communicate(timeout=60)[0].strip() for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0]
    assert said == [str(tmp_path / "set.mat")] * 2
    assert server.requests == [("/slow", None)]
    assert (tmp_path / "set.mat").read_bytes() == DATA
