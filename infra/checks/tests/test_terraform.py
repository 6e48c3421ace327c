"""The Terraform module is formatted and valid."""

import re

from cases import FULL, OTHER
from conftest import ROOT
from descriptions import terraform
from descriptions.terraform.variables import variables


def test_the_module_is_formatted():
    done = terraform.terraform(ROOT / "infra", "fmt", "-check", "-recursive", "-diff")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_module_is_valid(module):
    done = terraform.terraform(module, "validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_parameter_is_a_variable_of_the_module():
    """Terraform only warns about unknown variables, and the comparison would then use defaults."""
    declared = re.findall(r'^variable "(\w+)"', (ROOT / "infra/terraform/variables.tf").read_text(), re.MULTILINE)
    assert variables(FULL | OTHER).keys() <= set(declared)


def test_one_version_of_terraform_is_named_everywhere():
    (wanted,) = re.findall(r'required_version = ">= ([\d.]+)"', (ROOT / "infra/terraform/versions.tf").read_text())
    for page in ("docs/DEPLOY.md", "infra/terraform/README.md"):
        assert re.findall(r"Terraform ([\d.]+) or later", (ROOT / page).read_text()) == [wanted], page
    (of_ci,) = re.findall(r'terraform_version: "([\d.]+)"', (ROOT / ".github/workflows/ci.yml").read_text())
    assert of_ci.startswith(f"{wanted}.")


def test_what_is_taken_out_of_the_state_exists():
    """`terraform state rm` fails for an address that is not in the state, and then removes nothing."""
    text = "\n".join(file.read_text() for file in (ROOT / "infra/terraform").glob("*.tf"))
    named = re.findall(r"module\.chatbot\.(\w+)\.(\w+)", (ROOT / "docs/DEPLOY.md").read_text())
    assert len(named) == 4
    for kind, name in named:
        assert f'resource "{kind}" "{name}" {{' in text
