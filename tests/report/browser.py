"""Chromium without a window, driven over a pipe by the DevTools protocol; nothing but Python."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import time

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needed = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to open a page in")
WAIT = 60.0


class Browser:
    """One page; `console` has what it said that is an error, `load` its seconds to load."""

    def __init__(self, profile) -> None:
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        flags += [f"--user-data-dir={profile}", "--window-size=1400,1000", "--no-first-run"]
        # Chromium reads commands from descriptor 3 and answers on 4, which may be taken here.
        given = [fcntl.fcntl(one, fcntl.F_DUPFD, 20) for one in (commands, answers)]
        self.process = subprocess.Popen(
            [CHROMIUM, *flags, "about:blank"],
            preexec_fn=lambda: [os.dup2(one, place) for place, one in enumerate(given, 3)],
            pass_fds=(3, 4),
            stderr=subprocess.DEVNULL,
        )
        for one in (commands, answers, *given):
            os.close(one)
        self.number, self.buffer, self.console, self.session = 0, b"", [], None
        self.events = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def open(self, path) -> None:
        self.events.clear()
        self.call("Page.navigate", url=path.absolute().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.read()

    def evaluate(self, expression):
        """The value of JavaScript, awaited."""
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def read(self):
        """The next message; what the console says is kept."""
        until = time.monotonic() + WAIT
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.answers], [], [], max(0, until - time.monotonic()))
            assert ready, "Chromium does not answer"
            part = os.read(self.answers, 1 << 20)
            assert part, "Chromium has gone"
            self.buffer += part
        line, _, self.buffer = self.buffer.partition(b"\0")
        message = json.loads(line)
        if "method" in message:
            self.events.append(message)
            said = message["params"]
            if message["method"] == "Runtime.exceptionThrown":
                self.console.append(str(said["exceptionDetails"]))
            elif message["method"] == "Log.entryAdded" and said["entry"]["level"] == "error":
                self.console.append(said["entry"]["text"])
            elif message["method"] == "Runtime.consoleAPICalled" and said["type"] == "error":
                self.console.append(str(said["args"]))
        return message

    def close(self) -> None:
        os.close(self.commands)
        os.close(self.answers)
        self.process.terminate()
        self.process.wait(timeout=20)
