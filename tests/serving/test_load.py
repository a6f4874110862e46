"""An exported model under load: 32 clients of a gRPC server, good and bad requests mixed."""

import os
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

import tf_gmvae

CLIENTS, SECONDS = 32, 300
SERVER = """
import sys
from support import serving_clients
server, port = serving_clients.grpc_server(sys.argv[1])
print(port, flush=True)
sys.stdin.read()
"""


def resident(process):
    """Megabytes."""
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


class Clients:
    """Clients of a server, and what they met with.

    Attributes:
        pictures: numbers of pictures of the requests that were answered, in their order.
        seconds: what each of these took.
        refused: integer, requests that were refused as they should be.
        wrong: what should not have been.
    """

    def __init__(self, port, files, expected):
        self.port, self.files, self.expected = port, files, expected
        self.pictures, self.seconds, self.refused, self.wrong = [], [], 0, []
        self.end = time.monotonic() + SECONDS
        self.threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def _ask(self, number):
        rng = np.random.default_rng(number)
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            while time.monotonic() < self.end:
                if rng.random() < 0.1:
                    self._nonsense(stub)
                else:
                    rows = rng.integers(0, len(self.files), rng.integers(1, 9))
                    self._pictures(stub, rows, rng.random(len(rows)) < 0.2)

    def _pictures(self, stub, rows, broken):
        sent = [self.files[row][: 30 if cut else None] for row, cut in zip(rows, broken, strict=True)]
        began = time.monotonic()
        try:
            answer = stub.Predict(request("cluster_bytes", image_bytes=sent), timeout=60).outputs
        except grpc.RpcError as error:
            self.wrong.append(error)
            return
        self.seconds.append(time.monotonic() - began)
        self.pictures.append(len(rows))
        answered, posterior = (tf.make_ndarray(answer[name]) for name in ("answered", "posterior"))
        expected = np.where(broken[:, None], 0, self.expected[rows])
        if not (np.array_equal(answered, ~broken) and np.allclose(posterior, expected, atol=1e-5)):
            self.wrong.append((rows, broken, answered, posterior))

    def _nonsense(self, stub):
        try:
            stub.Predict(request("cluster", examples=np.full((1, 8, 8, 1), np.nan, "float32")), timeout=60)
            self.wrong.append("NaN was answered")
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
                self.refused += 1
            else:
                self.wrong.append(error)


def request(signature, **inputs):
    made = predict_pb2.PredictRequest()
    made.model_spec.name, made.model_spec.signature_name = "digits", signature
    for name, value in inputs.items():
        made.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return made


@pytest.mark.slow
def test_no_answer_is_wrong_and_latency_and_memory_stay(tmp_path):
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=10, seed=0)
    folder = tf_gmvae.export(model, tmp_path / "digits")
    shades = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), dtype="uint8")
    files = [tf.io.encode_png(image).numpy() for image in shades]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    try:
        port = int(process.stdout.readline())
        clients = Clients(port, files, model.predict(shades.astype("float32") / 255, verbose=0))
        for thread in clients.threads:
            thread.start()
        memory = []
        while any(thread.is_alive() for thread in clients.threads):
            time.sleep(SECONDS / 50)
            memory.append(resident(process.pid))
    finally:
        process.stdin.close()
        process.wait(30)
    part = len(clients.seconds) // 5
    early, late = (np.percentile(some, 95) for some in (clients.seconds[part : 2 * part], clients.seconds[-part:]))
    before, after = memory[len(memory) // 5], memory[-2]
    print(
        f"{len(clients.pictures)} requests of {sum(clients.pictures)} pictures, {clients.refused} refused; 95 % "
        f"within {early:.3f}, at the end {late:.3f} s; {before:.0f} MB, at the end {after:.0f} MB"
    )
    assert not clients.wrong, clients.wrong[:3]
    assert len(clients.pictures) > 10 * SECONDS and clients.refused > SECONDS
    assert late < 1.5 * early
    assert after < 1.05 * before
