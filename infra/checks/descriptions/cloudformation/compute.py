"""Functions, their event sources, and their permissions."""

from .. import names
from ..model import Function, Mapping
from ..normal import as_list, integer, statements, text


def _function(model, resource, stack):
    properties = resource.properties
    name = properties["FunctionName"]
    alias = _alias_of(name, stack)
    network = properties.get("VpcConfig", {})
    model.functions[name] = Function(
        runtime=properties["Runtime"],
        handler=properties["Handler"],
        architecture=",".join(properties.get("Architectures", ["x86_64"])),
        memory_mb=integer(properties.get("MemorySize"), 128),
        timeout_seconds=integer(properties.get("Timeout"), 3),
        tracing=properties.get("TracingConfig", {}).get("Mode", "PassThrough"),
        log_group=properties.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}"),
        alias=alias.get("Name", ""),
        provisioned=integer(alias.get("ProvisionedConcurrencyConfig", {}).get("ProvisionedConcurrentExecutions")),
        subnets=sorted(as_list(network.get("SubnetIds"))),
        security_groups=sorted(as_list(network.get("SecurityGroupIds"))),
    )
    variables = properties.get("Environment", {}).get("Variables", {})
    # An empty variable counts as unset, so an absent one is equal to it.
    model.environment[name] = {key: text(value) for key, value in variables.items() if text(value) != ""}
    model.iam[name] = permissions(properties["Role"], stack)


def _alias_of(name, stack):
    aliases = [alias.properties for alias in stack.of("AWS::Lambda::Alias")]
    return next((alias for alias in aliases if names.last(alias["FunctionName"]) == name), {})


def permissions(role_arn, stack):
    """Returns the permissions of a role, and who may assume it."""
    roles = stack.of("AWS::IAM::Role")
    role = next(role for role in roles if names.role(role.properties.get("RoleName", role.logical)) == role_arn)
    found = {}
    for policy in role.properties.get("Policies", []):
        found |= statements(policy["PolicyDocument"])
    for policy in stack.of("AWS::IAM::Policy"):
        if role.properties.get("RoleName", role.logical) in policy.properties.get("Roles", []):
            found |= statements(policy.properties["PolicyDocument"])
    for managed in role.properties.get("ManagedPolicyArns", []):
        found[f"managed policy {managed}"] = "Allow"
    for action, effect in statements(role.properties["AssumeRolePolicyDocument"]).items():
        found[f"assumed: {action}"] = effect
    return found


def _policy(model, resource, _):
    properties = resource.properties
    model.policies[properties["ManagedPolicyName"]] = statements(properties["PolicyDocument"])


def _mapping(model, resource, _):
    properties = resource.properties
    concurrency = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
    key = f"{names.last(properties['EventSourceArn'])} → {names.called(properties['FunctionName'])}"
    model.mappings[key] = Mapping(
        batch_size=integer(properties.get("BatchSize"), 10),
        response_types=sorted(properties.get("FunctionResponseTypes", [])),
        max_concurrency=integer(concurrency) if concurrency is not None else None,
        batching_window_seconds=integer(properties.get("MaximumBatchingWindowInSeconds")),
    )


def _permission(model, resource, stack):
    properties = resource.properties
    source = properties.get("SourceArn", "anything")
    rules = {names.arn("events", f"rule/{r.properties.get('Name', r.logical)}"): r for r in stack.of("AWS::Events::Rule")}
    if source in rules:
        if rules[source].properties.get("State", "ENABLED") == "DISABLED":
            return  # a rule that is off elsewhere is not there
        source = "a schedule"
    key = f"{properties['Principal']} from {source} → {names.called(properties['FunctionName'])}"
    model.invokers[key] = True


def _nothing(*_):
    """Read together with the resources that refer to it, or specific to one tool."""


READERS = {
    "AWS::AppConfig::Application": _nothing,
    "AWS::AppConfig::ConfigurationProfile": _nothing,
    "AWS::AppConfig::HostedConfigurationVersion": _nothing,
    "AWS::IAM::ManagedPolicy": _policy,
    "AWS::IAM::Policy": _nothing,
    "AWS::IAM::Role": _nothing,
    "AWS::Lambda::Alias": _nothing,
    "AWS::Lambda::EventSourceMapping": _mapping,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Permission": _permission,
    "AWS::Lambda::Version": _nothing,
}
