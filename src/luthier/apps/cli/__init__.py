"""The command line: each command reads its arguments and calls one function of the loop."""

from __future__ import annotations

import sys

import typer

from luthier.apps.cli.predict import predict
from luthier.apps.cli.show import show
from luthier.apps.cli.train import train
from luthier.apps.cli.tune import tune
from luthier.core import LuthierError

app = typer.Typer(
    name="luthier",
    help="Diagnose, repair and tune the training of neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (tune, train, predict, show):
    app.command()(command)


def main() -> None:
    """Run the command line; a user's mistake is one message and exit code 2."""
    try:
        app()
    except LuthierError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)  # whoever read our output has seen enough
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from what was stored\n")
        sys.exit(130)
