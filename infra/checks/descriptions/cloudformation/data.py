"""Queues, the table, secrets and parameters, and the documents' cluster."""

from .. import names
from ..model import Cluster, Queue, Secret, Table
from ..normal import any_document, boolean, document, integer, number, statements


def _queue(model, resource, _):
    properties = resource.properties
    redrive = document(properties.get("RedrivePolicy", {}))
    allowed = document(properties.get("RedriveAllowPolicy", {}))
    model.queues[properties["QueueName"]] = Queue(
        fifo=boolean(properties.get("FifoQueue")),
        content_based_deduplication=boolean(properties.get("ContentBasedDeduplication")),
        deduplication_scope=properties.get("DeduplicationScope", ""),
        throughput_limit=properties.get("FifoThroughputLimit", ""),
        visibility_seconds=integer(properties.get("VisibilityTimeout"), 30),
        retention_seconds=integer(properties.get("MessageRetentionPeriod"), 345600),
        managed_encryption=boolean(properties.get("SqsManagedSseEnabled")),
        kms_key=properties.get("KmsMasterKeyId", ""),
        dead_letters=names.last(redrive.get("deadLetterTargetArn", "")),
        max_receive_count=integer(redrive.get("maxReceiveCount")),
        redrive_from=sorted(allowed.get("sourceQueueArns", [])),
    )


def _queue_policy(model, resource, _):
    document = resource.properties["PolicyDocument"]
    for statement in document["Statement"]:
        named = statement["Resource"]
        if isinstance(named, list) and len(named) != 1:
            raise ValueError(f"SQS accepts one queue a policy statement, not {len(named)}: give each queue its own policy")
    for url in resource.properties["Queues"]:
        name = names.last(url)
        own = {key: effect for key, effect in statements(document).items() if key.endswith((f" on {names.queue(name)}", " on *"))}
        model.queue_policies.setdefault(name, {}).update(own)


def _table(model, resource, _):
    properties = resource.properties
    keys = _keys(properties["KeySchema"])
    encryption = properties.get("SSESpecification", {})
    ttl = properties.get("TimeToLiveSpecification", {})
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    model.tables[properties["TableName"]] = Table(
        billing=properties.get("BillingMode", "PROVISIONED"),
        hash_key=keys["HASH"],
        range_key=keys["RANGE"],
        attributes={a["AttributeName"]: a["AttributeType"] for a in properties["AttributeDefinitions"]},
        indexes={index["IndexName"]: _index(index) for index in properties.get("GlobalSecondaryIndexes", [])},
        ttl=ttl["AttributeName"] if boolean(ttl.get("Enabled")) else "",
        point_in_time_recovery=boolean(recovery.get("PointInTimeRecoveryEnabled")),
        protected=boolean(properties.get("DeletionProtectionEnabled")),
        kms_key=encryption.get("KMSMasterKeyId", ""),
    )


def _keys(schema):
    return {key["KeyType"]: key["AttributeName"] for key in schema}


def _index(index):
    keys = _keys(index["KeySchema"])
    return f"{keys['HASH']} {keys['RANGE']} {index['Projection']['ProjectionType']}"


def _secret(model, resource, _):
    properties = resource.properties
    generated = properties.get("GenerateSecretString")
    template = {**document(generated["SecretStringTemplate"]), generated["GenerateStringKey"]: "…"} if generated else None
    length = integer(generated["PasswordLength"], 32) if generated else 0
    initial = {"generated": length, **template} if template else any_document(properties.get("SecretString", ""))
    model.secrets[properties["Name"]] = Secret(kms_key=properties.get("KmsKeyId", ""), initial=initial)


def _parameter(model, resource, _):
    properties = resource.properties
    model.parameters[properties["Name"]] = {"type": properties["Type"], "value": any_document(properties["Value"])}


def _cluster(model, resource, stack):
    properties = resource.properties
    scaling = properties["ServerlessV2ScalingConfiguration"]
    instances = [instance.properties for instance in stack.of("AWS::RDS::DBInstance")]
    model.clusters["documents"] = Cluster(
        engine=properties["Engine"],
        version=str(properties["EngineVersion"]),
        database=properties["DatabaseName"],
        data_api=boolean(properties.get("EnableHttpEndpoint")),
        min_capacity=number(scaling["MinCapacity"]),
        max_capacity=number(scaling["MaxCapacity"]),
        seconds_until_pause=integer(scaling.get("SecondsUntilAutoPause"), 300),
        encrypted=boolean(properties.get("StorageEncrypted")),
        protected=boolean(properties.get("DeletionProtection")),
        kms_key=properties.get("KmsKeyId", ""),
        managed_password=boolean(properties.get("ManageMasterUserPassword")),
        instances=sorted(instance["DBInstanceClass"] for instance in instances),
    )


def _endpoint(model, resource, _):
    properties = resource.properties
    model.endpoints[properties["ServiceName"]] = {
        "kind": properties["VpcEndpointType"],
        "network": properties["VpcId"],
        "route_tables": sorted(properties["RouteTableIds"]),
    }


def _nothing(*_):
    """Read together with the cluster."""


READERS = {
    "AWS::DynamoDB::Table": _table,
    "AWS::EC2::SecurityGroup": _nothing,
    "AWS::EC2::VPCEndpoint": _endpoint,
    "AWS::RDS::DBCluster": _cluster,
    "AWS::RDS::DBInstance": _nothing,
    "AWS::RDS::DBSubnetGroup": _nothing,
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::SSM::Parameter": _parameter,
    "AWS::SecretsManager::Secret": _secret,
}
