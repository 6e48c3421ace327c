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
