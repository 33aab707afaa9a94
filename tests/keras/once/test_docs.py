"""docs/keras.md does what it says."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "keras.md"


def test_its_blocks_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(
        r"(<!-- not run -->\n+)?^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    )
    blocks = [block for skipped, block in found if not skipped]
    source = tmp_path / "page.py"  # a file, so that builders have a source
    source.write_text("\n".join(blocks), encoding="utf-8")
    exec(compile(source.read_text(encoding="utf-8"), str(source), "exec"), {"__name__": "page"})
    assert (tmp_path / "out" / "keras" / "model.keras").exists()
    score, l2 = capsys.readouterr().out.splitlines()[0].split()
    assert float(score) < 1.0
    assert float(l2) > 0
