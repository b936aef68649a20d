"""How many live panels one Jupyter server holds on this machine, all of them running.

    python benchmarks/room.py             # --panels at once first, then --more at a time, --minutes at most

Everything stays on this machine. A visitor is a kernel of its own with lesson 1's panel, and a client that
speaks to it through the server's websocket as the stage does: two requests under way, the next one sent when
an answer comes. Nothing is drawn: the figures are the server's and the kernels', pages run on the visitors'
machines. Every answer is counted against its request, and steps never go back. Stop is the time from the
click until the last slice asked for is over. Then all pages ask at once for the picture that stands, which
takes the most memory. The room is full when more panels would take it beyond 75 %, an answer is lost, or Stop
takes 5 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import struct
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser.jupyter import jupyter_lab  # noqa: E402

LESSON = """
import os, sbkit as sb
import sbkit.lessons.simplicity.which_feature_will_it_use
os.environ["SBKIT_DATA"] = os.getcwd()
def lesson(slabs=5, noise=0.0, depth=2, optimizer="sgd", lr=0.02, seed=0):
    task = sb.lms(slabs, dim=10, noise=noise)
    fleet = sb.mlp(task, depth=depth, seed=seed)
    options = {"optimizer": optimizer, "lr": lr, "steps": 10**6, "stop": None}
    return sb.fit(fleet, task, **options, measure=["boundary", "reliance", "margin"])
panel = sb.lab(lesson, slabs=[3, 5, 7], depth=(0, 8))
panel
"""
SLICE = {"type": "advance", "seconds": 0.025}  # the stage's at normal speed
FULL, LONGEST = 75.0, 5.0  # per cent of memory in use, seconds that Stop may take


class Visitor:
    """A kernel with a running panel, and what passed between them."""

    def __init__(self, server: str, token: str):
        self.server, self.headers = server, {"Authorization": f"token {token}"}
        self.session, self.stage = uuid.uuid4().hex, ""
        self.sent, self.answered, self.step, self.wrong = 0, 0, -1, ""
        self.running, self.waits = False, []

    async def enter(self) -> None:
        """Start the kernel and open the panel in it."""
        self.kernel = (await self.ask("POST", "api/kernels"))["id"]
        address = f"{self.server.replace('http', 'ws', 1)}api/kernels/{self.kernel}/channels"
        request = HTTPRequest(f"{address}?session_id={self.session}", headers=self.headers)
        self.socket = await websocket_connect(request, max_message_size=2**26)
        await self.send("execute_request", code=LESSON, silent=False, store_history=False)
        while True:
            message = await self.hear()
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "comm_open" and "_esm" in content["data"].get("state", {}):
                self.stage = content["comm_id"]
            if kind == "error":
                raise RuntimeError("\n".join(content["traceback"]))
            ours = message["parent_header"].get("msg_type") == "execute_request"
            if ours and content.get("execution_state") == "idle":  # after all that the cell has sent
                break
        self.pid = self._process().pid

    def _process(self) -> psutil.Process:
        """The kernel's process, known by its connection file."""
        for process in psutil.process_iter(["cmdline"]):
            if any(f"kernel-{self.kernel}" in word for word in process.info["cmdline"] or []):
                return process
        raise RuntimeError("The kernel has no process.")

    async def ask(self, method: str, path: str) -> Any:
        """The server's answer to an HTTP request."""
        body = "{}" if method == "POST" else None
        request = HTTPRequest(self.server + path, method, self.headers, body, request_timeout=120)
        return json.loads((await AsyncHTTPClient().fetch(request)).body or "{}")

    async def send(self, kind: str, **content: Any) -> None:
        """One message on the shell channel."""
        header = {"msg_id": uuid.uuid4().hex, "session": self.session, "username": "", "version": "5.3"}
        whole = {
            "header": header | {"msg_type": kind},
            "parent_header": {},
            "metadata": {},
            "content": content,
        }
        await self.socket.write_message(json.dumps(whole | {"channel": "shell", "buffers": []}))

    async def hear(self) -> Any:
        """The next message; of one with buffers, its JSON."""
        told = await self.socket.read_message()
        if isinstance(told, bytes):
            first, second = struct.unpack_from(">II", told, 4)
            told = told[first:second]
        if told is None:
            raise RuntimeError("The server closed the socket.")
        return json.loads(told)

    async def request(self, **message: Any) -> None:
        """What the stage sends."""
        self.sent += 1
        await self.send("comm_msg", comm_id=self.stage, data={"method": "custom", "content": message})

    async def answer(self) -> Any:
        """The stage's next message from Python, counted; none in a minute is an error."""
        while True:
            message = await asyncio.wait_for(self.hear(), 60)
            content = message["content"]
            if message["header"]["msg_type"] == "comm_msg" and content["comm_id"] == self.stage:
                if content["data"].get("method") == "custom":
                    break
        self.answered += 1
        return content["data"]["content"]

    async def run(self, until: float) -> None:
        """Press Run, keep two requests under way until the time has come, then press Stop and time it."""
        for _ in range(2):
            await self.request(**SLICE)
        while time.monotonic() < until:
            start = time.monotonic()
            self.look_at(await self.answer())
            self.waits.append(time.monotonic() - start)
            await self.request(**SLICE)
        start = time.monotonic()
        while self.sent > self.answered:
            self.look_at(await self.answer())
        self.stopped = time.monotonic() - start

    def look_at(self, frame: Any) -> None:
        """Note a frame that does not follow the one before."""
        if frame["step"] < self.step or frame["state"] != "Training":
            self.wrong = f"step {frame['step']} after {self.step}, {frame['state']} {frame['reason']}"
        self.step = frame["step"]

    async def rests(self) -> bool:
        """True if nothing was trained since Stop."""
        await self.request(type="look")
        return (await self.answer())["step"] == self.step

    def memory(self) -> float:
        """Megabytes that only this kernel holds."""
        return psutil.Process(self.pid).memory_full_info().uss / 1e6


