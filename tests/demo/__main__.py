"""`python -m tests.demo`: the main job, for real, in one command."""

import sys

from tests.demo.show import main

sys.exit(main())
