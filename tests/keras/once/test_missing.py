"""What is said where Keras or its backend is missing: each in a process of its own."""

import os
import subprocess
import sys

import pytest

LOAD = "from luthier import frameworks; frameworks.load('keras')"


def said(code: str, **environment: str) -> str:
    known = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=known | environment
    )
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


def without(module: str) -> str:
    """Return code that hides a package, and loads Keras' framework."""
    return (
        "import importlib.util as u, importlib.machinery, sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == '{module}': raise ModuleNotFoundError(\n"
        f"            'No module named {module}', name='{module}')\n"
        "sys.meta_path.insert(0, Hide())\n"
        "found = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == '{module}' else found(name, *a)\n{LOAD}"
    )


def test_no_keras():
    assert "pip install 'luthier[keras]'" in said(without("keras"))


@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_no_backend(name: str):
    text = said(without(name), KERAS_BACKEND=name)
    assert f"KERAS_BACKEND is '{name}', which is not installed" in text
    assert "pip install" in text


def test_no_such_backend():
    assert "one of tensorflow, jax, torch" in said(LOAD, KERAS_BACKEND="theano")


def test_another_backend_is_imported_already():
    code = "import os, keras; os.environ['KERAS_BACKEND'] = 'jax'; " + LOAD
    text = said(code, KERAS_BACKEND="torch")
    assert "Keras runs on torch in this process, but jax was asked for" in text
    assert "above the first `import keras`" in text


def test_a_network_for_jax_is_packed_without_importing_tensorflow():
    code = (
        "import sys\n"
        "from luthier.core import Recipe\n"
        "from luthier.engines.keras_compiled.parcel import parcel_of\n"
        "from luthier.frameworks.keras.framework import KerasFramework\n"
        "from luthier.testing import arrays\n"
        "from luthier.testing.keras_networks import BUILDERS\n"
        "made = KerasFramework().capture(BUILDERS['tied'], Recipe(), arrays.classes(), 0)\n"
        "parcel_of(made)\n"
        "from keras.src.utils import module_utils\n"
        "sys.exit(f'{\"tensorflow\" in sys.modules} {module_utils.tensorflow._available}')"
    )
    assert said(code, KERAS_BACKEND="torch") == "False None"
