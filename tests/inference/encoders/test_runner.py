"""What the runner of a model in Triton's Python backend refuses to load."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from inference.encoders.model_folder import RUNNER


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The file as Triton loads it, beside a package that only Triton has."""
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", ModuleType("triton_python_backend_utils"))
    spec = spec_from_file_location("runner", RUNNER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("encoder", "machine", "flags", "is_refused"),
    [
        ("efficientnet-lite0-int8-0123abcd", "x86_64", "sse2 avx2", True),
        ("efficientnet-lite0-int8-0123abcd", "x86_64", "avx2 avx512_vnni", False),
        ("efficientnet-lite0-int8-0123abcd", "x86_64", "avx2 avx_vnni", False),
        ("efficientnet-lite0-int8-0123abcd", "aarch64", "asimd", False),
        ("efficientnet-lite0", "x86_64", "sse2 avx2", False),
    ],
)
def test_int8_is_refused_where_the_processor_would_find_other_vectors(
    runner: ModuleType,
    tmp_path: Path,
    encoder: str,
    machine: str,
    flags: str,
    is_refused: bool,
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"flags\t\t: {flags}\n")
    parameters = {"encoder": {"string_value": encoder}}
    if is_refused:
        with pytest.raises(RuntimeError, match="no VNNI"):
            runner._check_processor(parameters, machine, cpuinfo)
    else:
        runner._check_processor(parameters, machine, cpuinfo)


def test_a_model_that_names_no_encoder_is_loaded(runner: ModuleType, tmp_path: Path) -> None:
    runner._check_processor({"threads": {"string_value": "1"}}, "x86_64", tmp_path / "not read")
