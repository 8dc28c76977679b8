"""Memory that one version gave back is there for the next, whichever threads they used."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ALLOCATES = """
import ctypes, os, signal, sys, tempfile, threading
import aimass.serve.__main__ as server

C = ctypes.CDLL(None)
C.fopen.restype, C.fclose.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
C.malloc_info.argtypes = ctypes.c_int, ctypes.c_void_p

def said(where):
    turn, kept = threading.Barrier(4), []
    threads = [threading.Thread(target=lambda: (kept.append(bytearray(50_000)), turn.wait())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tempfile.NamedTemporaryFile() as file:
        out = C.fopen(file.name.encode(), b"w")
        C.malloc_info(0, out)
        C.fclose(out)
        print(file.read().count(b"<heap nr="))
    os.kill(os.getpid(), signal.SIGTERM)

server.said = said
sys.exit(server.main([sys.argv[1], "--name", "m"]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives threads heaps of their own")
def test_all_threads_of_a_server_share_one_heap(folder: Path) -> None:
    command = [sys.executable, "-c", ALLOCATES, str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout == "1\n"
