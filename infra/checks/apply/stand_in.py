"""A stand-in for AWS that a whole Terraform module can be applied to."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The provider, before the stand-in.
PROVIDER = """
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "example"
  secret_key                  = "example"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
}
"""

#: Resources that the stand-in does not support. The comparison of the descriptions reads them nonetheless.
WITHOUT = """
# moto never returns a redrive allow policy, and the provider waits for it.
resource "aws_sqs_queue" "dead_letters" {
  redrive_allow_policy = null
}

# moto has no schemas.
resource "aws_schemas_registry" "main" {
  count = 0
}
resource "aws_schemas_schema" "event" {
  for_each      = {}
  registry_name = "none"
}
"""


def prepare(module: Path) -> None:
    """Turns a copied module into one that can be applied to the stand-in."""
    (module / "provider.tf").write_text(PROVIDER)
    (module / "moto_override.tf").write_text(WITHOUT)


@contextmanager
def server(log: Path) -> Iterator[str]:
    """Runs the stand-in, and yields its URL."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        child = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            _wait(f"{address}/moto-api/", child)
            yield address
        finally:
            child.terminate()
            child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(address: str, child: subprocess.Popen, seconds: float = 60) -> None:
    """Waits until the stand-in responds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and child.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError("the stand-in for AWS did not start")
