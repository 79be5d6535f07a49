"""`python -m tests.faults.worker_with_points`: one worker of a hub; of all of them, one ends itself at a point."""

from __future__ import annotations

import os
from pathlib import Path

from hub.assembly.worker import main
from tests.faults.points import KillSwitch
from tests.faults.serve_with_points import arm


class OnceForAll(KillSwitch):
    """Whoever makes the mark may end itself."""

    def reach(self, point: str) -> None:
        if self.watches(point):
            try:
                Path(os.environ["KILL_MARK"]).touch(exist_ok=False)
            except FileExistsError:
                return
            super().reach(point)


if __name__ == "__main__":
    arm(OnceForAll.parse(os.environ["KILL_AT"]))
    main()
