"""The photographs as openml.org has them: scikit-learn's own loader, on a small file of the same format."""

from __future__ import annotations

import gzip
import hashlib
import json
import urllib.error

import numpy as np
import pytest

import sbkit as sb

ROWS, PIXELS = 30, 784
API = "api/v1/json/data"


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """What scikit-learn keeps after a download: its answers from openml.org, and the rows."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (ROWS, PIXELS)), np.arange(ROWS) % 10
    names = [f"pixel{k + 1}" for k in range(PIXELS)]
    head = [f"@ATTRIBUTE {name} real" for name in names] + ["@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}"]
    rows = [",".join(map(str, [*row, label])) for row, label in zip(pixels, labels, strict=True)]
    arff = "\n".join(["@RELATION mnist_784", *head, "@DATA", *rows]) + "\n"
    path, about = "data/v1/download/52667", {"name": "mnist_784", "version": "1"}
    about |= {"id": "554", "description": "", "format": "ARFF", "status": "active", "file_id": "52667"}
    about |= {"url": f"https://www.openml.org/{path}", "md5_checksum": hashlib.md5(arff.encode()).hexdigest()}
    common = {"is_ignore": "false", "is_row_identifier": "false", "number_of_missing_values": "0"}
    each = [{"name": name, "data_type": "numeric", "is_target": "false"} for name in names]
    each += [{"name": "class", "data_type": "nominal", "is_target": "true", "nominal_value": [*"0123456789"]}]
    features = [one | common | {"index": str(k)} for k, one in enumerate(each)]
    quality = {"name": "NumberOfInstances", "value": str(float(ROWS))}
    answers = {
        f"{API}/list/data_name/mnist_784/limit/2/data_version/1": {"data": {"dataset": [{"did": 554}]}},
        f"{API}/554": {"data_set_description": about},
        f"{API}/features/554": {"data_features": {"feature": features}},
        f"{API}/qualities/554": {"data_qualities": {"quality": [quality]}},
    }
    texts = {name: json.dumps(answer) for name, answer in answers.items()} | {path: arff}
    for place, text in texts.items():
        file = tmp_path / "openml" / "openml.org" / f"{place}.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(text.encode()))
    return pixels, labels


def test_photographs_are_pixels_and_labels(kept):
    pixels, labels = sb.data.mnist(20)
    assert pixels.shape == (20, 28, 28) and pixels.dtype == np.float32 and labels.dtype == np.int64
    assert np.array_equal(labels, kept[1][:20])
    assert np.allclose(pixels.reshape(20, -1), kept[0][:20] / 255, atol=1e-7)


def test_they_make_dominoes(kept):
    photographs = sb.data.mnist(ROWS)
    images = {"top": photographs, "bottom": photographs}
    task = sb.data.dominoes([(0, 1), (3, 8)], images=images, n=40, n_test=20)
    assert task.x.shape == (40, 2 * PIXELS) and task.embed.shape == (1, 56, 28)


def test_without_a_network_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))

    def unreachable(*given, **named):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", unreachable)
    monkeypatch.setattr("sklearn.datasets._openml.time.sleep", lambda seconds: None)
    with pytest.warns(UserWarning, match="network error"), pytest.raises(sb.SbkitError, match=r"openml\.org"):
        sb.data.mnist()


@pytest.mark.parametrize("n", [0, 2.5, "all"])
def test_other_numbers_are_refused(n):
    with pytest.raises(sb.SbkitError, match="n is a whole number of at least 1"):
        sb.data.mnist(n)
