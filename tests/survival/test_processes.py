"""Very many processes: a hundred at once in little shared memory, forks at every moment, one that is stopped."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Script
    from tests.survival.conftest import Scene

DEEP = os.environ.get("UNDERGIRD_DEEP") == "1"

HUNDRED = """
import collections, ctypes, os, sys, warnings
import undergird

# A file system of 64 MiB in this process's own view, as containers have it for /dev/shm.
libc = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, NEW_USER, PRIVATE = 0x20000, 0x10000000, 0x44000
user = os.geteuid()
os.mkdir("shm")
small = libc.unshare(NEW_MOUNTS | (NEW_USER if user else 0)) == 0
if small:
    if user:
        with open("/proc/self/uid_map", "w") as file:
            file.write(f"{user} {user} 1")
    assert libc.mount(None, b"/", None, PRIVATE, None) == 0
    assert libc.mount(b"tmpfs", b"shm", b"tmpfs", 0, b"size=64m") == 0
undergird.configure("run.log", ring_dir="shm", max_bytes=500_000)
log = undergird.get_logger("hundred")
log.info("record", who=-1, number=0)
children, over = [], os.pipe()
here, there = os.pipe()
for who in range(100):
    if (child := os.fork()) == 0:
        log.info("record", who=who, number=0)
        os.write(there, undergird.stats()["placement"].encode() + b"\\n")
        os.close(over[1])
        # All of them live at once.
        os.read(over[0], 1)
        for number in range(1, 200):
            log.info("record", who=who, number=number)
        os._exit(0)
    children.append(child)
os.close(there)
said = b""
while said.count(b"\\n") < 100:
    said += os.read(here, 4096)
os.close(over[1])
for child in children:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert undergird.flush(60)
placements = collections.Counter(said.decode().split("\\n")[:-1])
assert placements["wanted"] > 50, placements
assert not small or placements["beside the log"] > 30, placements
print(small, dict(placements))
"""


def test_a_hundred_workers_in_64_mib_of_shared_memory_lose_nothing(script: Script, tmp_path: Path) -> None:
    done = script(HUNDRED, timeout=120.0)
    print(done.stdout)
    # What the last of them left without a word.
    script("import undergird.cli; undergird.cli.main(['recover', '.'])")
    script("import undergird.cli; undergird.cli.main(['recover', '.undergird'])")
    lines = [json.loads(line) for path in tmp_path.glob("run.log*") for line in path.read_text().splitlines()]
    assert Counter((line["who"], line["number"]) for line in lines) == Counter(
        [(-1, 0), *((who, number) for who in range(100) for number in range(200))]
    )
    assert len(list(tmp_path.glob("run.log*"))) > 3


STORM = """
import os, sys, threading, time, warnings
import undergird
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*fork.*")
undergird.configure("run.log", ring_size=1 << 20, max_bytes=5_000_000)
log = undergird.get_logger("storm")
over = False
counts = [0, 0]
def forever(thread):
    while not over:
        log.info("record", who=f"thread{thread}", number=counts[thread])
        counts[thread] += 1
        if counts[thread] % 100 == 0:
            time.sleep(0.0005)
threads = [threading.Thread(target=forever, args=(thread,)) for thread in range(2)]
for thread in threads:
    thread.start()
for child in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        # Half of them never log.
        for number in range(3 * (child % 2)):
            log.info("record", who=f"child{child}", number=number)
        if child % 4 == 1:
            undergird.shutdown()
        os._exit(0)
    deadline = time.monotonic() + 30
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(pid, 6)
            raise AssertionError(f"child {child} hangs")
        time.sleep(0.0005)
over = True
for thread in threads:
    thread.join()
assert undergird.flush(60)
print(*counts)
"""


def test_forks_while_threads_log_and_the_writer_writes_hang_no_child(
    script: Script, tmp_path: Path, ring_dir: Path
) -> None:
    forks = 10_000 if DEEP else 200
    done = script(STORM, str(forks), timeout=1800.0)
    said = script("import undergird.cli; undergird.cli.main(['recover', '.'])").stdout
    found = Counter[str]()
    for path in tmp_path.glob("run.log*"):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            found[record["who"]] += 1
    first, second = map(int, done.stdout.split())
    children = {f"child{child}": 3 for child in range(1, forks, 2)}
    assert found == Counter({"thread0": first, "thread1": second, **children})
    assert list(ring_dir.rglob("*.ring")) == [], said


def test_a_process_that_is_stopped_does_not_stop_the_others(scene: Scene) -> None:
    stopped = scene.write()
    scene.numbers.wait_for(0, 100)
    os.kill(stopped, signal.SIGSTOP)
    try:
        # Stopped while it held the log or not, the other one goes on.
        scene.numbers.clear()
        pid = scene.write()
        scene.numbers.wait_for(0, 1000)
        assert scene.nursery.kill(pid)
    finally:
        os.kill(stopped, signal.SIGCONT)
        assert scene.nursery.kill(stopped)
    scene.recover()
