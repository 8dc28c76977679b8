"""`python -m aimass` is `aimass`."""

from aimass.cli.main import main

main()
