"""The attributes that the provider would generate for each type of resource."""

import json
from collections.abc import Callable
from typing import Any

from .. import names

#: From the address and the planned values to the attributes.
Identity = Callable[[str, dict[str, Any]], dict[str, str]]


def _by(key: str, arn: Callable[[str], str], identifier: Callable[[str], str] | None = None) -> Identity:
    """The ARN is derived from a name; the ID is the ARN by default."""

    def identity(address: str, values: dict[str, Any]) -> dict[str, str]:
        name = values.get(key) or address
        return {"arn": arn(name), "id": (identifier or arn)(name)}

    return identity


def _itself(name: str) -> str:
    return name


def _queue(_: str, values: dict[str, Any]) -> dict[str, str]:
    url = names.queue_url(values["name"])
    return {"arn": names.queue(values["name"]), "id": url, "url": url}


def _function(_: str, values: dict[str, Any]) -> dict[str, str]:
    arn = names.function(values["function_name"])
    return {
        "arn": arn,
        "id": values["function_name"],
        "version": "1",
        "qualified_arn": f"{arn}:1",
        "invoke_arn": names.invocation(arn),
    }


def _alias(_: str, values: dict[str, Any]) -> dict[str, str]:
    arn = names.function(f"{names.last(values['function_name'])}:{values['name']}")
    return {"arn": arn, "id": arn, "invoke_arn": names.invocation(arn)}


def _rest_api(*_: object) -> dict[str, str]:
    arn = names.arn("execute-api", names.REST_API)
    return {"id": names.REST_API, "root_resource_id": "root", "execution_arn": arn, "arn": arn}


def _rest_stage(_: str, values: dict[str, Any]) -> dict[str, str]:
    stage = values["stage_name"]
    host = f"{names.REST_API}.execute-api.{names.REGION}.{names.SUFFIX}"
    return {
        "arn": names.rest_stage(stage),
        "id": stage,
        "invoke_url": f"https://{host}/{stage}",
        "execution_arn": names.arn("execute-api", f"{names.REST_API}/{stage}"),
    }


def _socket_api(*_: object) -> dict[str, str]:
    host = f"{names.SOCKET_API}.execute-api.{names.REGION}.{names.SUFFIX}"
    arn = names.arn("execute-api", names.SOCKET_API)
    return {"id": names.SOCKET_API, "api_endpoint": f"wss://{host}", "execution_arn": arn, "arn": arn}


def _socket_stage(_: str, values: dict[str, Any]) -> dict[str, str]:
    stage = values["name"]
    host = f"{names.SOCKET_API}.execute-api.{names.REGION}.{names.SUFFIX}"
    return {
        "id": stage,
        "invoke_url": f"wss://{host}/{stage}",
        "execution_arn": names.arn("execute-api", f"{names.SOCKET_API}/{stage}"),
    }


def _document(address: str, _: dict[str, Any]) -> dict[str, str]:
    """A policy that names its source; `policies.py` replaces it with the document."""
    return {"json": json.dumps({"Id": address, "Version": "2012-10-17", "Statement": []})}


def _drawn(address: str, _: dict[str, Any]) -> dict[str, str]:
    return {"random_password": f"drawn by {address}"}


def _cluster(address: str, _: dict[str, Any]) -> dict[str, str]:
    return {"arn": names.cluster("documents"), "id": address}


def _by_address(address: str, _: dict[str, Any]) -> dict[str, str]:
    return {"id": address}


IDENTITIES: dict[str, Identity] = {
    "aws_api_gateway_resource": _by_address,
    "aws_api_gateway_rest_api": _rest_api,
    "aws_api_gateway_stage": _rest_stage,
    "aws_apigatewayv2_api": _socket_api,
    "aws_apigatewayv2_authorizer": _by_address,
    "aws_apigatewayv2_integration": _by_address,
    "aws_apigatewayv2_route": _by_address,
    "aws_apigatewayv2_stage": _socket_stage,
    "aws_cloudwatch_event_bus": _by("name", names.bus, _itself),
    "aws_cloudwatch_event_rule": _by("name", lambda name: names.arn("events", f"rule/{name}"), _itself),
    "aws_cloudwatch_log_group": _by("name", names.log_group, _itself),
    "aws_dynamodb_table": _by("name", names.table, _itself),
    "aws_iam_policy": _by("name", names.policy),
    "aws_iam_policy_document": _document,
    "aws_iam_role": _by("name", names.role, _itself),
    "aws_kinesis_firehose_delivery_stream": _by("name", names.stream),
    "aws_lambda_alias": _alias,
    "aws_lambda_function": _function,
    "aws_rds_cluster": _cluster,
    "aws_s3_bucket": _by("bucket", names.bucket, _itself),
    "aws_schemas_registry": _by("name", lambda name: names.arn("schemas", f"registry/{name}"), _itself),
    "aws_secretsmanager_random_password": _drawn,
    "aws_secretsmanager_secret": _by("name", names.secret),
    "aws_sns_topic": _by("name", names.topic),
    "aws_sqs_queue": _queue,
    "aws_ssm_parameter": _by("name", names.parameter, _itself),
    "aws_wafv2_web_acl": _by("name", lambda name: names.arn("wafv2", f"regional/webacl/{name}")),
}


def identity(kind: str, address: str, values: dict[str, Any]) -> dict[str, str]:
    """Returns the attributes that the provider would generate; nothing for types that nothing refers to."""
    known = IDENTITIES.get(kind)
    return known(address, values) if known else {}
