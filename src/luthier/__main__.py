"""The command line as ``python -m luthier``, for environments whose scripts are not on the path."""

from luthier.apps.cli import main

main()
