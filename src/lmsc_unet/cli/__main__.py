"""`python -m lmsc_unet.cli` is `lmsc`."""

import sys

from lmsc_unet.cli.main import main

sys.exit(main())
