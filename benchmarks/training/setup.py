"""Make one virtual environment a peer, each with the very torch and numpy that stand beside aimass.

    python benchmarks/training/setup.py      # a minute, about 1 GB each, under ~/.cache/aimass-peers

The versions of torch and numpy are pinned to the ones of this interpreter, build tag (`+cpu`) included: pip fails
rather than fetch another build.  Where the index of that build is not set up on your machine, add --index URL.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import version
from pathlib import Path

VENVS = Path.home() / ".cache" / "aimass-peers"
SAME = ("torch", "numpy")
PEERS = {
    "plain": [],  # torch alone: the loops written by hand
    "lightning": ["lightning==2.6.6"],
    "accelerate": ["accelerate==1.15.0"],
    "keras": ["keras==3.15.1"],
}


def python_of(venvs: Path, name: str) -> Path:
    return venvs / name / "bin" / "python"


def make(venvs: Path, name: str, extra: list[str]) -> None:
    """The environment NAME, new or brought up to date."""
    if not python_of(venvs, name).exists():
        venv.create(venvs / name, with_pip=True)
    pip = [str(python_of(venvs, name)), "-m", "pip", "install", "--quiet", "--prefer-binary", *extra]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write("".join(f"{package}=={version(package)}\n" for package in SAME))
        pins.flush()
        subprocess.run([*pip, "-c", pins.name, *SAME, *PEERS[name]], check=True)
    print(f"{name}: ready, {', '.join(f'{package} {found(venvs, name, package)}' for package in SAME)}", flush=True)


def found(venvs: Path, name: str, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run(
        [python_of(venvs, name), "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venvs", type=Path, default=VENVS, help="folder outside the repository")
    parser.add_argument("--only", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--index", help="a further package index, where the torch build comes from")
    args = parser.parse_args()
    repository = Path(__file__).resolve().parents[2]
    if args.venvs.resolve().is_relative_to(repository):
        sys.exit(f"--venvs lies inside {repository}; give a folder outside")
    for name in args.only:
        make(args.venvs, name, ["--extra-index-url", args.index] if args.index else [])


if __name__ == "__main__":
    main()
