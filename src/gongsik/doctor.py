"""What of this library works on this machine, and what to do about the rest."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gongsik
from gongsik import index
from gongsik.backends import BackendError

PACKAGES = {
    "numpy": "pip install numpy",
    "torch": "pip install 'gongsik[torch]'",
    "pytest": "pip install 'gongsik[conformance]'",
    "hypothesis": "pip install 'gongsik[conformance]'",
    "pytest-xdist": "pip install 'gongsik[conformance]'",
    "scipy": "pip install scipy, beside which `gongsik bench` measures",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for; with a `remedy` it is missing."""

    what: str
    found: str
    remedy: str = ""


def findings() -> Iterator[Finding]:
    """Everything that the commands of this library need, in the order in which one meets it."""
    yield Finding("gongsik", f"{gongsik.__version__} in {Path(gongsik.__file__).parent}")
    system = f"{platform.system()} {platform.machine()}"
    yield Finding("python", f"{platform.python_version()} on {system}, {os.cpu_count()} cores")
    yield from map(_package, PACKAGES)
    yield from map(_backend, gongsik.available())
    yield _cuda()
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    need = "" if compiler else "install g++: on the CPU, `compile=True` needs a C++ compiler"
    yield Finding("C++ compiler", compiler or "none", need)
    root = index.checkout()
    yield Finding("docs", str(root / "docs") if root else "none", "" if root else "they come with the source tree only")


def _package(name: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "not installed", PACKAGES[name])


def _backend(name: str) -> Finding:
    try:
        have = len(gongsik.backend(name).implemented())
    except BackendError as error:
        return Finding(f"backend {name}", str(error), "install what it imports, or mend it")
    total = len(gongsik.formulas())
    remedy = "" if have == total else "`gongsik list` shows which are missing"
    return Finding(f"backend {name}", f"{have} of {total} formulas", remedy)


def _cuda() -> Finding:
    try:
        import torch

        devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    except Exception:  # whatever is wrong with torch is told by its backend's finding
        devices = []
    remedy = "" if devices else "a GPU needs NVIDIA's driver and a CUDA build of torch"
    return Finding("device cuda", ", ".join(devices) or "none", remedy)
