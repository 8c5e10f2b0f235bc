"""`python -m vibedom` is `vibedom`."""

from vibedom.cli.main import main

main()
