"""Machine code of generated LLVM IR: compiled once, kept on disk under a digest of its source and of the processor.

The directory is $SOLVENT_CACHE, else $XDG_CACHE_HOME/solvent, else ~/.cache/solvent. Calls release the GIL.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

_OPTIMIZATION = 2
_engines: dict[str, Any] = {}  # by digest; an engine owns the code of its function
_lock = threading.Lock()


def cache_directory() -> Path:
    """Where object code is kept."""
    if override := os.environ.get("SOLVENT_CACHE"):
        return Path(override)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "solvent"


def load_function(name: str, arguments: int, source: str, emit: Callable[[], str]) -> Callable[..., None]:
    """The function `name` of the IR module emit(), of `arguments` 64-bit arguments (addresses, integers) and no result.

    source must determine what emit() returns: the code is found again by its digest, without emitting the IR, which
    takes as long as compiling it.
    """
    processor = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    version = f"llvmlite {llvmlite.__version__} -O{_OPTIMIZATION}"
    digest = hashlib.sha256("\n".join([version, processor, source]).encode()).hexdigest()
    with _lock:
        if digest not in _engines:
            _engines[digest] = _engine(emit, cache_directory() / f"{digest}.o")
        address = _engines[digest].get_function_address(name)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * arguments)(address)


def _engine(emit: Callable[[], str], path: Path) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=_OPTIMIZATION
    )
    code = _read(path)
    if code is None:
        code = machine.emit_object(llvm.parse_assembly(emit()))
        _write(path, code)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def _read(path: Path) -> bytes | None:
    """The object code in a file, checked against the digest before it; None if there is none or it was damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    code = data[hashlib.sha256().digest_size :]
    return code if hashlib.sha256(code).digest() + code == data else None


def _write(path: Path, code: bytes) -> None:
    """Atomically, and only as far as the disk allows: without the file the code is compiled again next time."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as directory:
            temporary = Path(directory) / path.name
            temporary.write_bytes(hashlib.sha256(code).digest() + code)
            temporary.replace(path)
    except OSError:
        return
