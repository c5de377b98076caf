"""Every check of the project, a session each; `./dev tests` is what CI runs.

`./dev` sets up nox itself, so a fresh machine needs Python and pip only. Every session keeps its environment between
runs; with `nox --no-venv` it uses the one that nox runs in and installs nothing.
"""

import tempfile
import webbrowser
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.sessions = ["tests"]
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml("pyproject.toml")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""The tests run in one process per core; threads on top of that would only wait for each other."""


def install(session: nox.Session, *groups: str) -> None:
    """Install the project as it lies here, with its extras and these dependency groups, under the constraints.

    torch comes first and alone: its build is then settled before anything can ask for another.
    """
    if not session.virtualenv.is_sandboxed:
        return
    constraints = ("--constraint", str(ROOT / "constraints.txt"))
    session.install(*constraints, "torch")
    session.install(
        *constraints, "--editable", ".[torch,conformance]", *nox.project.dependency_groups(PROJECT, *groups)
    )
    if "oracle" in groups:
        session.install(*constraints, "--no-deps", *nox.project.dependency_groups(PROJECT, "models"))


@nox.session
def tests(session: nox.Session) -> None:
    """Unit tests, doctests, laws, agreement of both backends, the suite's own strength, and the docs."""
    install(session, "oracle", "examples", "docs", "build")
    suite = ("tests", "--pyargs", "gongsik.conformance", "--examples", "8")
    session.run("pytest", "-n", "auto", *suite, *session.posargs, env=ONE_THREAD)


@nox.session
def conformance(session: nox.Session) -> None:
    """Judge both backends on this machine's CPU, with a report; arguments go to `gongsik conformance`."""
    install(session)
    session.run("gongsik", "conformance", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure ours beside its peers, and write the page of the benchmarks; with arguments, just `gongsik bench`."""
    install(session, "oracle")
    if session.posargs:
        session.run("gongsik", "bench", *session.posargs)
        return
    results, page = "benchmarks/results/cpu.json", "benchmarks/README.md"
    session.run("gongsik", "bench", "--json", results)
    session.run("python", "-m", "gongsik.benchmarks.page", results, page)


@nox.session
def mutation(session: nox.Session) -> None:
    """Make small mistakes in the formulas and count what the suite notices; arguments go to the script."""
    install(session, "oracle")
    session.run("python", "-m", "gongsik.benchmarks.mutation", *session.posargs, env=ONE_THREAD)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the docs, with warnings as errors; `./dev docs -- open` opens them in a browser."""
    install(session, "docs")
    built = ROOT / "docs" / "_build" / "html"
    session.run("sphinx-build", "-W", "-n", "--keep-going", "-b", "html", "docs", str(built))
    session.log(f"the docs are in {built / 'index.html'}")
    if "open" in session.posargs:
        webbrowser.open((built / "index.html").as_uri())


@nox.session
def lint(session: nox.Session) -> None:
    """Style, format and direction of imports: the hooks of .pre-commit-config.yaml, over every file."""
    if session.virtualenv.is_sandboxed:
        session.install("--no-deps", "--editable", ".")  # import-linter has to find the package, and reads it only
        session.install("--constraint", "constraints.txt", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of everything: the four rooms of code, the front door, tests, docs and examples."""
    install(session, "lint", "oracle", "examples", "docs")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))


@nox.session
def wheel(session: nox.Session) -> None:
    """Build sdist and wheel, install the wheel alone, and test it from an empty folder."""
    constraints = ("--constraint", str(ROOT / "constraints.txt"))
    folder = Path(session.create_tmp())
    session.install(*constraints, "torch", *nox.project.dependency_groups(PROJECT, "build"))
    for old in folder.glob("gongsik-*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(folder), silent=True)
    (built,) = folder.glob("*.whl")
    session.install(*constraints, f"{built}[torch,conformance]", *nox.project.dependency_groups(PROJECT, "oracle"))
    session.install("--force-reinstall", "--no-deps", str(built))
    unit = [str(ROOT / "tests" / f"test_{name}.py") for name in ("backends", "draws", "checkpoint", "cli", "spec")]
    with tempfile.TemporaryDirectory() as empty:  # outside the source tree, whose settings pytest would find
        session.chdir(empty)
        session.run("pytest", "--config-file", str(ROOT / "pyproject.toml"), *unit, env=ONE_THREAD)
        session.run("pytest", "--pyargs", "gongsik.conformance", "--examples", "20", *session.posargs, env=ONE_THREAD)
        session.chdir(ROOT)


@nox.session
def gpu(session: nox.Session) -> None:
    """Judge the torch backend on the first CUDA device; arguments go to `gongsik conformance`."""
    install(session)
    session.run("gongsik", "conformance", "torch", "--device", "cuda", *session.posargs)


@nox.session
def evidence(session: nox.Session) -> None:
    """Measure the agreement that the docs show, and the tolerance study; keep both in the repository."""
    install(session)
    report = session.create_tmp()
    session.run("gongsik", "conformance", "--report", report, *session.posargs, env=ONE_THREAD)
    session.run("python", "docs/gongsik_docs/evidence.py", f"{report}/report.json", env={"PYTHONPATH": "docs"})
    session.run("python", "-m", "gongsik.benchmarks.tolerance", env=ONE_THREAD)
