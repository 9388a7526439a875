"""Triton on this machine: the real server from the nvidia-pytriton wheel, in a separate environment."""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import grpc  # type: ignore[import-untyped]  # grpcio ships no types

from deploy import process
from deploy.errors import NoAnswerError, StackError
from deploy.service import Command, Progress, ServiceName
from features.words.item_words import MODEL as WORDS_MODEL
from inference.encoders.model_folder import RUNNER
from inference.encoders.tls import TritonTls

ENVIRONMENT = Path(__file__).parent / "triton" / "environment"
INFERENCE = Path(__file__).parents[1] / "inference"
_Room = Literal["encoders", "words", "gate"]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder of shared memory on Linux


class TritonServer:
    """One Triton that serves a model repository on the CPU with the Python backend."""

    name: ServiceName = "triton"
    port_names = ("grpc", "http", "metrics")
    release: str | None = None

    def __init__(
        self,
        *,
        data: Path,
        tools: Path,
        logs: Path,
        models: Path,
        encoder: str,
        words: bool = True,
        gate: Sequence[str] = (),
        options: Mapping[str, object] = MappingProxyType({}),
        tls: TritonTls | None = None,
    ) -> None:
        """With `words` it serves the text tower too, and of the models of the gate those that are named.

        `options` override the command line's, `tls` is for probes.
        """
        self.data = data
        self._options = options
        self._tls = tls
        self._tools = tools
        self._logs = logs
        self._models = models
        self._encoder = encoder
        self._words = words
        self._gate = tuple(gate)
        self._environment = tools / "triton-env"
        self._backends = tools / "triton-backends"
        # Two servers on one machine must not use or remove the regions of each other.
        self._region = "sightline-" + hashlib.sha256(str(data).encode()).hexdigest()[:12]

    def prepare(self, progress: Progress) -> None:
        """Create the environment, the backend directory and the model repository, each once."""
        self._install(progress)
        self._export(self._encoder, "encoders", progress)
        if self._words:
            self._export(WORDS_MODEL, "words", progress)
        for model in self._gate:
            self._export(model, "gate", progress)

    def _export(self, name: str, room: _Room, progress: Progress) -> None:
        """Export a model of ours where it is missing, or of another release; one from elsewhere stays."""
        folder = self._models / name
        exported = folder / f"exported-{_fingerprint(INFERENCE / room)}"
        if exported.exists() or ((folder / "config.pbtxt").exists() and not list(folder.glob("exported-*"))):
            return
        progress(f"triton: exporting the model '{name}' to {self._models} (once)")
        # Imported here: the export needs torch, which a machine with a model repository does not need.
        try:
            from inference.encoders.export import export_model
            from inference.gate.export import export_gate
            from inference.words.export import export_words
        except ImportError as error:
            raise StackError(
                f"there is no model '{name}' in {self._models}, and its export needs "
                f"the extra 'export' ({error}): run `uv sync --all-extras`, "
                "or set SIGHTLINE_TRITON to a Triton that runs elsewhere"
            ) from error
        shutil.rmtree(folder, ignore_errors=True)
        exports: dict[_Room, Callable[..., Path]] = {
            "encoders": export_model,
            "words": export_words,
            "gate": export_gate,
        }
        exports[room](self._models, name=name)
        exported.touch()

    def command(self, ports: Mapping[str, int]) -> Command:
        """The command line, with one thread for each kind of work, so that it does not overload a small machine."""
        self.data.mkdir(parents=True, exist_ok=True)
        packages = self._packages()
        options = {
            "model-repository": self._models,
            "backend-directory": self._backends,
            "backend-config": f"python,shm-region-prefix-name={self._region}",
            "grpc-address": "127.0.0.1",
            "grpc-port": ports["grpc"],
            "http-address": "127.0.0.1",
            "http-port": ports["http"],
            "http-thread-count": 1,
            "metrics-port": ports["metrics"],
            "model-load-thread-count": 1,
            "exit-timeout-secs": 5,
            "log-format": "ISO8601",
            **self._options,
        }
        libraries = [packages / "nvidia_pytriton.libs", *_python_libraries()]
        return Command(
            [
                str(packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"),
                *(f"--{key}={value}" for key, value in options.items()),
            ],
            {
                "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
                # The stub uses the packages of the first python3 on PATH and ignores PYTHONPATH; with numpy 2 from
                # elsewhere it returns tensors without bytes.
                "PATH": f"{self._environment / 'bin'}:{os.defpath}",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )

    def clean(self) -> None:
        """Remove the shared memory of a server that was killed."""
        for region in self.regions():
            region.unlink(missing_ok=True)

    def regions(self) -> list[Path]:
        """The current shared memory regions of a server with this data folder."""
        return list(SHARED_MEMORY.glob(f"{self._region}*"))

    def address(self, port: int) -> str:
        """The gRPC address, host:port."""
        return f"127.0.0.1:{port}"

    def probe(self, address: str, *, timeout: float) -> str:
        """Ask whether all models are ready, then for the version."""
        try:
            with _channel(address, self._tls) as channel:
                if _ask(channel, "ServerReady", timeout) != b"\x08\x01":  # field 1, a bool: true
                    raise NoAnswerError("it answers, but some of its models are not ready")
                return _string(_ask(channel, "ServerMetadata", timeout), number=2)
        except grpc.RpcError as error:
            reason = f"{error.code().name}: {error.details()}"
            refused = self._tls is not None and "handshake" in reason
            raise NoAnswerError(
                reason, remedy="correct SIGHTLINE_TRITON_CA, _CERT or _KEY" if refused else None
            ) from error
        except (ValueError, IndexError, UnicodeDecodeError) as error:
            raise NoAnswerError(f"what answers there is no Triton ({error})") from error

    def _install(self, progress: Progress) -> None:
        lock = (ENVIRONMENT / "uv.lock").read_bytes() + PYTHON.encode()
        done = self._environment / f"sightline-{hashlib.sha256(lock).hexdigest()[:16]}"
        if done.exists():
            return
        uv = shutil.which("uv") or shutil.which("uv", path=self._tools / "bin")
        if uv is None:
            raise StackError(
                "uv creates the environment of Triton, but there is no `uv` on PATH: run "
                "`bash deploy/bootstrap.sh`, or set SIGHTLINE_TRITON to a Triton that runs elsewhere"
            )
        progress("triton: creating its environment (once, about 150 MB)")
        process.run(
            [uv, "sync", "--frozen", "--python", sys.executable, "--project", str(ENVIRONMENT)],
            what="the creation of the Triton environment with uv",
            log=self._logs / "triton-install.log",
            env={"UV_PROJECT_ENVIRONMENT": str(self._environment)},
        )
        self._assemble_backend()
        done.touch()

    def _assemble_backend(self) -> None:
        """Copy the backend and the stub for its Python into one directory; the wheel has them in two."""
        server = self._packages() / "pytriton" / "tritonserver"
        backend = self._backends / "python"
        shutil.rmtree(backend, ignore_errors=True)
        shutil.copytree(server / "backends" / "python", backend)
        shutil.copy2(server / "python_backend_stubs" / PYTHON / "triton_python_backend_stub", backend)

    def _packages(self) -> Path:
        return self._environment / "lib" / f"python{PYTHON}" / "site-packages"


def newest_version(model: Path) -> Path:
    """The folder of the version that Triton serves of a model: the one with the highest number."""
    return max((each for each in model.iterdir() if each.name.isdigit()), key=lambda each: int(each.name))


def _fingerprint(room: Path) -> str:
    """A digest of the sources of an exported model: models of other releases are exported again, foreign ones kept."""
    parts = ("export.py", "network.py", "projection.npz", "repository/*.*", "look/*.py")
    sources = {RUNNER, *(source for part in parts for source in room.glob(part))}
    return hashlib.sha256(b"".join(source.read_bytes() for source in sorted(sources))).hexdigest()[:16]


def _python_libraries() -> list[Path]:
    """The folder of libpython of this Python, which the stub loads; empty if the loader finds it by itself."""
    library = Path(sys.base_prefix) / "lib"
    return [library] if (library / f"libpython{PYTHON}.so.1.0").exists() else []


def _channel(address: str, tls: TritonTls | None) -> grpc.Channel:
    if tls is None:
        return grpc.insecure_channel(address)
    read = [file and file.read_bytes() for file in (tls.ca_file, tls.key_file, tls.cert_file)]
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(*read))


def _ask(channel: grpc.Channel, method: str, timeout: float) -> bytes:
    """Call a method of the KServe protocol with an empty request; returns the bytes of the response."""
    reply: bytes = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")(b"", timeout=timeout)
    return reply


def _string(message: bytes, *, number: int) -> str:
    """A string field of a protobuf message that holds only short strings."""
    at = 0
    while message[at] != number << 3 | 2:
        at += 2 + message[at + 1]
    return message[at + 2 : at + 2 + message[at + 1]].decode()
