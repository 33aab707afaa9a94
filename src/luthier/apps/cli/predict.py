"""`luthier predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import AsJson
from luthier.core import LuthierError


def predict(
    rows: Annotated[
        Path, typer.Argument(metavar="ROWS", help="New rows, in the form of the training data.")
    ],
    model: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder that `luthier tune --out` wrote.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV to write.  [default: stdout]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict ROWS with a network that was tuned and handed over; prints CSV.

    Example: luthier predict new.csv --model out/churn
    """
    from luthier.apps.cli.output import say, say_json
    from luthier.loop.handing_over.predict import predict as predict_rows
    from luthier.report.predictions import predictions_csv, predictions_json

    found, classes = predict_rows(model, rows)
    if as_json:
        say_json(predictions_json(found.values, found.probabilities, classes, found.rows))
        return
    text = predictions_csv(found.values, found.probabilities, classes, found.rows)
    if out is None:
        say(text.rstrip("\n"))
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise LuthierError(
                f"cannot write to '{out}': {error.strerror}. Name another file: --out FILE"
            ) from error
