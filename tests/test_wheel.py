"""The wheel: everything that belongs in it, nothing else, and it works from another folder without the source tree."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("spec", "reference", "torch_impl", "conformance", "benchmarks")
"""Folders that are installed as subpackages of gongsik."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what it is built from, so that nothing stale comes along."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in (*ROOMS, "src"):
        shutil.copytree(
            ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (found,) = built.glob("*.whl")
    return zipfile.ZipFile(found)


def test_wheel_has_every_module_of_every_room(wheel):
    """A new subpackage that pyproject.toml does not name would be missing from the wheel, and from nothing else."""
    expected = {f"gongsik/{path.name}" for path in (ROOT / "src" / "gongsik").glob("*.py")}
    for room in ROOMS:
        expected |= {f"gongsik/{path.relative_to(ROOT)}" for path in (ROOT / room).rglob("*.py")}
    assert {name for name in wheel.namelist() if name.endswith(".py")} == expected


def test_wheel_claims_one_name_and_carries_types_and_licence(wheel):
    names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {
        "gongsik",
        next(n for n in names if "dist-info" in n).split("/")[0],
    }
    assert "gongsik/py.typed" in names
    licence = next(name for name in names if name.endswith("licenses/LICENSE"))
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()


def test_wheel_registers_command_backends_and_plugin(wheel):
    points = configparser.ConfigParser()
    points.read_string(wheel.read(next(n for n in wheel.namelist() if n.endswith("entry_points.txt"))).decode())
    assert dict(points["console_scripts"]) == {"gongsik": "gongsik.cli:main"}
    assert dict(points["gongsik.backends"]) == {"reference": "gongsik.reference", "torch": "gongsik.torch_impl"}
    assert dict(points["pytest11"]) == {"gongsik": "gongsik.conformance.plugin"}


def test_wheel_judges_a_backend_from_another_folder(wheel, tmp_path):
    site, empty = tmp_path / "site", tmp_path / "empty"
    wheel.extractall(site)
    empty.mkdir()
    environment = os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    where = subprocess.run(
        [sys.executable, "-c", "import gongsik; print(gongsik.__file__)"],
        capture_output=True, text=True, cwd=empty, env=environment, check=True,
    )  # fmt: skip
    assert where.stdout.strip() == str(site / "gongsik" / "__init__.py")
    command = [
        sys.executable, "-m", "pytest", "--pyargs", "gongsik.conformance", "--backend", "reference", "-k", "relu", "-q",
        "--dtype", "float64", "--examples", "5", "-p", "no:cacheprovider",
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, cwd=empty, env=environment)
    assert answer.returncode == 0, answer.stdout[-3000:]
    assert str(ROOT) not in answer.stdout
