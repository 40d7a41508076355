"""What is built and installed, with a compiler and without: all of it works, and an import stays small."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
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


# As setup.py and the compilers of setuptools see it.
COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
CAN_BUILD = (
    sys.implementation.name == "cpython"
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
    and shutil.which(COMPILER) is not None
)
needs_compiler = pytest.mark.skipif(not CAN_BUILD, reason=f"there is no {COMPILER}, or nothing that could load a build")


# Without `site`: the `.pth` file of an editable install would find there what is not in the package that is looked at.
PYTHON = (sys.executable, "-S")


class Builds(NamedTuple):
    """The files that were built; the directory of the libraries that importing the package takes."""

    checkout: Path
    sdist: Path
    pure_sdist: Path
    wheel: Path
    wheel_from_sdist: Path
    wheel_without_compiler: Path
    wheel_after_compiler: Path
    """Where an earlier build had a compiler."""
    wheel_of_choice: Path
    """Of a machine that could do otherwise: `MULTIADDR_PY_PURE=1`."""
    libraries: Path


class Seen(NamedTuple):
    """What a fresh interpreter has: the default registry, where it found the package, and which type holds bytes."""

    table: str
    file: Path
    accelerated: bool


def run(*command: str | Path, cwd: Path, path: tuple[Path, ...] = (), **variables: str) -> str:
    """Run a command where nothing but `path` leads to the package; return what it printed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE_", "MULTIADDR_"))}
    environment |= {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONSAFEPATH": "1", **variables}
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
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "*.so", "*.pyd", "build", "dist")
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=ignored)
    made = {kind: tmp_path_factory.mktemp(kind) for kind in ("dist", "direct", "bare", "stale", "pure")}
    build = (sys.executable, "-m", "build", "--outdir")
    run(*build, made["dist"], cwd=checkout)  # a wheel from the sdist
    run(*build, made["direct"], "--wheel", cwd=checkout)
    no_compiler = str(checkout / "no-compiler")
    run(*build, made["bare"], cwd=checkout, CC=no_compiler)
    os.utime(checkout / "multiaddr_py" / "_accel.c")  # what the build before this one made is out of date
    run(*build, made["stale"], "--wheel", cwd=checkout, CC=no_compiler)
    run(*build, made["pure"], cwd=checkout, MULTIADDR_PY_PURE="1")
    (sdist,), (pure_sdist,) = made["dist"].glob("*.tar.gz"), made["pure"].glob("*.tar.gz")
    from_sdist, direct, bare, stale, pure = [next(directory.glob("*.whl")) for directory in made.values()]
    return Builds(checkout, sdist, pure_sdist, direct, from_sdist, bare, stale, pure, libraries)


def seen_by(*python: str | Path, path: tuple[Path, ...], cwd: Path, **variables: str) -> Seen:
    """Return what a fresh interpreter has when it has imported the package."""
    code = "import multiaddr_py as m; print(list(m.REGISTRY), m.__file__, m.ACCELERATED, sep='\\n')"
    table, file, accelerated = run(*python, "-c", code, cwd=cwd, path=path, **variables).splitlines()
    return Seen(table, Path(file), accelerated == "True")


def installed(wheel: Path, target: Path) -> Path:
    """Install a wheel into a directory."""
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel, cwd=target.parent)
    return target


@needs_checkout
def test_a_checkout_finds_the_table(libraries: Path, tmp_path: Path) -> None:
    seen = seen_by(*PYTHON, path=(ROOT, libraries), cwd=tmp_path)
    assert seen.file == ROOT / "multiaddr_py" / "__init__.py"
    assert seen.table == repr(list(REGISTRY))


@needs_checkout
def test_an_editable_install_finds_the_table(builds: Builds, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=os.name != "nt")
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-deps", "--editable", builds.checkout, cwd=tmp_path)
    seen = seen_by(python, path=(builds.libraries,), cwd=tmp_path)
    assert seen == (repr(list(REGISTRY)), builds.checkout / "multiaddr_py" / "__init__.py", CAN_BUILD)


