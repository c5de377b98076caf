"""`python -m gongsik` is `gongsik`."""

import sys

from gongsik.cli import main

sys.exit(main())
