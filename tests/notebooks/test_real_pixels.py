"""The loader of MNIST and CIFAR in the lesson on real pixels, on small files of openml.org's format."""

import gzip
import hashlib
import io
import json
from email.message import Message
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from sklearn.datasets import _openml

import sbkit as sb

PATH = Path(__file__).parents[2] / "notebooks/1-simplicity/07-real-pixels.ipynb"
LABELS = [str(i % 10) for i in range(100)]  # ten rows of each class
SETS = {"mnist_784": (554, 784, "pixel{}"), "CIFAR_10": (40927, 3072, "a{}")}  # name → id, columns, label


def pixels(name: str) -> np.ndarray:
    """Whole numbers from 0 to 255, as in the real files. (100, columns)"""
    return np.random.default_rng(SETS[name][0]).integers(0, 256, (len(LABELS), SETS[name][1]))


def arff(name: str) -> bytes:
    """A file of numeric columns and a nominal class, as openml.org stores these sets."""
    _, columns, label = SETS[name]
    head = [f"@RELATION {name}", *(f"@ATTRIBUTE {label.format(i)} numeric" for i in range(columns))]
    rows = [",".join([*map(str, row), label]) for row, label in zip(pixels(name), LABELS, strict=True)]
    return "\n".join([*head, "@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}", "@DATA", *rows, ""]).encode()


def told(url: str) -> bytes:
    """What openml.org answers at a URL."""
    name = next(name for name, (number, *_) in SETS.items() if name.lower() in url or f"/{number}" in url)
    number, columns, label = SETS[name]
    if "download" in url:
        return arff(name)
    if "/list/" in url:
        return dumped(
            {"data": {"dataset": [{"did": number, "name": name, "version": 1, "status": "active"}]}}
        )
    if "/features/" in url:
        names = [(label.format(i), "numeric") for i in range(columns)] + [("class", "nominal")]
        plain = {"is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}
        rows = [
            {"index": str(i), "name": n, "data_type": kind, "is_target": str(n == "class").lower(), **plain}
            for i, (n, kind) in enumerate(names)
        ]
        return dumped({"data_features": {"feature": rows}})
    if "/qualities/" in url:
        count = {"name": "NumberOfInstances", "value": str(len(LABELS))}
        return dumped({"data_qualities": {"quality": [count]}})
    where = f"https://api.openml.org/data/v1/download/{number}/{name}.arff"
    about = {"id": str(number), "name": name, "version": "1", "format": "ARFF", "status": "active"}
    about |= {"description": "", "file_id": str(number), "url": where, "default_target_attribute": "class"}
    return dumped({"data_set_description": about | {"md5_checksum": hashlib.md5(arff(name)).hexdigest()}})


def dumped(answer: dict) -> bytes:
    return json.dumps(answer).encode()


class Answer(io.BytesIO):
    """An answer of the server, compressed, as it is asked for."""

    def info(self) -> Message:
        message = Message()
        message["Content-Encoding"] = "gzip"
        return message


@pytest.fixture
def lesson(tmp_path, monkeypatch) -> dict:
    """The names that the lesson's cells define up to its loader; nothing is trained."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    names = {"sb": sb}
    for cell in json.loads(PATH.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and any(
            start in source for start in ("def dominoes(", "import convnet", "def openml(")
        ):
            exec(source, names)
    return names


def test_it_reads_what_openml_stores(lesson, monkeypatch):
    monkeypatch.setattr(_openml, "urlopen", lambda request: Answer(gzip.compress(told(request.full_url))))
    images, labels = lesson["openml"]("CIFAR_10", (3, 32, 32))
    assert images.shape == (100, 3, 32, 32) and list(labels) == LABELS
    np.testing.assert_allclose(images[7, 1].ravel() * 255, pixels("CIFAR_10")[7, 1024:2048], atol=1e-4)
    run = lesson["mnist_cifar"](n=300, n_test=20)
    assert list(run.task.features) == ["MNIST", "CIFAR"] and run.task.embed.shape == (3, 64, 32)
    assert run.advance(steps=2).loss.isfinite().all()
    cifar = run.task.z[run.task.y == 1][0, run.task.columns("CIFAR")].numpy() * 255
    trucks = pixels("CIFAR_10")[np.array(LABELS) == "9"]
    assert np.abs(trucks - cifar).max(1).min() < 1e-3


@pytest.mark.filterwarnings("ignore:A network error occurred")
def test_without_a_connection_it_says_so(lesson, monkeypatch):
    def refuse(request):
        raise URLError("no route")

    monkeypatch.setattr(_openml, "urlopen", refuse)
    monkeypatch.setattr(_openml.time, "sleep", lambda seconds: None)
    with pytest.raises(sb.SbkitError, match="openml.org did not answer: .*no route"):
        lesson["mnist_cifar"]()
