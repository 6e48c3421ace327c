"""An update of a stack: a changed parameter publishes new versions of the functions, and deploys the REST API anew.

Whether CloudFormation replaces a resource is read from its schemas: it does if the logical ID or a property that can
only be set at creation changes.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from cases import FULL, OTHER
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samtranslator.model import apigateway

from descriptions import names, sam, serverless
from descriptions.cloudformation.intrinsics import Resolver, Resource

#: Stacks that have every parameter between them.
BASES = (FULL | {"Effort": "none", "Prices": "{}"}, OTHER)
#: Parameters with other values than those of the first base, where it must be one of a few.
CHOICES = {"AuthMode": "NONE", "AuroraMode": "create", "Architecture": "arm64", "LogRetentionDays": "7", "ReplyCache": "off"}
#: Parameters of `osls` whose values are in the text of the template, or decide what the plugin writes.
IN_THE_TEXT = {"AuthMode", "Architecture", "LogRetentionDays", "MemorySize"}


def other(name: str, value: str) -> str:
    """Returns another value of a parameter."""
    return CHOICES.get(name) or {"true": "false", "false": "true"}.get(value, f"{value}1")


#: Each parameter with the stack before and after it was changed. Another stage is another stack.
UPDATES = {
    name: (base, base | {name: other(name, value)})
    for base in reversed(BASES) for name, value in base.items() if name != "Stage"
}


@dataclass
class Stack:
    """A template with its parameters."""

    template: dict[str, Any]
    parameters: dict[str, str]

    def __post_init__(self):
        self.resources = Resolver(self.template, self.parameters).resources()

    def of(self, kind: str) -> list[Resource]:
        """Returns all resources of a type."""
        return [resource for resource in self.resources if resource.kind == kind]

    def functions(self) -> dict[str, dict]:
        """Returns the functions, without what names their versions and code."""
        found = {}
        for function in self.of("AWS::Lambda::Function"):
            kept = {key: value for key, value in function.properties.items() if key not in ("Description", "Code")}
            found[function.properties["FunctionName"]] = kept
        return found

    def versions(self) -> dict[str, Any]:
        """Returns what would replace the version of each function."""
        return {names.last(v.properties["FunctionName"]): fixed(v) for v in self.of("AWS::Lambda::Version")}

    def api(self) -> list[dict]:
        """Returns the definition of the REST API."""
        return [api.properties["Body"] for api in self.of("AWS::ApiGateway::RestApi")]

    def deployments(self) -> list[Any]:
        """Returns what would replace the deployment of the REST API."""
        return list(map(fixed, self.of("AWS::ApiGateway::Deployment")))

    def aliases(self) -> dict[str, Any]:
        """Returns the logical ID of the version that each alias points at, as the template names it."""
        resources = self.template["Resources"].values()
        aliases = [r["Properties"] for r in resources if r["Type"] == "AWS::Lambda::Alias"]
        return {str(alias["FunctionName"]): alias["FunctionVersion"] for alias in aliases}


def only_at_creation(kind: str) -> set[str]:
    """Returns the properties of a type that CloudFormation cannot change."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(names.REGION, kind).schema
    return {pointer.removeprefix("/properties/") for pointer in schema["createOnlyProperties"]}


def fixed(resource: Resource) -> tuple[str, dict]:
    """Returns what would replace a resource if it changed."""
    kept = only_at_creation(resource.kind)
    return resource.logical, {key: value for key, value in resource.properties.items() if key in kept}


def check(before: Stack, after: Stack) -> None:
    """Checks that whatever the update changes is published and deployed."""
    changed = {name for name, function in before.functions().items() if after.functions()[name] != function}
    published = {name for name, version in before.versions().items() if after.versions()[name] != version}
    assert changed <= published
    assert len(after.versions()) == 3
    for version in after.of("AWS::Lambda::Version"):
        assert {"Fn::GetAtt": [version.logical, "Version"]} in after.aliases().values()
        attributes = after.template["Resources"][version.logical]
        assert (attributes["DeletionPolicy"], attributes["UpdateReplacePolicy"]) == ("Retain", "Retain")
    if before.api() != after.api():
        assert before.deployments() != after.deployments()


@pytest.fixture(scope="module")
def expanded(template):
    """Each base, expanded by SAM."""
    return [Stack(sam.expand(template, base), base) for base in BASES]


@pytest.fixture(scope="module")
def packaged(service):
    """Each base, packaged by `osls`."""
    return [Stack(*serverless.package(service, base)) for base in BASES]


def test_every_parameter_is_changed(expanded):
    assert {*UPDATES, "Stage"} == expanded[0].template["Parameters"].keys()


def test_another_content_replaces_the_configuration_which_contains_no_key(expanded):
    (configuration,) = expanded[0].of("AWS::AppConfig::HostedConfigurationVersion")
    assert "Content" in only_at_creation(configuration.kind)
    for name in ("AnthropicApiKey", "OpenAiApiKey"):
        assert expanded[0].parameters[name] not in configuration.properties["Content"]


@pytest.mark.parametrize("name", UPDATES)
def test_sam_publishes_and_deploys_what_a_parameter_changes(name, expanded, template, monkeypatch):
    # SAM names a deployment that is always made anew after the second.
    monkeypatch.setattr(apigateway, "time", SimpleNamespace(time=lambda: 0))
    before, after = UPDATES[name]
    check(expanded[BASES.index(before)], Stack(sam.expand(template, after), after))


@pytest.mark.parametrize("name", UPDATES)
def test_osls_publishes_and_deploys_what_a_parameter_changes(name, packaged, service):
    before, after = UPDATES[name]
    unchanged = packaged[BASES.index(before)]
    if name in IN_THE_TEXT:
        updated = Stack(*serverless.package(service, after))
    else:
        updated = Stack(unchanged.template, unchanged.parameters | {name: after[name]})
    check(unchanged, updated)
