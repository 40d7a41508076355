"""Where `python -m examples.node` begins."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the program without a word, also while the rest is loaded

try:
    from .command import main
except ModuleNotFoundError as error:
    sys.exit(f"node: there is no {error.name}, which comes with the extra `examples`: pip install '.[examples]'")

sys.exit(main())
