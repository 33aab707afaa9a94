"""`core` stands on the standard library alone, so that everything can stand on it."""

import json
import subprocess
import sys


def loaded(code: str) -> set[str]:
    """Return the packages that are loaded after running some code in a fresh interpreter."""
    listing = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", listing], check=True, capture_output=True)
    return {name.split(".")[0] for name in json.loads(run.stdout)}


def test_core_imports_the_standard_library_alone():
    more = loaded("import luthier.core, luthier.core.keys") - loaded("pass")
    assert more - set(sys.stdlib_module_names) == {"luthier"}
