"""`python -m undergird`: the same as the command `undergird`."""

from undergird.cli import main

raise SystemExit(main())
