"""Functions, their event sources, and their permissions."""

from .. import names
from ..model import Function, Mapping
from ..normal import as_list, integer, statements, text


def _function(model, resource, state):
    values = resource.values
    name = values["function_name"]
    alias = _first(r.values for r in state.of("aws_lambda_alias") if names.last(r.values["function_name"]) == name)
    provisioned = _first(
        r.values for r in state.of("aws_lambda_provisioned_concurrency_config") if names.last(r.values["function_name"]) == name
    )
    network = _first(values.get("vpc_config") or [])
    model.functions[name] = Function(
        runtime=values["runtime"],
        handler=values["handler"],
        architecture=",".join(values["architectures"] or ["x86_64"]),
        memory_mb=integer(values["memory_size"], 128),
        timeout_seconds=integer(values["timeout"], 3),
        tracing=_first(values.get("tracing_config") or []).get("mode", "PassThrough"),
        log_group=_first(values.get("logging_config") or []).get("log_group") or f"/aws/lambda/{name}",
        alias=alias.get("name", ""),
        provisioned=integer(provisioned.get("provisioned_concurrent_executions")),
        subnets=sorted(as_list(network.get("subnet_ids"))),
        security_groups=sorted(as_list(network.get("security_group_ids"))),
    )
    variables = _first(values.get("environment") or []).get("variables", {})
    model.environment[name] = {key: text(value) for key, value in variables.items() if text(value) != ""}
    model.iam[name] = permissions(values["role"], state)


def _first(found):
    return next(iter(found), {})


def permissions(role_arn, state):
    """Returns the permissions of a role, and who may assume it."""
    role = next(r.values for r in state.of("aws_iam_role") if r.values["arn"] == role_arn)
    found = {}
    for policy in state.of("aws_iam_role_policy"):
        if policy.values["role"] in (role["name"], role["arn"]):
            found |= statements(state.policy(policy.values["policy"]))
    for policy in role.get("inline_policy") or []:
        if policy.get("policy"):
            found |= statements(state.policy(policy["policy"]))
    for attached in state.of("aws_iam_role_policy_attachment"):
        if attached.values["role"] == role["name"]:
            found[f"managed policy {attached.values['policy_arn']}"] = "Allow"
    for action, effect in statements(state.policy(role["assume_role_policy"])).items():
        found[f"assumed: {action}"] = effect
    return found


def _policy(model, resource, state):
    values = resource.values
    model.policies[values["name"]] = statements(state.policy(values["policy"]))


def _mapping(model, resource, _):
    values = resource.values
    scaling = _first(values.get("scaling_config") or [])
    concurrency = scaling.get("maximum_concurrency")
    key = f"{names.last(values['event_source_arn'])} → {names.called(values['function_name'])}"
    model.mappings[key] = Mapping(
        batch_size=integer(values["batch_size"], 10),
        response_types=sorted(values["function_response_types"] or []),
        max_concurrency=integer(concurrency) if concurrency else None,
        batching_window_seconds=integer(values["maximum_batching_window_in_seconds"]),
    )


def _permission(model, resource, state):
    values = resource.values
    source = values.get("source_arn") or "anything"
    rules = {rule.values["arn"]: rule.values for rule in state.of("aws_cloudwatch_event_rule")}
    if source in rules:
        if rules[source]["state"] == "DISABLED":
            return  # a rule that is off elsewhere is not there
        source = "a schedule"
    qualifier = f":{values['qualifier']}" if values.get("qualifier") else ""
    function = names.called(values["function_name"])
    model.invokers[f"{values['principal']} from {source} → {function}{qualifier}"] = True


def _nothing(*_):
    """Read together with the resources that refer to it, or specific to one tool."""


READERS = {
    "aws_iam_policy": _policy,
    "aws_iam_role": _nothing,
    "aws_iam_role_policy": _nothing,
    "aws_iam_role_policy_attachment": _nothing,
    "aws_lambda_alias": _nothing,
    "aws_lambda_event_source_mapping": _mapping,
    "aws_lambda_function": _function,
    "aws_lambda_permission": _permission,
    "aws_lambda_provisioned_concurrency_config": _nothing,
}
