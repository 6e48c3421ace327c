"""Queues, the table, secrets and parameters, and the documents' cluster."""

from .. import names
from ..model import Cluster, Queue, Secret, Table
from ..normal import any_document, boolean, integer, number, statements


def _queue(model, resource, state):
    values = resource.values
    redrive = _policy(values, "redrive_policy", "aws_sqs_queue_redrive_policy", state)
    allowed = _policy(values, "redrive_allow_policy", "aws_sqs_queue_redrive_allow_policy", state)
    model.queues[values["name"]] = Queue(
        fifo=boolean(values["fifo_queue"]),
        content_based_deduplication=boolean(values["content_based_deduplication"]),
        deduplication_scope=values["deduplication_scope"] or "",
        throughput_limit=values["fifo_throughput_limit"] or "",
        visibility_seconds=integer(values["visibility_timeout_seconds"], 30),
        retention_seconds=integer(values["message_retention_seconds"], 345600),
        managed_encryption=boolean(values["sqs_managed_sse_enabled"]),
        kms_key=values["kms_master_key_id"] or "",
        dead_letters=names.last(redrive.get("deadLetterTargetArn", "")),
        max_receive_count=integer(redrive.get("maxReceiveCount")),
        redrive_from=sorted(allowed.get("sourceQueueArns", [])),
    )


def _policy(values, own, kind, state):
    """A queue's policy is in the queue, or in a separate resource."""
    apart = [r.values[own] for r in state.having(kind, queue_url=values["id"])]
    # If neither is set, the mock generates a value that is not JSON.
    told = any_document((apart or [values.get(own) or "{}"])[0])
    return told if isinstance(told, dict) else {}


def _queue_policy(model, resource, state):
    name = names.last(resource.values["queue_url"])
    model.queue_policies.setdefault(name, {}).update(statements(state.policy(resource.values["policy"])))


def _table(model, resource, _):
    values = resource.values
    encryption = next(iter(values.get("server_side_encryption") or []), {})
    ttl = next(iter(values.get("ttl") or []), {})
    recovery = next(iter(values.get("point_in_time_recovery") or []), {})
    model.tables[values["name"]] = Table(
        billing=values["billing_mode"] or "PROVISIONED",
        hash_key=values["hash_key"],
        range_key=values["range_key"],
        attributes={a["name"]: a["type"] for a in values["attribute"]},
        indexes={
            index["name"]: f"{index['hash_key']} {index['range_key']} {index['projection_type']}"
            for index in values["global_secondary_index"]
        },
        ttl=ttl["attribute_name"] if boolean(ttl.get("enabled")) else "",
        point_in_time_recovery=boolean(recovery.get("enabled")),
        protected=boolean(values["deletion_protection_enabled"]),
        kms_key=encryption.get("kms_key_arn") or "",
    )


def _secret(model, resource, state):
    values = resource.values
    versions = state.having("aws_secretsmanager_secret_version", secret_id=values["id"])
    initial = any_document(versions[0].values["secret_string"]) if versions else ""
    model.secrets[values["name"]] = Secret(kms_key=values["kms_key_id"] or "", initial=_generated(initial, state))


def _generated(initial, state):
    """A generated value is described by its length, which is defined where it is generated."""
    drawn = {source["random_password"]: source for source in state.data("aws_secretsmanager_random_password")}
    sources = [drawn[value] for value in initial.values() if value in drawn] if isinstance(initial, dict) else []
    if not sources:
        return initial
    told = {name: "…" if value in drawn else value for name, value in initial.items()}
    return {"generated": integer(sources[0]["password_length"], 32), **told}


def _parameter(model, resource, _):
    values = resource.values
    value = values["value"] if values.get("value") is not None else values.get("insecure_value")
    model.parameters[values["name"]] = {"type": values["type"], "value": any_document(value)}


def _cluster(model, resource, state):
    values = resource.values
    (scaling,) = values["serverlessv2_scaling_configuration"]
    model.clusters["documents"] = Cluster(
        engine=values["engine"],
        version=str(values["engine_version"]),
        database=values["database_name"],
        data_api=boolean(values["enable_http_endpoint"]),
        min_capacity=number(scaling["min_capacity"]),
        max_capacity=number(scaling["max_capacity"]),
        seconds_until_pause=integer(scaling.get("seconds_until_auto_pause"), 300),
        encrypted=boolean(values["storage_encrypted"]),
        protected=boolean(values["deletion_protection"]),
        # If no key is set, the mock generates a value that is not an ARN.
        kms_key=values["kms_key_id"] if str(values["kms_key_id"]).startswith("arn:") else "",
        managed_password=boolean(values["manage_master_user_password"]),
        instances=sorted(r.values["instance_class"] for r in state.of("aws_rds_cluster_instance")),
    )


def _endpoint(model, resource, _):
    values = resource.values
    model.endpoints[values["service_name"]] = {
        "kind": values["vpc_endpoint_type"] or "Gateway",
        "network": values["vpc_id"],
        "route_tables": sorted(values["route_table_ids"]),
    }


def _nothing(*_):
    """Read together with the resource that it belongs to."""


READERS = {
    "aws_db_subnet_group": _nothing,
    "aws_dynamodb_table": _table,
    "aws_rds_cluster": _cluster,
    "aws_rds_cluster_instance": _nothing,
    "aws_secretsmanager_secret": _secret,
    "aws_secretsmanager_secret_version": _nothing,
    "aws_security_group": _nothing,
    "aws_sqs_queue": _queue,
    "aws_sqs_queue_policy": _queue_policy,
    "aws_sqs_queue_redrive_allow_policy": _nothing,
    "aws_sqs_queue_redrive_policy": _nothing,
    "aws_ssm_parameter": _parameter,
    "aws_vpc_endpoint": _endpoint,
    "aws_vpc_security_group_egress_rule": _nothing,
}