async def watched(done: asyncio.Future) -> float:
    """The most memory in use until something is done, in per cent of the machine's."""
    most = psutil.virtual_memory().percent
    while not done.done():
        await asyncio.wait([done], timeout=0.1)
        most = max(most, psutil.virtual_memory().percent)
    return most


async def together(visitors: list[Visitor], seconds: float) -> dict[str, float]:
    """Let all run at once; what was measured."""
    until = time.monotonic() + seconds
    before = [visitor.step for visitor in visitors]
    for visitor in visitors:
        visitor.waits.clear()
    await asyncio.gather(*(visitor.run(until) for visitor in visitors))
    resting = asyncio.gather(*(visitor.rests() for visitor in visitors))
    most, rest = await watched(resting), await resting
    waits = sorted(wait for visitor in visitors for wait in visitor.waits)
    return {
        "panels": len(visitors),
        "lost": sum(visitor.sent - visitor.answered for visitor in visitors),
        "wrong": sum(bool(visitor.wrong) for visitor in visitors),
        "trained on": len(rest) - sum(rest),
        "frames/s": len(waits) / seconds / len(visitors),
        "least steps": min(v.step - b for v, b in zip(visitors, before, strict=True)),
        "Stop s": max(visitor.stopped for visitor in visitors),
        "MB a kernel": statistics.median(visitor.memory() for visitor in visitors),
        "memory %": psutil.virtual_memory().percent,
        "at most %": most,
    }


async def fill(address: str, panels: int, more: int, minutes: float, seconds: float) -> str:
    """Print a row for every number of panels; why it ended."""
    parts = urlsplit(address)
    server, token = f"{parts.scheme}://{parts.netloc}/", parse_qs(parts.query)["token"][0]
    end, visitors, row = time.monotonic() + 60 * minutes, [], {"at most %": 0.0}
    empty = psutil.virtual_memory().percent
    while time.monotonic() < end:
        each = (row["at most %"] - empty) / max(1, len(visitors))
        if row["at most %"] + more * each > FULL:
            return f"{more} more than {len(visitors)} would take memory beyond {FULL:g} %"
        coming = [Visitor(server, token) for _ in range(more if visitors else panels)]
        await asyncio.gather(*(visitor.enter() for visitor in coming))
        visitors += coming
        row = await together(visitors, seconds)
        if len(visitors) == panels:
            print("".join(f"{name:>13}" for name in row))
        print(
            "".join(f"{figure:13.1f}" if figure % 1 else f"{figure:13.0f}" for figure in row.values()),
            flush=True,
        )
        if row["lost"] or row["wrong"] or row["trained on"]:
            return "; ".join(visitor.wrong for visitor in visitors if visitor.wrong) or "an answer was lost"
        if row["Stop s"] > LONGEST:
            return f"Stop took over {LONGEST:g} s"
    return f"{minutes:g} minutes were over"


def main() -> None:
    """Print the table and the reason for its end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--panels", type=int, default=10)
    parser.add_argument("--more", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, jupyter_lab(Path(home)) as address:
        print("The end:", asyncio.run(fill(address, given.panels, given.more, given.minutes, given.seconds)))


if __name__ == "__main__":
    main()
