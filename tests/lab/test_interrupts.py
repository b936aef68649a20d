"""Jupyter's interrupt and a panel, in a kernel of its own."""

import signal
import subprocess
import sys

import pytest
from jupyter_client import KernelManager

PANEL = """
import sbkit as sb
from sbkit.lab import desk
desk.PATIENCE = 60  # seconds between two requests, on a busy machine
def lesson():
    task = sb.slabs(n=300, n_test=300)
    return sb.fit(sb.mlp(task, runs=2, width=4), task, steps=100)
panel = sb.lab(lesson)
advance = lambda: panel._desk.answer({"type": "advance", "steps": 1})[0]
words = lambda frame: f"{frame['state']} {frame['reason']}".strip()
"""
INTERRUPTED = "Error Interrupted; press Run to go on."


@pytest.fixture(scope="module")
def kernel():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    manager = KernelManager(kernel_name="python3")
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(stdout=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, before)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def told(client, code: str) -> str:
    """What a cell left in `value`; the kernel is idle then, so that an interrupt meets no cell."""
    reply = client.execute_interactive(code, silent=True, user_expressions={"value": "value"}, timeout=60)
    assert reply["content"]["status"] == "ok", reply["content"]
    return reply["content"]["user_expressions"]["value"]["data"]["text/plain"].strip("'")


def test_an_interrupt_stops_a_panel_that_trains_while_no_cell_runs(kernel):
    manager, client = kernel
    assert told(client, f"{PANEL}\nadvance(); value = words(advance())") == "Training"
    manager.interrupt_kernel()
    assert told(client, "value = words(advance())") == INTERRUPTED
    assert told(client, "value = words(advance())") == "Training"


def test_an_interrupt_of_a_panel_at_rest_is_none(kernel):
    manager, client = kernel
    told(client, f'{PANEL}\nadvance(); panel._desk.answer({{"type": "look"}}); value = 0')
    manager.interrupt_kernel()
    assert told(client, "value = words(advance())") == "Training"
