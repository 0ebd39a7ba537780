"""What a worker's files say, and what keeps them from being written."""

from __future__ import annotations

import tomllib
from pathlib import PureWindowsPath

import pytest
from worker_cases import (
    AUTHORITY,
    BUILDS,
    GOLDEN,
    SUPPORT,
    configuration,
    files,
    inventory,
    registry_files,
)

from wincnode.cluster.runtime_classes import runtime_classes
from wincnode.errors import ConfigError
from wincnode.rendering import to_toml
from wincnode.worker import containerd, paths
from wincnode.worker.containerd import Runtime
from wincnode.worker.containerd_rules import problems
from wincnode.worker.registries import folder
from wincnode.worker.variables import variables

FILES = dict(files())
RUNTIME = "io.containerd.cri.v1.runtime"


@pytest.mark.parametrize("name", FILES)
def test_a_file_renders_to_its_golden_one(name: str) -> None:
    """`python tests/worker_cases.py` writes the files anew; a change of them is reviewed."""
    assert FILES[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    """Each file there is still rendered by some case."""
    there = {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*") if path.is_file()}
    assert there == set(FILES)


@pytest.mark.parametrize("build", [20348, 26100])
def test_every_runtime_class_of_a_node_has_its_handler(build: int) -> None:
    """A class whose handler containerd does not know would leave its pods waiting for ever."""
    label = f"10.0.{build}"
    classes = runtime_classes(BUILDS, ("process", "hyperv"), ())
    wanted = {row.handler for row in classes if row.build_label == label}
    found = tomllib.loads(configuration("2.3.7", "hyperv", build=build))
    assert set(found["plugins"][RUNTIME]["containerd"]["runtimes"]) == wanted


def test_hyperv_builds_limit_handlers_and_classes_alike() -> None:
    """A build that is not named gets neither."""
    classes = runtime_classes(BUILDS, ("hyperv",), (), hyperv_builds=(17763,))
    assert not [row for row in classes if row.handler.endswith("-20348")]


@pytest.mark.parametrize(
    ("kubernetes", "build", "isolation", "image"),
    [
        ("1.35.8", 26100, "[process]", "registry.k8s.io/pause:3.10.1"),
        ("1.35.8", 26100, "[process, hyperv]", "registry.k8s.io/pause:3.10.2"),
        ("1.36.4", 20348, "[process]", "registry.k8s.io/pause:3.10.2"),
    ],
)
def test_the_sandbox_image_fits_the_build(
    kubernetes: str, build: int, isolation: str, image: str
) -> None:
    """A Hyper-V sandbox on 2025 needs the first pause that holds an image of 2025."""
    wish = containerd.runtime(
        inventory(kubernetes=kubernetes, isolation=isolation),
        build=build,
        support=SUPPORT,
        builds=BUILDS,
    )
    assert wish.sandbox_image == image


def test_a_given_sandbox_image_is_taken_as_it_is() -> None:
    """Closed networks have their own copy."""
    own = "registry.example:5000/pause:3.10.2"
    found = inventory(isolation=f"[process]\n  sandbox_image: {own}")
    wish = containerd.runtime(found, build=20348, support=SUPPORT, builds=BUILDS)
    assert f"sandbox = '{own}'" in containerd.configuration(wish)


def test_an_unknown_containerd_is_refused_with_the_known_ones() -> None:
    """The form of its configuration is not known."""
    with pytest.raises(ConfigError, match=r"'9\.9\.9'; known are 1\.7, 2\.0"):
        containerd.runtime(inventory(runtime="9.9.9"), build=1, support=SUPPORT, builds=BUILDS)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("version = 4", "version = 5", "version is 5; one of 2, 3, 4"),
        ("cri.v1.images']", "cri.v1.image']", "plugins.'io.containerd.cri.v1.image': unknown"),
        ("bin_dirs", "bin_dirz", f"plugins.'{RUNTIME}'.cni.bin_dirz: unknown"),
        ("bin_dirs", "bin_dir", f"plugins.'{RUNTIME}'.cni.bin_dir: unknown"),
        ("ScrubLogs", "ScrubLog", "options.ScrubLog: unknown"),
        ("SandboxIsolation = 1", "SandboxIsolation = '1'", "SandboxIsolation: is '1'; number"),
        ("max_conf_num = 1", "max_conf_num = true", "max_conf_num: is True; number"),
        ("conf_dir = 'C:", "conf_dir = '", r"conf_dir: is '\\etc\\cni\\net.d'; path"),
        ("'30m0s'", "'half an hour'", "'half an hour'; duration"),
        ("pause:3.10.2", "pause", "'registry.k8s.io/pause'; image"),
        ("= 'runhcs-wcow-process'", "= 'runhcs'", "'runhcs', which is no handler"),
        ("runtimes.runhcs-wcow-hypervisor]", "runtimes.runc]", "handler 'runc'"),
        (r"root = 'C:\P", r'root = "C:\\P', "no TOML|double quotes has a backslash"),
        ("[plugins.'io.containerd.server.v1.grpc']", "[grpc]", "grpc: unknown"),
        ("version = 4", "version = 4\nplugins = 1\n[x]", "plugins: is 1; a table|no TOML"),
    ],
)
def test_what_containerd_would_ignore_is_a_problem(old: str, new: str, problem: str) -> None:
    """It takes each of these without a word, or breaks at its start."""
    good = configuration("2.3.7", "hyperv")
    assert problems(good) == ()
    text = good.replace(old, new, 1)
    assert text != good
    found = " | ".join(problems(text))
    assert any(part in found for part in problem.split("|")), found


