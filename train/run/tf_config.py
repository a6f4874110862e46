"""What TF_CONFIG, the variable by which TensorFlow's workers know each other, says of this process."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tf_gmvae.errors import InputError

NAME = "TF_CONFIG"
# As a mend shows it.
FORM = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
JOBS = ("chief", "worker")


class Place(NamedTuple):
    """The place of a process among the workers.

    Attributes:
        worker: integer, its number; 0 is the chief.
        workers: integer, how many there are.
        address: text, host and port at which it listens.
        chief: text, those of the chief.
    """

    worker: int
    workers: int
    address: str
    chief: str


def read(text: str | None) -> Place | None:
    """The place of this process.

    Args:
        text: value of the variable, or None where it is not set.

    Returns:
        `Place`, or None where the variable is not set, or is empty.

    Raises:
        InputError: naming what is wrong with it.
    """
    if not (text or "").strip():
        return None
    try:
        config = json.loads(text or "")
    except ValueError as error:
        raise _fault(f"is no JSON ({error})") from None
    cluster = _part(config, "cluster", dict)
    for job in cluster:
        if job not in JOBS:
            raise InputError(
                f"{NAME} names the job {job!r}: name the machines as 'worker', and at most one as 'chief'."
            )
    addresses = [(job, index, host) for job in JOBS for index, host in enumerate(_hosts(cluster, job))]
    task = _part(config, "task", dict)
    job, index = task.get("type"), task.get("index")
    if isinstance(index, str) and index.isdigit():  # a scheduler's variable, within quotes
        index = int(index)
    for number, (of_job, of_index, host) in enumerate(addresses):
        if (job, index) == (of_job, of_index) and not isinstance(index, bool):
            return Place(number, len(addresses), host, addresses[0][2])
    known = ", ".join(f"{of_job} {of_index}" for of_job, of_index, _ in addresses)
    raise InputError(
        f"{NAME} says that this is {job} {index}, but its cluster has {known or 'nobody'}: "
        'let "task" have the type and the index, from 0 on, of one of them.'
    )


def _part(config: Any, name: str, kind: type) -> Any:
    part = config.get(name) if isinstance(config, dict) else None
    if not isinstance(part, kind):
        raise _fault(f'has no "{name}"')
    return part


def _hosts(cluster: dict[str, Any], job: str) -> list[str]:
    hosts = cluster.get(job, [])
    if not isinstance(hosts, list):
        raise _fault(f'has no list of addresses as "{job}"')
    for host in hosts:
        name, colon, port = host.rpartition(":") if isinstance(host, str) else ("", "", "")
        if not (name and colon and port.isdigit() and 0 < int(port) < 65536):
            raise InputError(f"{NAME} has the address {host!r}: write host and port, as host1:2222.")
    if twice := sorted({host for host in hosts if hosts.count(host) > 1}):
        raise InputError(f"{NAME} has the address {twice[0]!r} twice: give each worker its own.")
    if job == "chief" and len(hosts) > 1:
        raise InputError(f"{NAME} has {len(hosts)} chiefs: name one of them, and the others as 'worker'.")
    return hosts


def _fault(what):
    return InputError(f"{NAME} {what}: write it as {FORM}.")
