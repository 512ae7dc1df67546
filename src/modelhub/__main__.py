"""``python -m modelhub`` is the command ``modelhub``."""

from __future__ import annotations

import sys

from modelhub.cli import main

if __name__ == "__main__":
    sys.exit(main())
