"""The event store: its bucket, the stream into it, and the definitions for Athena."""

from ..model import Bucket, Catalogued, Query, Stream, WorkGroup
from ..normal import boolean, integer, statements
from .compute import permissions


def _bucket(model, resource, _):
    properties = resource.properties
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    how = encryption["ServerSideEncryptionByDefault"]
    (owner,) = properties["OwnershipControls"]["Rules"]
    rules = [rule for rule in properties["LifecycleConfiguration"]["Rules"] if rule["Status"] == "Enabled"]
    uploads = [rule["AbortIncompleteMultipartUpload"] for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    model.buckets[properties["BucketName"]] = Bucket(
        encryption=how["SSEAlgorithm"],
        kms_key=how.get("KMSMasterKeyID", ""),
        bucket_key=boolean(encryption.get("BucketKeyEnabled")),
        blocks_public=sorted(name for name, on in properties["PublicAccessBlockConfiguration"].items() if boolean(on)),
        ownership=owner["ObjectOwnership"],
        versioned=properties.get("VersioningConfiguration", {}).get("Status") == "Enabled",
        expires={rule.get("Prefix") or "everything": integer(rule["ExpirationInDays"]) for rule in rules if "ExpirationInDays" in rule},
        abandoned_uploads_days=sum(integer(upload["DaysAfterInitiation"]) for upload in uploads),
    )


def _bucket_policy(model, resource, _):
    properties = resource.properties
    model.bucket_policies[properties["Bucket"]] = statements(properties["PolicyDocument"])


def _stream(model, resource, stack):
    properties = resource.properties
    to = properties["ExtendedS3DestinationConfiguration"]
    processing = to.get("ProcessingConfiguration", {})
    log = to.get("CloudWatchLoggingOptions", {})
    encryption = properties.get("DeliveryStreamEncryptionConfigurationInput", {})
    model.streams[properties["DeliveryStreamName"]] = Stream(
        bucket=to["BucketARN"],
        prefix=to["Prefix"],
        error_prefix=to["ErrorOutputPrefix"],
        seconds=integer(to["BufferingHints"]["IntervalInSeconds"]),
        megabytes=integer(to["BufferingHints"]["SizeInMBs"]),
        compression=to["CompressionFormat"],
        processors=[p["Type"] for p in processing.get("Processors", [])] if boolean(processing.get("Enabled")) else [],
        log=f"{log['LogGroupName']} {log['LogStreamName']}" if boolean(log.get("Enabled")) else "",
        encryption=encryption.get("KeyType", ""),
        kms_key=encryption.get("KeyARN", ""),
    )
    model.iam[properties["DeliveryStreamName"]] = permissions(to["RoleARN"], stack)


def _table(model, resource, _):
    told = resource.properties["TableInput"]
    storage = told["StorageDescriptor"]
    serializer = storage["SerdeInfo"]
    model.catalogue[f"{resource.properties['DatabaseName']}.{told['Name']}"] = Catalogued(
        kind=told["TableType"],
        location=storage["Location"],
        formats=f"{storage['InputFormat']} {storage['OutputFormat']}",
        serializer=serializer["SerializationLibrary"],
        serializer_options=serializer["Parameters"],
        options=told["Parameters"],
        columns={column["Name"]: column["Type"] for column in storage["Columns"]},
        partitions={column["Name"]: column["Type"] for column in told["PartitionKeys"]},
    )


def _work_group(model, resource, _):
    properties = resource.properties
    told = properties["WorkGroupConfiguration"]
    encryption = told["ResultConfiguration"].get("EncryptionConfiguration", {})
    model.work_groups[properties["Name"]] = WorkGroup(
        enforced=boolean(told.get("EnforceWorkGroupConfiguration")),
        most_bytes=integer(told.get("BytesScannedCutoffPerQuery")),
        results=told["ResultConfiguration"]["OutputLocation"],
        encryption=encryption.get("EncryptionOption", ""),
        kms_key=encryption.get("KmsKey", ""),
    )


def _query(model, resource, _):
    properties = resource.properties
    sql = properties["QueryString"].strip()
    model.queries[properties["Name"]] = Query(properties["Database"], properties["WorkGroup"], sql)


def _nothing(*_):
    """Read together with the resources that refer to it."""


READERS = {
    "AWS::Athena::NamedQuery": _query,
    "AWS::Athena::WorkGroup": _work_group,
    "AWS::Glue::Database": _nothing,
    "AWS::Glue::Table": _table,
    "AWS::KinesisFirehose::DeliveryStream": _stream,
    "AWS::Logs::LogStream": _nothing,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
}
