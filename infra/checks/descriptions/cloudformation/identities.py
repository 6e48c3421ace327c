"""The values of `Ref` and `GetAtt` for each type of resource, before anything is created."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from .. import names

#: From resolved properties to the value of `Ref` and those of `GetAtt`.
Identity = Callable[[str, dict[str, Any]], tuple[str, dict[str, str]]]


def _named(key: str, arn: Callable[[str], str], *attributes: str) -> Identity:
    """`Ref` is the name, as are the given attributes; `Arn` is derived from it."""

    def identity(logical: str, properties: dict) -> tuple[str, dict[str, str]]:
        name = properties.get(key, logical)
        return name, {"Arn": arn(name), **{attribute: name for attribute in attributes}}

    return identity


def _queue(logical: str, properties: dict) -> tuple[str, dict[str, str]]:
    name = properties["QueueName"]
    return names.queue_url(name), {"Arn": names.queue(name), "QueueName": name}


def _by_arn(key: str, arn: Callable[[str], str]) -> Identity:
    def identity(logical: str, properties: dict) -> tuple[str, dict[str, str]]:
        made = arn(properties.get(key, logical))
        return made, {"Arn": made, "Id": made, "TopicArn": made}

    return identity


def _version(_: str, properties: dict) -> tuple[str, dict[str, str]]:
    return f"{_function(properties['FunctionName'])}:1", {"Version": "1"}


def _alias(_: str, properties: dict) -> tuple[str, dict[str, str]]:
    made = f"{_function(properties['FunctionName'])}:{properties['Name']}"
    return made, {"AliasArn": made}


def _function(name_or_arn: str) -> str:
    return name_or_arn if name_or_arn.startswith("arn:") else names.function(name_or_arn)


def _log_group(logical: str, properties: dict) -> tuple[str, dict[str, str]]:
    name = properties.get("LogGroupName", logical)
    return name, {"Arn": f"{names.log_group(name)}:*"}


def _rest_api(*_: object) -> tuple[str, dict[str, str]]:
    return names.REST_API, {"RootResourceId": "root", "RestApiId": names.REST_API}


def _socket_api(*_: object) -> tuple[str, dict[str, str]]:
    address = f"wss://{names.SOCKET_API}.execute-api.{names.REGION}.{names.SUFFIX}"
    return names.SOCKET_API, {"ApiEndpoint": address, "ApiId": names.SOCKET_API}


def _cluster(logical: str, _: dict) -> tuple[str, dict[str, str]]:
    return logical, {"DBClusterArn": names.cluster("documents")}


def _configuration(_: str, properties: dict) -> tuple[str, dict[str, str]]:
    number = str(zlib.crc32(json.dumps(properties, sort_keys=True).encode()))  # another one for other content
    return number, {"VersionNumber": number}


def _log_stream(logical: str, properties: dict) -> tuple[str, dict[str, str]]:
    return properties.get("LogStreamName", logical), {}


def _database(_: str, properties: dict) -> tuple[str, dict[str, str]]:
    return properties["DatabaseInput"]["Name"], {}


def _registry(_: str, properties: dict) -> tuple[str, dict[str, str]]:
    name = properties["RegistryName"]
    made = names.arn("schemas", f"registry/{name}")
    return made, {"RegistryName": name, "RegistryArn": made}


def _stage(_: str, properties: dict) -> tuple[str, dict[str, str]]:
    return properties["StageName"], {}


IDENTITIES: dict[str, Identity] = {
    "AWS::AppConfig::HostedConfigurationVersion": _configuration,
    "AWS::ApiGateway::RestApi": _rest_api,
    "AWS::ApiGateway::Stage": _stage,
    "AWS::ApiGatewayV2::Api": _socket_api,
    "AWS::ApiGatewayV2::Stage": _stage,
    "AWS::Athena::WorkGroup": _named("Name", lambda name: names.arn("athena", f"workgroup/{name}")),
    "AWS::DynamoDB::Table": _named("TableName", names.table),
    "AWS::EventSchemas::Registry": _registry,
    "AWS::Events::EventBus": _named("Name", names.bus, "Name"),
    "AWS::Events::Rule": _named("Name", lambda name: names.arn("events", f"rule/{name}")),
    "AWS::Glue::Database": _database,
    "AWS::IAM::ManagedPolicy": _by_arn("ManagedPolicyName", names.policy),
    "AWS::IAM::Role": _named("RoleName", names.role),
    "AWS::KinesisFirehose::DeliveryStream": _named("DeliveryStreamName", names.stream),
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::Function": _named("FunctionName", names.function),
    "AWS::Lambda::Version": _version,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Logs::LogStream": _log_stream,
    "AWS::RDS::DBCluster": _cluster,
    "AWS::S3::Bucket": _named("BucketName", names.bucket),
    "AWS::SNS::Topic": _by_arn("TopicName", names.topic),
    "AWS::SQS::Queue": _queue,
    "AWS::SSM::Parameter": _named("Name", names.parameter),
    "AWS::SecretsManager::Secret": _by_arn("Name", names.secret),
    "AWS::WAFv2::WebACL": _named("Name", lambda name: names.arn("wafv2", f"regional/webacl/{name}")),
}


def identity(kind: str, logical: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Returns the values of `Ref` and `GetAtt`; the logical ID if nothing else is known."""
    known = IDENTITIES.get(kind)
    return known(logical, properties) if known else (logical, {})
