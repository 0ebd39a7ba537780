"""The containers that wincnode makes, and the process that proves them."""

from __future__ import annotations

from wincnode.hcs.documents.container import Container, GuestOs, Layer, Storage
from wincnode.hcs.documents.process import ProcessParameters
from wincnode.hcs.documents.system import (
    SCHEMA,
    ComputeSystem,
    ContainerV1,
    HostedSystem,
    HvRuntime,
)
from wincnode.hcs.program import OWNER
from wincnode.hcs.references import Layers, Ref, Text

HOST_NAME = "wincnode-smoke"
# Its output has the build, in every language: `Microsoft Windows [Version 10.0.20348.2762]`.
COMMAND = "cmd /c ver"


def process_container(*, layers: Layers, volume: Text) -> ComputeSystem:
    """Describe a container that shares the host's kernel; it has no network.

    Args: volume: of its prepared scratch.
    Source: microsoft/hcsshim:internal/hcsoci/hcsdoc_wcow.go@7c9ff7f4
    """
    storage = Storage(layers=layers, path=volume)
    return ComputeSystem(
        owner=OWNER,
        schema_version=SCHEMA,
        should_terminate_on_last_handle_closed=True,
        container=Container(guest_os=GuestOs(host_name=HOST_NAME), storage=storage),
    )


def hyperv_container(*, name: str, layers: Layers, scratch: Text, utility_vm: Text) -> ContainerV1:
    """Describe a container with a machine of its own, which Windows makes of the image.

    Args: scratch: folder of a scratch that is not attached. utility_vm: the image's folder.
    Source: moby/moby:daemon/internal/libcontainerd/local/local_windows.go@b985e231
    """
    return ContainerV1(
        system_type="Container",
        name=name,
        owner=OWNER,
        ignore_flushes_during_boot=True,
        layer_folder_path=scratch,
        layers=layers,
        host_name=HOST_NAME,
        hv_partition=True,
        hv_runtime=HvRuntime(image_path=utility_vm),
        terminate_on_last_handle_closed=True,
    )


def hosted_container(*, machine: Text, layers: tuple[Layer, ...] | Ref, root: str) -> ComputeSystem:
    """Describe a container in a utility VM that runs.

    Args: layers: as the guest sees them. root: where the guest has combined them.
    Source: microsoft/hcsshim:internal/hcsoci/create.go@7c9ff7f4
    """
    container = Container(
        guest_os=GuestOs(host_name=HOST_NAME), storage=Storage(layers=layers, path=root)
    )
    return ComputeSystem(
        owner=OWNER,
        schema_version=SCHEMA,
        should_terminate_on_last_handle_closed=True,
        hosting_system_id=machine,
        hosted_system=HostedSystem(schema_version=SCHEMA, container=container),
    )


def version_process() -> ProcessParameters:
    r"""Describe the process that says which Windows it runs on.

    Every image of Windows has cmd.exe; ContainerUser is there in nanoserver and in servercore.
    Source: learn.microsoft.com/virtualization/windowscontainers/manage-containers/
    container-base-images
    """
    return ProcessParameters(
        command_line=COMMAND,
        working_directory="C:\\",
        user="ContainerUser",
        create_std_in_pipe=False,
        create_std_out_pipe=True,
        create_std_err_pipe=True,
    )
