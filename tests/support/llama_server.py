"""The real llama.cpp server, in a process of its own, for as long as a `with` block."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["llama_server"]

_CHILD = """
import json, sys
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = int(sys.argv[2])
params.n_parallel = 1
params.warmup = False
params.hostnames = ["127.0.0.1"]
params.port = 0
server = xllamacpp.Server(params)
print("READY " + json.dumps(server.listening_address), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def llama_server(model: Path, *, context: int = 8192) -> Iterator[str]:
    """Serve a model file, and give the base URL (it ends in `/v1`)."""
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(model), str(context)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("READY "):
                    address = json.loads(line.removeprefix("READY "))
                    yield f"{address.rstrip('/')}/v1"
                    return
            raise RuntimeError("the llama.cpp server did not start")
        finally:
            process.kill()
