"""Parameters that contradict each other are rejected by all three descriptions, before anything is created."""

import json
import shutil
import subprocess

import pytest
from cases import CASES, FULL, OTHER, PLAIN
from conftest import ROOT

from descriptions import sam, terraform
from descriptions.cloudformation.intrinsics import Resolver
from descriptions.terraform.variables import variables

#: Contradictions, and the parameter that the error must name first.
BROKEN = {
    "AllowAnonymous, no budget": (PLAIN | {"DailyBudgetUsd": ""}, "DailyBudgetUsd"),
    "AllowAnonymous, AWS_IAM": (PLAIN | {"AuthMode": "AWS_IAM"}, "AllowAnonymous"),
    "JWT, no issuer": (OTHER | {"JwtIssuer": ""}, "JwtIssuer"),
    "JWT, no audience": (OTHER | {"JwtAudience": ""}, "JwtAudience"),
    "redis, no URL": (PLAIN | {"ReplyCache": "redis"}, "ReplyCacheUrl"),
    "existing, no cluster": (FULL | {"AuroraClusterArn": ""}, "AuroraClusterArn"),
    "existing, no login": (FULL | {"AuroraSecretArn": ""}, "AuroraSecretArn"),
    "create, no VPC": (OTHER | {"AuroraVpcId": ""}, "AuroraVpcId"),
    "create, no subnets": (OTHER | {"AuroraSubnetIds": ""}, "AuroraSubnetIds"),
    "domain, no certificate": (PLAIN | {"CustomDomainName": "a.example.com"}, "CertificateArn"),
    "WebSocket domain, no certificate": (PLAIN | {"WebSocketDomainName": "a.example.com"}, "CertificateArn"),
    "one domain for both": (OTHER | {"WebSocketDomainName": OTHER["CustomDomainName"]}, "WebSocketDomainName"),
    "subnets, no group": (FULL | {"VpcSecurityGroupIds": ""}, "VpcSecurityGroupIds"),
    "group, no subnets": (FULL | {"VpcSubnetIds": ""}, "VpcSubnetIds"),
    "endpoint, no route tables": (FULL | {"VpcRouteTableIds": ""}, "VpcRouteTableIds"),
    "a rate that no firewall can limit": (PLAIN | {"RateAddressPer5Minutes": "9"}, "RateAddressPer5Minutes"),
}
GOOD = CASES | {
    "no limit": PLAIN | {"RateAddressPer5Minutes": "0"},
    "a low rate without a firewall": PLAIN | {"RateAddressPer5Minutes": "9", "Waf": "false"},
}
#: What the parameters of the VPC are called for `osls`.
OF_OSLS = {"VpcSubnetIds": "PRIVATE_SUBNET_1", "VpcSecurityGroupIds": "DB_SECURITY_GROUP"}
#: Reads sets of parameters from standard input, and writes what is wrong with each.
PROBE = """
const { brokenRule } = require("./chatbot.js");
const sets = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(sets.map((parameters) => brokenRule(parameters) ?? "")));
"""


@pytest.fixture(scope="module")
def expanded(template):
    """The template, expanded by SAM."""
    return sam.expand(template, PLAIN)


@pytest.fixture(scope="module")
def of_osls(expanded):
    """What the plugin for `osls` says about each set of parameters."""
    sets = {name: told[0] for name, told in BROKEN.items()} | GOOD
    defaults = {name: str(about.get("Default", "")) for name, about in expanded["Parameters"].items()}
    # serverless.yml joins two variables of the environment.
    given = [defaults | parameters | {"VpcSubnetIds": parameters.get("VpcSubnetIds") or ","} for parameters in sets.values()]
    done = subprocess.run(
        ["node", "-e", PROBE], cwd=ROOT / "infra/serverless", input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return dict(zip(sets, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="module")
def only_variables(tmp_path_factory):
    """The variables of the Terraform module, without its resources, so that no provider is needed."""
    folder = tmp_path_factory.mktemp("variables")
    shutil.copy(ROOT / "infra/terraform/variables.tf", folder)
    assert terraform.terraform(folder, "init", "-input=false").returncode == 0
    return folder


def plan(folder, parameters):
    """Plans the variables with the given parameters; an empty one is left out, as it is in Terraform."""
    given = variables({name: value for name, value in parameters.items() if value != ""})
    if parameters.get("DailyBudgetUsd") == "":
        given["daily_budget_usd"] = None
    (folder / "terraform.tfvars.json").write_text(json.dumps(given))
    return terraform.terraform(folder, "plan", "-input=false", "-no-color")


@pytest.mark.parametrize("name", BROKEN)
def test_a_contradiction_is_rejected_by_all_three(name, expanded, of_osls, only_variables):
    parameters, wrong = BROKEN[name]
    (of_sam,) = Resolver(expanded, parameters).broken_rules()
    assert of_sam.startswith(f"{wrong} must ")
    spoken = OF_OSLS.get(wrong, wrong[0].lower() + wrong[1:])
    assert of_osls[name].startswith(f"{spoken} must ")
    planned = plan(only_variables, parameters)
    (variable,) = (told for told in variables({wrong: ""}) if told != "packages")
    assert planned.returncode == 1
    assert f"{variable} must " in " ".join(planned.stderr.replace("│", " ").split())


@pytest.mark.parametrize("name", GOOD)
def test_what_fits_together_is_accepted_by_all_three(name, expanded, of_osls, only_variables):
    assert Resolver(expanded, GOOD[name]).broken_rules() == []
    assert of_osls[name] == ""
    planned = plan(only_variables, GOOD[name])
    assert planned.returncode == 0, planned.stderr
