"""``python -m deploy.local.triton``: become the tritonserver that the nvidia-pytriton package carries.

The server loads its Python backend's stub from beside the backend's library, so both are linked into one folder; the
stub needs the shared libpython of the interpreter it serves. The stub is older than numpy 2 and can neither read nor
send strings through it: it gets ``.venv-triton``, which holds a numpy 1 and sees this environment's packages behind it.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from deploy.local.settings import ROOT, LocalSettings

STUB_PYTHON = ROOT / ".venv-triton"
FILES_MODEL = "pneumonia"
LIBPYTHON = f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"
DEBIAN_LIBRARIES = "/usr/lib/x86_64-linux-gnu"


def _package_dir() -> Path:
    package = find_spec("pytriton")
    if package is None or package.origin is None:
        sys.exit("The nvidia-pytriton package, which carries tritonserver, is not installed: run `make install`.")
    return Path(package.origin).parent


def libpython_dir() -> Path:
    """The folder of the shared libpython that Triton's Python backend needs."""
    for folder in (sysconfig.get_config_var("LIBDIR"), DEBIAN_LIBRARIES, "/usr/lib", "/usr/local/lib"):
        if folder and (Path(folder) / LIBPYTHON).exists():
            return Path(folder)
    sys.exit(f"Triton's Python backend needs {LIBPYTHON}; on Debian: apt install libpython3.11")


def link_backend(backends: Path) -> None:
    """Bring the Python backend and the stub of this Python version together under ``backends/python``."""
    server = _package_dir() / "tritonserver"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python_backend = backends / "python"
    python_backend.mkdir(parents=True, exist_ok=True)
    parts = [path for path in (server / "backends" / "python").iterdir() if path.is_file()]
    for part in [*parts, server / "python_backend_stubs" / version / "triton_python_backend_stub"]:
        link = python_backend / part.name
        link.unlink(missing_ok=True)
        link.symlink_to(part)


def stub_python() -> Path:
    """The folder of the Python that runs the backends: ``.venv-triton``, or where that is absent this environment's."""
    if not (STUB_PYTHON / "bin" / "python3").exists():
        return Path(sys.executable).parent
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(STUB_PYTHON)}))
    (packages / "serving.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return STUB_PYTHON / "bin"


def models(settings: LocalSettings) -> list[str]:
    """What is served: the classifier, and the model of whole files where the repository and the stub can have it."""
    has_files_model = (settings.model_repository / FILES_MODEL).is_dir() and STUB_PYTHON.is_dir()
    return ["pneumonia_classifier", *([FILES_MODEL] if has_files_model else [])]


def command(settings: LocalSettings) -> list[str]:
    """gRPC alone, on loopback; models are loaded by name, so that a publish can load the next version."""
    return [
        str(_package_dir() / "tritonserver" / "bin" / "tritonserver"),
        f"--model-repository={settings.model_repository}",
        f"--model-config-name={settings.model_config_name}",
        f"--backend-directory={settings.local_dir / 'backends'}",
        "--model-control-mode=explicit",
        *(f"--load-model={model}" for model in models(settings)),
        "--grpc-address=127.0.0.1",
        f"--grpc-port={settings.triton_port}",
        "--allow-http=false",
        *_metrics(settings),
        *_traces(settings),
        "--exit-timeout-secs=5",
    ]


def _metrics(settings: LocalSettings) -> list[str]:
    if not settings.triton_metrics_port:
        return ["--allow-metrics=false"]
    return ["--allow-metrics=true", "--metrics-address=127.0.0.1", f"--metrics-port={settings.triton_metrics_port}"]


def _traces(settings: LocalSettings) -> list[str]:
    """Triton's own spans, as part of the trace that a request names; of others none (rate 0)."""
    if not settings.otlp_endpoint:
        return []
    ours = ["mode=opentelemetry", "level=TIMESTAMPS", "rate=0"]
    theirs = [
        f"url={settings.otlp_endpoint.rstrip('/')}/v1/traces",
        "resource=service.name=pneumoserve-triton",
        "bsp_schedule_delay=1000",
    ]
    return [f"--trace-config={word}" for word in ours] + [f"--trace-config=opentelemetry,{word}" for word in theirs]


def environment() -> dict[str, str]:
    """The backend's Python is this one, with this environment's packages."""
    libraries = [
        str(_package_dir().parent / "nvidia_pytriton.libs"),
        str(libpython_dir()),
        os.environ.get("LD_LIBRARY_PATH", ""),
    ]
    path = f"{stub_python()}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, libraries)), "PATH": path}


if __name__ == "__main__":
    local = LocalSettings()
    link_backend(local.local_dir / "backends")
    words = command(local)
    os.execve(words[0], words, environment())  # noqa: S606  (our own words; signals reach the server itself)
