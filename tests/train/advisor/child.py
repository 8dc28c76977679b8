"""A fresh process's side of a confirmation; its argument says what goes wrong.

python -m tests.train.advisor.child [crash | silent]
"""

import sys
import time

if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "crash":
        raise SystemExit("no such module: lost")
    if what == "silent":
        time.sleep(60)
    from aimass.train.advisor.confirm import serve
    from tests.train.advisor.fakes import SleepBench

    print("a library says hello first")
    serve(SleepBench({("layout", "channels-last", "backward"): 0.2}))
