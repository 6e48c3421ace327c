"""The functions as they are deployed by default, for arm64: built, and chatted with under an emulator.

It takes minutes of processor time, and so is a part of `cargo xtask soak`, not of the tests. It needs the Rust target
`aarch64-unknown-linux-gnu`, and from Debian `qemu-user` and `libc6-arm64-cross`; Zig comes with the Python packages.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "infra/e2e"), str(ROOT / "infra/e2e/tests")]

from client import Person  # noqa: E402
from harness.deployment import Deployment, Moto  # noqa: E402
from provider import Provider  # noqa: E402

FUNCTIONS = ("ingress", "worker", "notifier")
TARGET = "aarch64-unknown-linux-gnu"
#: The emulated system's libraries.
LIBRARIES = Path("/usr/aarch64-linux-gnu")
EMULATOR = shutil.which("qemu-aarch64")
#: `EM_AARCH64`, and where an ELF file says for which machine it is.
MACHINE, AT = 0xB7, 18


def missing() -> str:
    """Returns what this machine lacks."""
    targets = subprocess.run(["rustup", "target", "list", "--installed"], cwd=ROOT, capture_output=True, text=True, check=False)
    if TARGET not in targets.stdout.split():
        return f"no Rust target: rustup target add {TARGET}"
    if EMULATOR is None or not LIBRARIES.exists():
        return "no emulator: apt-get install qemu-user libc6-arm64-cross"
    return ""


@pytest.fixture(scope="module")
def built() -> Path:
    """The folder of the functions, built as DEPLOY.md says."""
    if lacks := missing():
        pytest.skip(lacks)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    packages = [word for function in FUNCTIONS for word in ("-p", function)]
    subprocess.run(["cargo", "lambda", "build", "--release", "--arm64", *packages], cwd=ROOT, env=environment, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "lambda"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_built_for_arm64(function, built):
    header = (built / function / "bootstrap").read_bytes()[: AT + 2]
    assert header[:4] == b"\x7fELF"
    assert int.from_bytes(header[AT:], "little") == MACHINE


async def test_a_chat_runs_on_arm64(built, tmp_path, monkeypatch):
    for function in FUNCTIONS:
        program = tmp_path / function
        program.write_text(f'#!/bin/sh\nexec {EMULATOR} -L {LIBRARIES} {built / function / "bootstrap"}\n')
        program.chmod(0o755)
    monkeypatch.setenv("CHATBOT_PROGRAMS", str(tmp_path))
    moto = Moto()
    try:
        async with Provider() as provider:
            urls = {"AnthropicBaseUrl": provider.url, "OpenAiBaseUrl": provider.url + "/v1", "AnthropicApiKey": "key-of-claude"}
            async with Deployment(moto, urls) as deployment, Person(deployment) as ann:
                await ann.begin()
                message = await ann.say("What is in period 3?")
                assert (await ann.final(message))["result"]["text"] == provider.reply
    finally:
        moto.stop()
