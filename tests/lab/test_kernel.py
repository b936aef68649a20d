"""A panel is known by its cell: the id that the front end tells, or else its source."""

import pytest

from sbkit.lab import kernel


class Shell:
    def __init__(self, parent):
        self.parent = parent

    def get_parent(self):
        return self.parent


MESSAGE = {"header": {"msg_id": "m1"}, "metadata": {"cellId": "c1"}, "content": {"code": "sb.lab(lesson)"}}


@pytest.mark.parametrize(
    ("shell", "cell"),
    [
        (None, None),
        (object(), None),
        (Shell({}), None),
        (Shell(MESSAGE), ("c1", "m1")),
        (Shell(MESSAGE | {"metadata": {}}), ("sb.lab(lesson)", "m1")),
    ],
)
def test_a_cell_is_known_by_its_id_or_its_source(monkeypatch, shell, cell):
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert kernel.this_cell() == cell
