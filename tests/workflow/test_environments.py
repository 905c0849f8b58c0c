"""Environments and set-up: exact pins that agree, the stand-in for conda, and the lock around ``make reproduce``."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.workflow_tools import ROOT, project_copy, snakemake

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
REQUIREMENTS = [ROOT / f"requirements{part}.txt" for part in ("", "-dev", "-pytest")]
# LiteLLM and Tunix fit with none of the others: tests/teachers and tests/tunix run in environments of their own.
APART = [ROOT / "envs" / f"{name}.yaml" for name in ("teacher", "tunix")]


def pins(path: Path) -> dict[str, str]:
    """``{package: version}`` of a conda YAML or a requirements file."""
    if path.suffix == ".txt":
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    else:
        lines = next(item["pip"] for item in yaml.safe_load(path.read_text())["dependencies"] if isinstance(item, dict))
    return dict(line.split("==") for line in lines)


# --- pins --------------------------------------------------------------------------------------------------------


def test_every_pin_is_exact_and_all_files_agree() -> None:
    agreed: dict[str, str] = {}
    for path in [*ENVIRONMENTS, *REQUIREMENTS]:
        for name, pinned in pins(path).items():
            assert re.fullmatch(r"[0-9][0-9a-z.]*", pinned), (path.name, name)
            if path not in APART:
                assert agreed.setdefault(name, pinned) == pinned, f"{path.name}: {name}"
            # codecarbon needs nvidia-ml-py: a few files of Python that ask a driver, where there is one.
            assert name == "nvidia-ml-py" or not name.startswith(("nvidia", "cuda", "triton")), (
                f"{path.name}: {name} would go to machines without a GPU"
            )


def test_the_tests_run_with_what_the_jobs_run_with() -> None:
    for path in [path for path in ENVIRONMENTS if path not in APART]:
        for name, pinned in pins(path).items():
            assert version(name).split("+")[0] == pinned, f"{path.name}: {name}"


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine has a GPU")
def test_without_a_gpu_torch_comes_without_cuda() -> None:
    import torch

    assert torch.version.cuda is None


# --- the stand-in for conda --------------------------------------------------------------------------------------


def wheel(folder: Path, name: str, number: str) -> None:
    """The smallest wheel that installs: one module with its version."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{number}.dist-info"
    files = {
        f"{name}.py": f"VERSION = '{number}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{number}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """A machine without conda and without network, whose pip finds its packages in a folder."""
    for number in ("1.0", "2.0"):
        wheel(tmp_path / "wheels", "toy", number)
    (tmp_path / "index").mkdir()
    folders = [Path(sys.executable).parent, *map(Path, os.environ["PATH"].split(os.pathsep))]
    kept = [str(folder) for folder in folders if not any((folder / name).exists() for name in ("conda", "nvidia-smi"))]
    places = {
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "PIP_INDEX_URL": (tmp_path / "index").as_uri(),
        "PIP_EXTRA_INDEX_URL": "",
    }
    unset = ("SNAKEMAKE", "UV_", "CONDA")
    return {k: v for k, v in os.environ.items() if not k.startswith(unset)} | places | {"PATH": os.pathsep.join(kept)}


def environment_file(folder: Path, *dependencies: str, python: str = "python=3.11") -> Path:
    lines = [
        "channels:",
        "  - conda-forge",
        "dependencies:",
        f"  - {python}",
        "  - pip:",
        *(f"      - {item}" for item in dependencies),
    ]
    path = folder / "toy.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def conda(surroundings: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "bin" / "conda", *arguments], env=surroundings, capture_output=True, text=True, check=False
    )


def create(surroundings: dict[str, str], file: Path, prefix: Path) -> subprocess.CompletedProcess[str]:
    return conda(surroundings, "env", "create", "--quiet", "--no-default-packages", "--file", file, "--prefix", prefix)


def says(prefix: Path, module: str = "toy") -> str:
    command = [prefix / "bin" / "python", "-c", f"import {module}; print({module}.VERSION)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_stand_in_builds_the_exact_pins_once(surroundings: dict[str, str], tmp_path: Path) -> None:
    file, prefix = environment_file(tmp_path, "toy==1.0"), tmp_path / "env"
    assert create(surroundings, file, prefix).returncode == 0
    assert says(prefix) == "1.0"
    built = prefix.stat().st_mtime_ns
    assert create(surroundings, file, prefix).returncode == 0
    assert prefix.stat().st_mtime_ns == built
    assert "toy==1.0" in conda(surroundings, "env", "export", "--prefix", prefix).stdout
    environment_file(tmp_path, "toy==2.0")
    refused = create(surroundings, file, prefix)
    assert refused.returncode == 2 and "other pins" in refused.stderr
    assert says(prefix) == "1.0"


@pytest.mark.parametrize(
    ("pin", "python", "said"),
    [
        ("toy", "python=3.11", "'toy' is no exact pin"),
        ("toy>=1.0", "python=3.11", "'toy>=1.0' is no exact pin"),
        ("toy==1.0", "samtools=1.21", "cannot install conda package 'samtools=1.21'"),
        ("toy==9.0", "python=3.11", "uv could not do 'pip install'"),
    ],
)
def test_what_it_cannot_build_is_refused(
    surroundings: dict[str, str], tmp_path: Path, pin: str, python: str, said: str
) -> None:
    done = create(surroundings, environment_file(tmp_path, pin, python=python), tmp_path / "env")
    assert done.returncode == 2 and said in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr and not (tmp_path / "env").exists()


def test_other_conda_commands_are_refused_in_one_line(surroundings: dict[str, str]) -> None:
    done = conda(surroundings, "install", "numpy")
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1


def test_a_killed_build_is_never_taken_for_whole(surroundings: dict[str, str], tmp_path: Path) -> None:
    file, prefix, started = environment_file(tmp_path, "toy==1.0"), tmp_path / "env", tmp_path / "started"
    uv, slow = shutil.which("uv", path=surroundings["PATH"]), tmp_path / "slow" / "uv"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\n[ "$1" = venv ] && exec {uv} "$@"\ntouch {started}\nexec sleep 60\n')
    slow.chmod(0o755)
    hindered = surroundings | {"PATH": f"{slow.parent}{os.pathsep}{surroundings['PATH']}"}
    command = [ROOT / "bin" / "conda", "env", "create", "--file", file, "--prefix", prefix]
    with subprocess.Popen(command, env=hindered, start_new_session=True) as process:
        deadline = time.monotonic() + 30
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    assert started.exists() and not prefix.exists()
    assert create(surroundings, file, prefix).returncode == 0
    assert says(prefix) == "1.0"
    assert not (tmp_path / "env.partial").exists()


def test_the_build_of_torch_fits_the_machine(surroundings: dict[str, str], tmp_path: Path) -> None:
    for number in ("9.9.9", "9.9.9+cpu"):
        wheel(tmp_path / "wheels", "torch", number)
    file = environment_file(tmp_path, "torch==9.9.9")
    smi = tmp_path / "gpu" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text("#!/bin/sh\n")
    smi.chmod(0o755)
    with_gpu = surroundings | {"PATH": f"{smi.parent}{os.pathsep}{surroundings['PATH']}"}
    assert create(with_gpu, file, tmp_path / "gpu-env").returncode == 0
    assert says(tmp_path / "gpu-env", "torch") == "9.9.9"
    if not Path("/dev/nvidia0").exists():
        assert create(surroundings, file, tmp_path / "cpu-env").returncode == 0
        assert says(tmp_path / "cpu-env", "torch") == "9.9.9+cpu"


TOY_WORKFLOW = """
configfile: "config/config.yaml"
include: "rules/common.smk"
rule toy:
    output: "toy.txt"
    conda: "toy.yaml"
    shell: "python -c 'import primum, toy; print(toy.VERSION)' > {output}"
"""


def test_snakemake_builds_and_activates_environments_where_there_is_no_conda(
    surroundings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", surroundings)
    folder = project_copy(tmp_path / "project")
    (folder / "Toy").write_text(TOY_WORKFLOW)
    environment_file(folder, "toy==1.0")
    call = ("--snakefile", "Toy", "--profile", "local", "toy")
    for expected in ("1.0", "2.0"):  # an edited pin builds another environment, and reruns what uses it
        environment_file(folder, f"toy=={expected}")
        done = snakemake(folder, *call)
        assert done.returncode == 0, done.stderr[-3000:]
        assert (folder / "toy.txt").read_text().strip() == expected


# --- make --------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with ``bin/reproduce`` and a Snakemake that only writes down how it was called."""
    (tmp_path / "bin").mkdir()
    shutil.copy2(ROOT / "bin" / "reproduce", tmp_path / "bin")
    fake = tmp_path / ".venv" / "bin" / "snakemake"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\necho "$@" >> calls\ncase "$*" in *--unlock*) rm -r .snakemake/locks;; esac\n')
    fake.chmod(0o755)
    return tmp_path


