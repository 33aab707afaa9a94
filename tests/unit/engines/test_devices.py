"""Devices: what trains on which, and what is said where that cannot be."""

import pytest

from luthier.core import LuthierError
from luthier.engines import devices
from luthier.engines.devices import engine_on


@pytest.mark.parametrize(
    ("device", "engine", "many", "gpu", "expected"),
    [
        ("auto", "auto", True, False, "auto"),
        ("auto", "auto", True, True, "packed_cuda"),
        ("auto", "auto", False, True, "auto"),
        ("auto", "compiled", True, True, "compiled"),
        ("cpu", "auto", True, True, "auto"),
        ("cpu", "packed", True, True, "packed"),
        ("cuda", "auto", False, True, "packed_cuda"),
        ("cuda", "packed", True, True, "packed_cuda"),
    ],
)
def test_the_device_decides_what_nobody_named(monkeypatch, device, engine, many, gpu, expected):
    monkeypatch.setattr(devices, "_sees_gpu", lambda: gpu)
    assert engine_on(device, engine, many=many) == expected


def test_keras_stays_on_the_cpu(monkeypatch):
    monkeypatch.setattr(devices, "_sees_gpu", lambda: True)
    assert engine_on("auto", framework="keras", many=True) == "auto"


@pytest.mark.parametrize(
    ("device", "engine", "framework", "said"),
    [
        ("gpu", "auto", "torch", "There is: auto, cpu, cuda"),
        ("cpu", "packed_cuda", "torch", "Leave --device out"),
        ("cuda", "native", "torch", "Leave one of them out"),
        ("cuda", "auto", "keras", "these are of keras"),
    ],
)
def test_what_does_not_fit_is_told(device, engine, framework, said):
    with pytest.raises(LuthierError, match=said):
        engine_on(device, engine, framework, many=True)
