"""The three descriptions are the same system."""

import shutil

import pytest
from cases import CASES, SEEDED
from conftest import ROOT
from descriptions import sam, serverless, terraform
from descriptions.diff import differences, report
from seeds import SAM, SERVERLESS, TERRAFORM


@pytest.fixture(scope="module")
def plans(module):
    """The Terraform module, planned."""
    return terraform.plans(module, {**CASES, "seeded": SEEDED})


@pytest.fixture(scope="module")
def evaluated(module, plans):
    """The models of the Terraform module."""
    return terraform.read(module, CASES, plans)


@pytest.fixture(scope="module")
def unedited(template):
    """The template's model for the edits."""
    return sam.parse(template, SEEDED)


@pytest.mark.parametrize("case", CASES)
def test_sam_and_osls_describe_the_same_system(case, template, service):
    models = {"SAM": sam.parse(template, CASES[case]), "osls": serverless.read(service, CASES[case])}
    found = differences(models)
    assert not found, report(found)


@pytest.mark.parametrize("case", CASES)
def test_sam_and_terraform_describe_the_same_system(case, template, evaluated):
    found = differences({"SAM": sam.parse(template, CASES[case]), "Terraform": evaluated[case]})
    assert not found, report(found)


def test_there_are_ten_seeded_edits_at_least_spread_over_the_three():
    assert len(SAM) + len(SERVERLESS) + len(TERRAFORM) >= 10
    assert all((SAM, SERVERLESS, TERRAFORM))


def check(seeds, unedited, edited):
    """Checks that each edit is found where it was made."""
    found = differences({"as it is": unedited, "edited": edited})
    missed = [seed.path for seed in seeds if seed.path not in {difference.path for difference in found}]
    assert not missed, report(found)


@pytest.mark.parametrize("seed", SAM, ids=lambda seed: seed.path)
def test_an_edit_of_the_template_is_found(seed, unedited, tmp_path):
    shutil.copy(ROOT / seed.file, tmp_path)
    seed.plant(tmp_path)
    edited = sam.read(tmp_path / seed.file, SEEDED)
    check([seed], unedited, edited)
    assert len(differences({"as it is": unedited, "edited": edited})) == 1


def test_edits_of_the_serverless_description_are_found(osls, unedited, tmp_path):
    """The edits are made together, because packaging is slow; each must be found."""
    folder = serverless.copy(osls, tmp_path)
    for seed in SERVERLESS:
        seed.plant(tmp_path)
    check(SERVERLESS, unedited, serverless.read(folder, SEEDED))


def test_edits_of_the_terraform_module_are_found(module, plans, unedited, tmp_path):
    """The edits are made together, because evaluation is slow; each must be found.

    None of them makes or renames a resource, so the plan is that of the module as it is.
    """
    shutil.copytree(module.parents[1], tmp_path, symlinks=True, dirs_exist_ok=True)
    for seed in TERRAFORM:
        seed.plant(tmp_path)
    edited = terraform.read(tmp_path / "infra/terraform", {"seeded": SEEDED}, plans)["seeded"]
    check(TERRAFORM, unedited, edited)