@needs_checkout
@pytest.mark.parametrize(
    ("kind", "accelerated"),
    [
        ("wheel", CAN_BUILD),
        ("wheel_from_sdist", CAN_BUILD),
        ("wheel_without_compiler", False),
        ("wheel_after_compiler", False),
        ("wheel_of_choice", False),
    ],
)
def test_an_installed_wheel_works(kind: str, accelerated: bool, builds: Builds, tmp_path: Path) -> None:
    target = installed(getattr(builds, kind), tmp_path / "target")
    seen = seen_by(*PYTHON, path=(target, builds.libraries), cwd=tmp_path)
    assert seen == (repr(list(REGISTRY)), target / "multiaddr_py" / "__init__.py", accelerated)


@needs_checkout
@needs_compiler
@pytest.mark.parametrize(("value", "accelerated"), [("1", False), ("yes", False), ("0", True), ("", True)])
def test_an_environment_variable_turns_the_accelerator_off(
    value: str, accelerated: bool, builds: Builds, tmp_path: Path
) -> None:
    target = installed(builds.wheel, tmp_path / "target")
    seen = seen_by(*PYTHON, path=(target, builds.libraries), cwd=tmp_path, MULTIADDR_PY_PURE=value)
    assert seen.accelerated == accelerated


@needs_checkout
def test_a_zip_on_the_path_works_without_the_accelerator(builds: Builds, tmp_path: Path) -> None:
    archive = tmp_path / "package.zip"
    shutil.copy(builds.wheel, archive)
    seen = seen_by(*PYTHON, path=(archive, builds.libraries), cwd=tmp_path)
    assert seen == (repr(list(REGISTRY)), archive / "multiaddr_py" / "__init__.py", False)


@needs_checkout
def test_a_wheel_is_tagged_by_what_is_in_it(builds: Builds) -> None:
    assert builds.wheel.name == builds.wheel_from_sdist.name
    assert ("-cp311-abi3-" in builds.wheel.name) == CAN_BUILD
    for wheel in (builds.wheel_without_compiler, builds.wheel_after_compiler, builds.wheel_of_choice):
        assert wheel.name.endswith("-py3-none-any.whl")


@needs_checkout
@pytest.mark.skipif((ROOT / "PKG-INFO").exists(), reason="an sdist has a copy")
def test_the_table_at_the_root_is_a_link_to_that_of_the_package() -> None:
    assert (ROOT / "protocols.csv").is_symlink()
    assert (ROOT / "protocols.csv").resolve() == (ROOT / "multiaddr_py" / "protocols.csv").resolve()


@needs_checkout
@pytest.mark.parametrize("kind", ["sdist", "pure_sdist"])
def test_the_sdist_has_the_tables_the_tests_and_the_licence(kind: str, builds: Builds) -> None:
    with tarfile.open(getattr(builds, kind)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "benchmarks/compare.py",
        "examples/echo.py",
        "examples/punch.py",
        "examples/punching/messages.py",
        "multiaddr_py/_accel.c",
        "multiaddr_py/_accel_bases.h",
        "multiaddr_py/_accel_codecs.h",
        "multiaddr_py/_accel_wire.h",
        "multiaddr_py/protocols.csv",
        "protocols.csv",
        "pyproject.toml",
        "setup.py",
        "tests/conftest.py",
        "tests/test_packaging.py",
    }
    assert not [name for name in names if "__pycache__" in name]


@needs_checkout
def test_the_wheels_have_the_package_and_nothing_else(builds: Builds) -> None:
    modules = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "multiaddr_py").rglob("*")
        if file.is_file() and file.suffix not in {".pyc", ".c", ".h", ".so", ".pyd"}
    }
    assert {"multiaddr_py/protocols.csv", "multiaddr_py/py.typed"} <= modules
    wheels = [path for path in builds if path.suffix == ".whl"]
    assert len(wheels) == 5
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            names = {name for name in archive.namelist() if ".dist-info/" not in name}
        binaries = names - modules
        assert names - binaries == modules
        assert [Path(name).name.partition(".")[0] for name in binaries] == ["_accel"] * ("-abi3-" in wheel.name)


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
