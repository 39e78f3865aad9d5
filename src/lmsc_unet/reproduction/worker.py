"""A training process: `python -m lmsc_unet.reproduction.worker` reads a job per line and answers with a line.

An answer is JSON: `{"error": null}`, or the error. Everything else is printed to standard error.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback

from lmsc_unet.core.stopping import install_handlers
from lmsc_unet.errors import INTERRUPTED


def main() -> int:
    """Carries out jobs until the input ends; returns `INTERRUPTED` when stopped."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    install_handlers()  # a training that is stopped keeps its last step
    _prepare()
    threading.Thread(target=_stop_with, args=(os.getppid(),), daemon=True).start()
    try:
        for line in sys.stdin:
            print(json.dumps({"error": _carry_out(line)}), file=answers, flush=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _prepare() -> None:
    from lmsc_unet.reproduction.peers import declare_torchvision
    from lmsc_unet.training.process import prepare_process

    declare_torchvision()
    prepare_process()


def _carry_out(line: str) -> str | None:
    from lmsc_unet.errors import LmscError
    from lmsc_unet.reproduction.work import carry_out, read_work

    try:
        carry_out(read_work(line))
    except LmscError as error:
        return str(error)
    except Exception as error:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"
    return None


def _stop_with(parent: int) -> None:
    """Stops this process when its parent is gone and nobody waits for answers."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
