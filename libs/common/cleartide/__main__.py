"""python -m cleartide: see `cleartide.console`."""

from cleartide.console import main

raise SystemExit(main())
