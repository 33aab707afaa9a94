"""What docs/keras.md shows runs, on each backend."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "keras.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_code_of_the_page_runs(tmp_path, capsys):
    text = "\n".join(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    script = tmp_path / "page.py"
    script.write_text(text)
    names = {"__name__": "__main__"}
    exec(compile(text, str(script), "exec"), names)
    said = capsys.readouterr().out
    assert "wrong_output_activation" in said
    found = names["model"].watch.diagnosis.problems
    assert {"schedule_not_applied", "first_rate_skipped", "test_set_reused"} <= set(found)
