"""The event store: its bucket, the stream into it, and the definitions for Athena."""

from ..model import Bucket, Catalogued, Query, Stream, WorkGroup
from ..normal import boolean, integer, statements
from .compute import permissions

#: The public access block of a bucket, in CloudFormation's spelling.
BLOCKS = {
    "block_public_acls": "BlockPublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "ignore_public_acls": "IgnorePublicAcls",
    "restrict_public_buckets": "RestrictPublicBuckets",
}


def _bucket(model, resource, state):
    name = resource.values["bucket"]

    def of(kind):
        found = state.having(f"aws_s3_bucket_{kind}", bucket=name)
        return found[0].values if found else {}

    (encryption,) = of("server_side_encryption_configuration")["rule"]
    (how,) = encryption["apply_server_side_encryption_by_default"]
    (owner,) = of("ownership_controls")["rule"]
    rules = [rule for rule in of("lifecycle_configuration")["rule"] if rule["status"] == "Enabled"]
    uploads = [upload for rule in rules for upload in rule["abort_incomplete_multipart_upload"]]
    blocks = of("public_access_block")
    model.buckets[name] = Bucket(
        encryption=how["sse_algorithm"],
        kms_key=how["kms_master_key_id"] or "",
        bucket_key=boolean(encryption["bucket_key_enabled"]),
        blocks_public=sorted(word for key, word in BLOCKS.items() if boolean(blocks.get(key))),
        ownership=owner["object_ownership"],
        versioned=bool(of("versioning")),
        expires={_prefix(rule): integer(about["days"]) for rule in rules for about in rule["expiration"]},
        abandoned_uploads_days=sum(integer(upload["days_after_initiation"]) for upload in uploads),
    )


def _prefix(rule):
    return "".join(told["prefix"] or "" for told in rule["filter"] or []) or "everything"


def _bucket_policy(model, resource, state):
    model.bucket_policies[resource.values["bucket"]] = statements(state.policy(resource.values["policy"]))


def _stream(model, resource, state):
    values = resource.values
    (to,) = values["extended_s3_configuration"]
    processing = [told for told in to["processing_configuration"] if boolean(told["enabled"])]
    logs = [told for told in to["cloudwatch_logging_options"] if boolean(told["enabled"])]
    encryption = [told for told in values["server_side_encryption"] if boolean(told["enabled"])]
    model.streams[values["name"]] = Stream(
        bucket=to["bucket_arn"],
        prefix=to["prefix"],
        error_prefix=to["error_output_prefix"],
        seconds=integer(to["buffering_interval"]),
        megabytes=integer(to["buffering_size"]),
        compression=to["compression_format"],
        processors=[processor["type"] for told in processing for processor in told["processors"]],
        log="".join(f"{told['log_group_name']} {told['log_stream_name']}" for told in logs),
        encryption="".join(told["key_type"] for told in encryption),
        kms_key="".join(told["key_arn"] or "" for told in encryption),
    )
    model.iam[values["name"]] = permissions(to["role_arn"], state)


def _table(model, resource, _):
    values = resource.values
    (storage,) = values["storage_descriptor"]
    (serializer,) = storage["ser_de_info"]
    model.catalogue[f"{values['database_name']}.{values['name']}"] = Catalogued(
        kind=values["table_type"],
        location=storage["location"],
        formats=f"{storage['input_format']} {storage['output_format']}",
        serializer=serializer["serialization_library"],
        serializer_options=serializer["parameters"],
        options=values["parameters"],
        columns={column["name"]: column["type"] for column in storage["columns"]},
        partitions={column["name"]: column["type"] for column in values["partition_keys"]},
    )


def _work_group(model, resource, _):
    values = resource.values
    (told,) = values["configuration"]
    (results,) = told["result_configuration"]
    (encryption,) = results["encryption_configuration"]
    model.work_groups[values["name"]] = WorkGroup(
        enforced=boolean(told["enforce_workgroup_configuration"]),
        most_bytes=integer(told["bytes_scanned_cutoff_per_query"]),
        results=results["output_location"],
        encryption=encryption["encryption_option"],
        kms_key=encryption["kms_key_arn"] or "",
    )


def _query(model, resource, _):
    values = resource.values
    model.queries[values["name"]] = Query(values["database"], values["workgroup"], values["query"].strip())


def _nothing(*_):
    """Read together with the resources that refer to it."""


READERS = {
    "aws_athena_named_query": _query,
    "aws_athena_workgroup": _work_group,
    "aws_cloudwatch_log_stream": _nothing,
    "aws_glue_catalog_database": _nothing,
    "aws_glue_catalog_table": _table,
    "aws_kinesis_firehose_delivery_stream": _stream,
    "aws_s3_bucket": _bucket,
    "aws_s3_bucket_lifecycle_configuration": _nothing,
    "aws_s3_bucket_ownership_controls": _nothing,
    "aws_s3_bucket_policy": _bucket_policy,
    "aws_s3_bucket_public_access_block": _nothing,
    "aws_s3_bucket_server_side_encryption_configuration": _nothing,
    "aws_s3_bucket_versioning": _nothing,
}
