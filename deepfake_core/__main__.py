"""`python -m deepfake_core`."""

import sys

from deepfake_core.cli import main

sys.exit(main())