def test_a_path_in_double_quotes_is_a_problem_even_where_toml_takes_it() -> None:
    r"""The next path may begin with \U or \t."""
    text = configuration("2.3.7", "process").replace(
        r"state = 'C:\ProgramData\containerd\state'",
        r'state = "C:\\ProgramData\\containerd\\state"',
    )
    assert problems(text) == (
        "a text in double quotes has a backslash; paths stand in single ones",
    )


def test_a_folder_of_certs_d_has_no_colon() -> None:
    """No folder of Windows may have one."""
    assert [folder(host) for host in ("reg:5000", "docker.io", "_default")] == [
        "reg_5000_",
        "docker.io",
        "_default",
    ]


def test_each_file_of_a_registry_has_its_folder() -> None:
    """No step makes the folder of a file; `install` makes them before."""
    runtime = Runtime(
        version="2.3.7", config_version=3, sandbox_image="a/b:1", handlers=("runhcs-wcow-process",)
    )
    registries = registry_files("private")
    found = variables(runtime, registries=registries, kubelet="", drop_in="")
    folders = [row["path"] for row in found["folders"]]
    parents = {path.rpartition("\\")[0] for path in registries}

    assert parents
    assert parents <= set(folders)
    assert folders.index(paths.REGISTRIES) < min(map(folders.index, parents))


def test_an_authority_lies_beside_the_registry_that_it_vouches_for() -> None:
    """Its text is sent as it was read."""
    found = registry_files("private")
    assert found[rf"{paths.REGISTRIES}\registry.k8s.io\ca.crt"] == AUTHORITY


def test_every_file_of_a_registry_has_its_folder_made_first() -> None:
    """A file is written where its folder is there already."""
    loaded = inventory()
    wish = containerd.runtime(loaded, build=20348, support=SUPPORT, builds=BUILDS)
    rows = registry_files("private")

    made = variables(wish, registries=rows, kubelet="kubelet", drop_in="")

    folders = [row["path"] for row in made["folders"]]
    parents = {str(PureWindowsPath(path).parent) for path in rows}
    assert rf"{paths.REGISTRIES}\registry.k8s.io" in parents
    assert parents <= set(folders)
    assert len(folders) == len(set(folders))
    assert all(folders.index(paths.REGISTRIES) < folders.index(row) for row in parents)


@pytest.mark.parametrize(
    "text", ["C:\\Users", "it's", "a\tb", 'say "x"', "\u00e9\U0001f600", "\x7f\n"]
)
def test_a_text_in_toml_means_itself(text: str) -> None:
    """Whatever it holds."""
    assert tomllib.loads(f"a = {to_toml([text, True, 3])}") == {"a": [text, True, 3]}
