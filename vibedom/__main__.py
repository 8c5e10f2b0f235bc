"""`python -m vibedom` is `vibedom`, and like it imports nothing of the directory it is called in: that may be a project
whose modules an agent wrote."""

import os
import sys

if not sys.flags.safe_path:
    called_in, own = sys.path[0], os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not called_in or not os.path.samefile(called_in, own):
        del sys.path[0]

from vibedom.cli.main import main

main()
