"""How the workers wait for each other, before TensorFlow does: there, a wait hears no signal and says nothing.

The chief listens at its address until every other worker has said who it is, then tells all to go on, and leaves
the address to TensorFlow. A worker that has died and was started again, while the others still train, finds
TensorFlow at that address, and waits until the chief comes anew.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time

from tf_gmvae import terminal
from tf_gmvae.errors import InputError
from train.run.tf_config import NAME, Place

HELLO, GO = b"tf-gmvae worker", b"tf-gmvae go\n"
# Seconds between two looks, or two tries.
PAUSE = 0.5
# Seconds after which a wait is worth a line.
PATIENCE = 10.0


def meet(place: Place) -> None:
    """Waits until all workers are there.

    Args:
        place: `Place` of this process.

    Raises:
        InputError: if this process cannot listen at its address.
    """
    with _listening(place) as listener:
        if place.worker == 0:
            _gather(listener, place.workers)
            return
    _come(place.worker, place.chief)


def _listening(place):
    port, both = _port(place.address), socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            ("", port), family=socket.AF_INET6 if both else socket.AF_INET, dualstack_ipv6=both
        )
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InputError(
            f"Worker {place.worker} cannot listen at {place.address} ({reason}): stop what listens there, or give "
            f"all machines another port in {NAME}."
        ) from None


def _gather(listener, workers):
    """On the chief: until all others have come, of whom some may have gone again."""
    began = time.monotonic()
    came: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as stack:
        while len(came) < workers - 1:
            if select.select([listener], [], [], PAUSE)[0]:
                other = stack.enter_context(listener.accept()[0])
                other.settimeout(PAUSE)
                with contextlib.suppress(OSError, ValueError):
                    number = int(_line(other).removeprefix(HELLO))
                    if 0 < number < workers:
                        came[number] = other
            came = {number: other for number, other in came.items() if not _has_gone(other)}
            if began and time.monotonic() - began > PATIENCE and len(came) < workers - 1:
                missing = [str(number) for number in range(1, workers) if number not in came]
                terminal.say(f"Waiting for worker {', '.join(missing)}.")
                began = 0.0  # once is enough
        for other in came.values():
            other.sendall(GO)


def _come(number, chief):
    """On another worker: until the chief says that all are there."""
    host, began = chief.rpartition(":")[0], time.monotonic()
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, _port(chief)), timeout=PAUSE) as link:
            link.sendall(HELLO + b" %d\n" % number)
            while not select.select([link], [], [], PAUSE)[0]:
                pass
            if _line(link) == GO.strip():
                return
        if began and time.monotonic() - began > PATIENCE:
            terminal.say(f"Waiting for the chief at {chief}.")
            began = 0.0
        time.sleep(PAUSE)


def _line(link):
    """What was sent up to the end of a line, or the first that is none of ours."""
    received = b""
    while not received.endswith(b"\n") and len(received) < 64:
        more = link.recv(64)
        if not more:
            break
        received += more
    return received.strip()


def _has_gone(link):
    return bool(select.select([link], [], [], 0)[0])  # it has nothing more to say but that


def _port(address):
    return int(address.rpartition(":")[2])
