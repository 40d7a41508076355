"""Where `python -m examples.node` begins."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the program without a word, also while the rest is loaded

from .command import main  # noqa: E402

sys.exit(main())
