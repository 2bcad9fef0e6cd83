"""``python -m evsize``: the command line where the ``evsize`` command is not on the path."""

import sys

from evsize.cli.main import main

sys.exit(main())
