"""The Terraform module can be applied: on moto, every resource that moto knows."""

import json
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

from descriptions import terraform
from descriptions.terraform.variables import FUNCTIONS

#: What moto lacks: a policy that never settles there, and the registry of schemas.
OVERRIDE = """
resource "aws_sqs_queue" "dead_letters" {
  redrive_allow_policy = null
}
resource "aws_schemas_registry" "main" {
  count = 0
}
resource "aws_schemas_schema" "event" {
  for_each      = {}
  registry_name = "left out"
}
"""
PROVIDER = """
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "moto"
  secret_key                  = "moto"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
"""


@pytest.fixture
def moto():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", port],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        try:
            urlopen(url + "/moto-api/data.json", timeout=2).read()
            break
        except OSError:
            time.sleep(0.1)
    yield url
    server.kill()
    server.wait()


def test_the_module_is_applied(module: Path, moto: str, tmp_path: Path):
    folder = terraform.copy(module.parents[1], tmp_path)
    (folder / "moto_override.tf").write_text(OVERRIDE)
    (folder / "moto.tf").write_text(PROVIDER)
    packages = {function: f"{function}.zip" for function in FUNCTIONS}
    for archive in packages.values():
        with zipfile.ZipFile(folder / archive, "w") as file:
            file.writestr("bootstrap", "never run")
    told = {"stage": "e2e", "allow_anonymous": True, "allowed_origins": ["https://app.example.com"], "packages": packages}
    (folder / "terraform.tfvars.json").write_text(json.dumps(told))
    terraform.initialise(folder)
    done = terraform.terraform(folder, "apply", "-auto-approve", "-input=false", "-no-color", AWS_ENDPOINT_URL=moto)
    assert done.returncode == 0, done.stderr
    outputs = json.loads(terraform.terraform(folder, "output", "-json").stdout)
    assert outputs["chatbot_api_url"]["value"].endswith(".amazonaws.com/e2e")
    assert outputs["sessions_table"]["value"] == "chatbot-sessions-e2e"