def leave_lock(desk: Path) -> None:
    (desk / ".snakemake" / "locks").mkdir(parents=True)
    (desk / ".snakemake" / "locks" / "0.output.lock").write_text("results/x\n")


def reproduce(desk: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [desk / "bin" / "reproduce", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_reproduce_hands_its_arguments_on_and_takes_a_stale_lock_away(desk: Path) -> None:
    assert reproduce(desk, "--config", "scale=small").returncode == 0
    assert (desk / "calls").read_text().splitlines() == ["--profile local --config scale=small"]
    leave_lock(desk)
    assert reproduce(desk).returncode == 0
    assert (desk / "calls").read_text().splitlines()[1:] == ["--profile local --quiet all --unlock", "--profile local"]


def test_the_lock_of_a_snakemake_started_by_hand_is_left_alone(desk: Path) -> None:
    leave_lock(desk)
    program = desk / "snakemake"
    program.write_text("import sys\nprint('up', flush=True)\nsys.stdin.read()\n")
    with subprocess.Popen(
        [sys.executable, program], cwd=desk, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None and running.stdout.readline()
        done = reproduce(desk)
        running.communicate()
    assert done.returncode == 2 and f"process {running.pid}" in done.stderr
    assert not (desk / "calls").exists() and any((desk / ".snakemake" / "locks").iterdir())


def test_two_calls_of_reproduce_come_one_after_the_other(desk: Path) -> None:
    (desk / ".primum").mkdir()
    with (desk / ".primum" / "reproduce.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with subprocess.Popen([desk / "bin" / "reproduce"], stderr=subprocess.PIPE, text=True) as second:
            assert second.stderr is not None and "waiting for it to end" in second.stderr.readline()
            assert not (desk / "calls").exists()
            fcntl.flock(held, fcntl.LOCK_UN)
    assert second.returncode == 0
    assert (desk / "calls").read_text().splitlines() == ["--profile local"]


def test_setup_without_python_says_so_in_one_line(tmp_path: Path) -> None:
    shutil.copy2(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    done = subprocess.run(["make", "-s", "setup", "PYTHON="], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No Python 3.11 found. Remedy:" in done.stderr.splitlines()[0]
    assert not (tmp_path / ".venv").exists()


def test_make_lets_python_keep_what_it_compiles(tmp_path: Path) -> None:
    shutil.copy2(ROOT / "Makefile", tmp_path)
    rule = f"show: ; @{sys.executable} -c 'import sys; print(sys.dont_write_bytecode)'"
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-s", "--eval", rule, "show"],
        cwd=tmp_path,
        env=surroundings | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
