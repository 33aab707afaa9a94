"""The command line: each command reads its arguments and calls one function of the loop."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from luthier import __version__
from luthier.apps.cli.ask import ask
from luthier.apps.cli.batch import batch
from luthier.apps.cli.check import check
from luthier.apps.cli.compare import compare
from luthier.apps.cli.diagnose import diagnose
from luthier.apps.cli.lr import lr
from luthier.apps.cli.plan import plan
from luthier.apps.cli.predict import predict
from luthier.apps.cli.repair import repair
from luthier.apps.cli.report import report
from luthier.apps.cli.serve import serve
from luthier.apps.cli.show import show
from luthier.apps.cli.train import train
from luthier.apps.cli.tune import tune
from luthier.apps.cli.worker import worker
from luthier.core import LuthierError

app = typer.Typer(
    name="luthier",
    help="Diagnose, repair and tune the training of neural networks.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"luthier {__version__}\n")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for command in (
    tune,
    plan,
    train,
    lr,
    batch,
    ask,
    compare,
    check,
    diagnose,
    repair,
    predict,
    show,
    report,
    serve,
    worker,
):
    app.command()(command)


# What Typer raises for an argument that is missing, unknown or of the wrong kind.
_UsageError: Any = typer.BadParameter.__base__
_STOPPED = 130  # what Typer makes of Ctrl-C


def main() -> None:
    """Run the command line; a user's mistake is one message and exit code 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's news of the processor
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal may lack sparklines and arrows
    try:
        arguments = sys.argv[1:] or ["--help"]
        code = app(arguments, prog_name="luthier", standalone_mode=False) or 0
    except LuthierError as error:
        _fail(str(error))
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "luthier"
        message = error.format_message()
        _fail(f"{message}{'' if message[-1] in '.?' else '.'} Try: {command} --help")
    finally:
        # The process ends here. Without this, Python looks through all that PyTorch has made for
        # garbage, twice: a third of a second.
        gc.freeze()
    if code == _STOPPED:
        sys.stderr.write("stopped; the same command goes on from what was stored\n")
    sys.exit(code)


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"error: {message}\n")
    sys.exit(2)
