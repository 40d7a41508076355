"""What is built and installed: the table is found from everywhere, and an import stays small."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import pytest

import multiaddr_py
from multiaddr_py import REGISTRY

ROOT = Path(__file__).parent.parent

needs_checkout = pytest.mark.skipif(not (ROOT / "multiaddr_py").is_dir(), reason="there is nothing here to build")


class Builds(NamedTuple):
    """The files that were built; the directory of the libraries that importing the package takes."""

    checkout: Path
    sdist: Path
    wheel: Path
    wheel_from_sdist: Path
    libraries: Path


def run(*command: str | Path, cwd: Path, path: tuple[Path, ...] = ()) -> str:
    """Run a command where nothing but `path` leads to the package; return what it printed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    environment |= {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONSAFEPATH": "1"}
    process = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the package imports, without the package."""
    directory = tmp_path_factory.mktemp("libraries")
    for name in ("base58", "varint"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        if spec.submodule_search_locations is None:
            shutil.copy(origin, directory)
        else:
            shutil.copytree(origin.parent, directory / name)
    return directory


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory, libraries: Path) -> Builds:
    """Build the package from a copy of the checkout: setuptools leaves files where it builds."""
    checkout = tmp_path_factory.mktemp("copy") / "checkout"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=ignored)
    dist, direct = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("direct")
    run(sys.executable, "-m", "build", "--outdir", dist, cwd=checkout)  # a wheel from the sdist
    run(sys.executable, "-m", "build", "--outdir", direct, "--wheel", cwd=checkout)
    (sdist,), (wheel_from_sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl"), direct.glob("*.whl")
    return Builds(checkout, sdist, wheel, wheel_from_sdist, libraries)


def table_seen_by(python: str | Path, *path: Path, cwd: Path) -> tuple[str, Path]:
    """Return the default registry as a fresh interpreter has it, and where it found the package."""
    code = "import multiaddr_py; print(multiaddr_py.__file__); print(list(multiaddr_py.REGISTRY))"
    file, table = run(python, "-c", code, cwd=cwd, path=path).splitlines()
    return table, Path(file)


def installed(wheel: Path, target: Path) -> Path:
    """Install a wheel into a directory."""
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel, cwd=target.parent)
    return target


@needs_checkout
def test_a_checkout_finds_the_table(libraries: Path, tmp_path: Path) -> None:
    table, file = table_seen_by(sys.executable, ROOT, libraries, cwd=tmp_path)
    assert file == ROOT / "multiaddr_py" / "__init__.py"
    assert table == repr(list(REGISTRY))


@needs_checkout
def test_an_editable_install_finds_the_table(builds: Builds, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=os.name != "nt")
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--editable", builds.checkout, cwd=tmp_path)
    table, file = table_seen_by(python, builds.libraries, cwd=tmp_path)
    assert file == builds.checkout / "multiaddr_py" / "__init__.py"
    assert table == repr(list(REGISTRY))


@needs_checkout
@pytest.mark.parametrize("kind", ["wheel", "wheel_from_sdist"])
def test_an_installed_wheel_finds_the_table(kind: str, builds: Builds, tmp_path: Path) -> None:
    target = installed(getattr(builds, kind), tmp_path / "target")
    table, file = table_seen_by(sys.executable, target, builds.libraries, cwd=tmp_path)
    assert file == target / "multiaddr_py" / "__init__.py"
    assert table == repr(list(REGISTRY))


@needs_checkout
def test_a_zip_on_the_path_finds_the_table(builds: Builds, tmp_path: Path) -> None:
    archive = tmp_path / "package.zip"
    shutil.copy(builds.wheel, archive)
    table, file = table_seen_by(sys.executable, archive, builds.libraries, cwd=tmp_path)
    assert file == archive / "multiaddr_py" / "__init__.py"
    assert table == repr(list(REGISTRY))


@needs_checkout
@pytest.mark.skipif((ROOT / "PKG-INFO").exists(), reason="an sdist has a copy")
def test_the_table_at_the_root_is_a_link_to_that_of_the_package() -> None:
    assert (ROOT / "protocols.csv").is_symlink()
    assert (ROOT / "protocols.csv").resolve() == (ROOT / "multiaddr_py" / "protocols.csv").resolve()


@needs_checkout
def test_the_sdist_has_the_tables_the_tests_and_the_licence(builds: Builds) -> None:
    with tarfile.open(builds.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "benchmarks/compare.py",
        "multiaddr_py/protocols.csv",
        "protocols.csv",
        "pyproject.toml",
        "tests/conftest.py",
        "tests/test_packaging.py",
    }
    assert not [name for name in names if "__pycache__" in name]


@needs_checkout
def test_the_wheels_have_the_package_and_nothing_else(builds: Builds) -> None:
    modules = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "multiaddr_py").rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    for wheel in (builds.wheel, builds.wheel_from_sdist):
        with zipfile.ZipFile(wheel) as archive:
            names = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert names == modules
    assert {"multiaddr_py/protocols.csv", "multiaddr_py/py.typed"} <= modules


@needs_checkout
def test_the_wheel_says_its_licence_and_its_three_requirements(builds: Builds) -> None:
    with zipfile.ZipFile(builds.wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        message = Parser().parsestr(archive.read(metadata).decode())
    assert message["License-Expression"] == "MIT"
    requirements = [line for line in message.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert len(requirements) == 3
    assert [line.partition(">=")[0] for line in sorted(requirements)] == ["base58", "py-multihash", "varint"]


@pytest.mark.parametrize(
    "slow",
    [
        "asyncio",
        "base58",
        "dataclasses",
        "functools",
        "hypothesis",
        "logging",
        "multihash",
        "pydantic",
        "pydantic_core",
        "socket",
        "typing",
    ],
)
def test_importing_the_package_does_not_import(slow: str, modules_after_import: frozenset[str]) -> None:
    assert slow not in modules_after_import


@pytest.fixture(scope="module")
def modules_after_import(libraries: Path) -> frozenset[str]:
    """The names of all modules that a fresh interpreter has when it has imported the package."""
    path = [str(Path(multiaddr_py.__file__).parent.parent), str(libraries)]
    code = f"import sys; sys.path[:0] = {path}; import multiaddr_py; print(*sys.modules)"
    # Without `site`, which would run what other packages have in their `.pth` files.
    return frozenset(run(sys.executable, "-I", "-S", "-c", code, cwd=libraries).split())
