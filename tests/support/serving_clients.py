"""Three ways to ask an exported model that run no code of this package.

Each takes the folder of a version and requests, pairs of a signature's name and its inputs {name: array}, and
returns for each request a dict {name: array}, or a `Refusal`.
"""

import pickle
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

INVALID_ARGUMENT = 3


class Refusal(NamedTuple):
    """An error status."""

    code: int
    message: str


# TensorFlow itself imports Keras in passing; from then on neither it nor anything of ours can be had.
_ALONE = """
import pickle, sys
import tensorflow as tf

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in REFUSED:
            raise ImportError(f"{name} was asked for")

REFUSED = ("tf_gmvae", "layers", "train", "keras", "tf_keras", "tensorflow_probability")
for name in [name for name in sys.modules if name.split(".")[0] in REFUSED]:
    del sys.modules[name]
sys.meta_path.insert(0, Nothing())

signatures = tf.saved_model.load(sys.argv[1]).signatures
answers = []
for name, inputs in pickle.load(sys.stdin.buffer):
    try:
        outputs = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        answers.append({key: value.numpy() for key, value in outputs.items()})
    except tf.errors.OpError as error:
        answers.append((error.error_code, error.message))
assert not [name for name in sys.modules if name.split(".")[0] in REFUSED]
sys.stdout.buffer.write(pickle.dumps(answers))
"""


def alone(folder, requests):
    """TensorFlow in Python, in a process that can import neither this package nor Keras."""
    process = subprocess.run(
        [sys.executable, "-I", "-c", _ALONE, str(folder)],
        input=pickle.dumps(requests), capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr.decode()[-3000:]
    answers = pickle.loads(process.stdout)
    return [answer if isinstance(answer, dict) else Refusal(*answer) for answer in answers]


def signature_defs(folder):
    """The signatures as the file itself states them, {name: SignatureDef}."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((Path(folder) / "saved_model.pb").read_bytes())
    found = dict(saved.meta_graphs[0].signature_def)
    return {name: found[name] for name in found if not name.startswith("__")}


@cache
def _compiled(out):
    include, lib = tf.sysconfig.get_include(), tf.sysconfig.get_lib()
    libraries = [f"{lib}/libtensorflow_cc.so.2", f"{lib}/libtensorflow_framework.so.2"]
    command = [
        "gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(out), str(Path(__file__).with_name("serving.c")),
        f"-I{include}", *libraries, f"-Wl,-rpath,{lib}", "-Wl,--allow-shlib-undefined",
    ]  # fmt: skip
    built = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stderr
    return out


def c_library(folder, requests, program):
    """TensorFlow's C library, as `serving.c` calls it; `program` is where the compiled program lies."""
    defs, data = signature_defs(folder), bytearray()

    def put(*values):
        for value in values:
            if isinstance(value, int):
                data.extend(struct.pack("=q", value))
            else:
                data.extend(struct.pack("=q", len(value)) + value)

    for name, inputs in requests:
        put(len(inputs))
        for key, value in inputs.items():
            array = np.asarray(value)
            put(defs[name].inputs[key].name.encode(), tf.as_dtype(array.dtype).as_datatype_enum)
            put(array.ndim, *array.shape)
            if array.dtype == object:
                put(*array.tolist())
            else:
                data.extend(np.ascontiguousarray(array).tobytes())
        put(len(defs[name].outputs), *(out.name.encode() for out in defs[name].outputs.values()))
    process = subprocess.run(
        [_compiled(program), str(folder)], input=bytes(data), capture_output=True, timeout=300, check=False
    )
    assert process.returncode == 0, process.stderr.decode()[-3000:]
    reader = _Reader(process.stdout)
    answers = []
    for name, _ in requests:
        code = reader.number()
        if code:
            answers.append(Refusal(code, reader.text().decode()))
        else:
            answers.append({key: reader.array() for key in defs[name].outputs})
    assert reader.at == len(process.stdout)
    return answers


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self):
        self.at += 8
        return struct.unpack("=q", self.data[self.at - 8 : self.at])[0]

    def text(self):
        length = self.number()
        self.at += length
        return self.data[self.at - length : self.at]

    def array(self):
        dtype = tf.as_dtype(self.number()).as_numpy_dtype
        shape = [self.number() for _ in range(self.number())]
        if np.dtype(dtype).kind == "O":
            return np.array([self.text() for _ in range(int(np.prod(shape)))], object).reshape(shape)
        return np.frombuffer(self.text(), dtype).reshape(shape)


def answer_message(signatures, request):
    """Answers a `PredictRequest` with a `PredictResponse` from loaded signatures, as a server does."""
    from tensorflow_serving.apis import predict_pb2

    function = signatures[request.model_spec.signature_name or "serving_default"]
    outputs = function(**{key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()})
    response = predict_pb2.PredictResponse()
    response.model_spec.CopyFrom(request.model_spec)
    for key, value in outputs.items():
        response.outputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
    return response


def grpc_server(folder):
    """A gRPC server of `PredictionService.Predict` on a free port of this machine, and that port."""
    from concurrent import futures

    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    signatures = tf.saved_model.load(str(folder)).signatures

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            try:
                return answer_message(signatures, request)
            except tf.errors.InvalidArgumentError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)

    server = grpc.server(futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def grpc_client(port, name, requests):
    """Requests over gRPC to the model `name`."""
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    answers = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for signature, inputs in requests:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = name
            request.model_spec.signature_name = signature
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            try:
                outputs = stub.Predict(request, timeout=60).outputs
                answers.append({key: tf.make_ndarray(value) for key, value in outputs.items()})
            except grpc.RpcError as error:
                answers.append(Refusal(error.code().value[0], error.details()))
    return answers
