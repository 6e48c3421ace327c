# Every event as a line in S3, to be queried with Athena. The queries are those in infra/athena.

locals {
  stores = var.event_store ? 1 : 0
  # The columns are those of EventBridge's envelope and of contracts/events.
  event_columns = {
    version     = "string"
    id          = "string"
    detail_type = "string"
    source      = "string"
    account     = "string"
    time        = "string"
    region      = "string"
    resources   = "array<string>"
    detail      = "struct<session_id:string,session_key:string,timestamp:string,metadata:struct<id:string,specversion:string,schema_version:string>,message_id:string,turn:bigint,message_length:bigint,response_length:bigint,document_id:string,provider:string,model:string,input_tokens:bigint,output_tokens:bigint,cached_input_tokens:bigint,cache_write_tokens:bigint,cached:boolean,cost_micro_usd:bigint,queue_ms:bigint,context_ms:bigint,first_token_ms:bigint,total_ms:bigint,finish_reason:string,error_code:string,generations:bigint,context:string,grounding:string,citations:bigint,cited_document_ids:array<string>,synthetic:boolean,user_message:string,response:string,rating:string,comment_length:bigint,comment:string>"
  }
  event_queries = {
    chat-turns    = { file = "chat_turns", description = "Creates the view chat_turns. Run it once, and again after it has changed." }
    daily-figures = { file = "daily_figures", description = "The last 30 days by day, provider and document." }
  }
}

resource "aws_s3_bucket" "events" {
  count  = local.stores
  bucket = "${local.name}-events-${local.account}"
  tags   = local.tags
}

resource "aws_s3_bucket_server_side_encryption_configuration" "events" {
  count  = local.stores
  bucket = aws_s3_bucket.events[0].id

  rule {
    bucket_key_enabled = local.has_kms ? true : null
    apply_server_side_encryption_by_default {
      sse_algorithm     = local.has_kms ? "aws:kms" : "AES256"
      kms_master_key_id = local.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "events" {
  count                   = local.stores
  bucket                  = aws_s3_bucket.events[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "events" {
  count  = local.stores
  bucket = aws_s3_bucket.events[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "events" {
  count  = local.stores
  bucket = aws_s3_bucket.events[0].id

  rule {
    id     = "everything"
    status = "Enabled"
    filter {
      prefix = ""
    }
    expiration {
      days = var.event_store_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
  rule {
    id     = "results of queries"
    status = "Enabled"
    filter {
      prefix = "queries/"
    }
    expiration {
      days = 7
    }
  }
}

resource "aws_s3_bucket_policy" "events" {
  count  = local.stores
  bucket = aws_s3_bucket.events[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.events[0].arn, "${aws_s3_bucket.events[0].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.events]
}

resource "aws_cloudwatch_log_group" "event_stream" {
  count             = local.stores
  name              = "/aws/kinesisfirehose/${local.name}-events"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_cloudwatch_log_stream" "event_stream" {
  count          = local.stores
  name           = "delivery"
  log_group_name = aws_cloudwatch_log_group.event_stream[0].name
}

data "aws_iam_policy_document" "event_stream_assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["firehose.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "event_stream" {
  count = local.stores

  statement {
    sid       = "Bucket"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [aws_s3_bucket.events[0].arn]
  }
  statement {
    sid       = "Objects"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.events[0].arn}/events/*", "${aws_s3_bucket.events[0].arn}/errors/*"]
  }
  statement {
    sid       = "Log"
    actions   = ["logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.event_stream[0].arn}:log-stream:${aws_cloudwatch_log_stream.event_stream[0].name}"]
  }
  dynamic "statement" {
    for_each = local.kms_rights
    content {
      sid       = "Encrypt"
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }
}

resource "aws_iam_role" "event_stream" {
  count              = local.stores
  name               = "${local.name}-event-stream"
  assume_role_policy = data.aws_iam_policy_document.event_stream_assume.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "event_stream" {
  count  = local.stores
  name   = "deliver"
  role   = aws_iam_role.event_stream[0].id
  policy = data.aws_iam_policy_document.event_stream[0].json
}

resource "aws_kinesis_firehose_delivery_stream" "events" {
  count       = local.stores
  name        = "${local.name}-events"
  destination = "extended_s3"
  tags        = local.tags

  server_side_encryption {
    enabled  = true
    key_type = local.has_kms ? "CUSTOMER_MANAGED_CMK" : "AWS_OWNED_CMK"
    key_arn  = local.kms_key_arn
  }

  extended_s3_configuration {
    bucket_arn          = aws_s3_bucket.events[0].arn
    role_arn            = aws_iam_role.event_stream[0].arn
    prefix              = "events/dt=!{timestamp:yyyy-MM-dd}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/dt=!{timestamp:yyyy-MM-dd}/"
    buffering_interval  = 300
    buffering_size      = 64
    compression_format  = "GZIP"

    processing_configuration {
      enabled = true
      processors {
        type = "AppendDelimiterToRecord"
      }
    }
    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.event_stream[0].name
      log_stream_name = aws_cloudwatch_log_stream.event_stream[0].name
    }
  }

  depends_on = [aws_iam_role_policy.event_stream]
}

data "aws_iam_policy_document" "event_store_rule_assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "event_store_rule" {
  count = local.stores

  statement {
    sid       = "Store"
    actions   = ["firehose:PutRecord", "firehose:PutRecordBatch"]
    resources = [aws_kinesis_firehose_delivery_stream.events[0].arn]
  }
}

resource "aws_iam_role" "event_store_rule" {
  count              = local.stores
  name               = "${local.name}-event-store"
  assume_role_policy = data.aws_iam_policy_document.event_store_rule_assume.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "event_store_rule" {
  count  = local.stores
  name   = "store"
  role   = aws_iam_role.event_store_rule[0].id
  policy = data.aws_iam_policy_document.event_store_rule[0].json
}

resource "aws_cloudwatch_event_rule" "store" {
  count          = local.stores
  name           = "${local.name}-store"
  description    = "Sends every event to the event store."
  event_bus_name = aws_cloudwatch_event_bus.main.name
  event_pattern  = jsonencode({ source = ["learning-yogi.chatbot"] })
  tags           = local.tags
}

# Events whose delivery is given up after a day are still in the archive, and replaying them is harmless.
resource "aws_cloudwatch_event_target" "store" {
  count          = local.stores
  rule           = aws_cloudwatch_event_rule.store[0].name
  event_bus_name = aws_cloudwatch_event_bus.main.name
  target_id      = "store"
  arn            = aws_kinesis_firehose_delivery_stream.events[0].arn
  role_arn       = aws_iam_role.event_store_rule[0].arn

  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
}

resource "aws_glue_catalog_database" "events" {
  count       = local.stores
  name        = replace(local.name, "-", "_")
  description = "The chatbot's analytics events."
  tags        = local.tags
}

# Needs no crawler and no added partitions: partition projection derives the days.
resource "aws_glue_catalog_table" "events" {
  count         = local.stores
  name          = "events"
  description   = "Every stored event, including repeats. dt is the UTC day on which it was stored."
  database_name = aws_glue_catalog_database.events[0].name
  table_type    = "EXTERNAL_TABLE"
  parameters = {
    EXTERNAL               = "TRUE"
    classification         = "json"
    "projection.enabled"   = "true"
    "projection.dt.type"   = "date"
    "projection.dt.format" = "yyyy-MM-dd"
    "projection.dt.range"  = "NOW-${var.event_store_days}DAYS,NOW"
  }

  partition_keys {
    name = "dt"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.events[0].bucket}/events/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      serialization_library = "org.openx.data.jsonserde.JsonSerDe"
      parameters            = { "mapping.detail_type" = "detail-type", "ignore.malformed.json" = "true" }
    }
    dynamic "columns" {
      for_each = local.event_columns
      content {
        name = columns.key
        type = columns.value
      }
    }
  }
}

resource "aws_athena_workgroup" "events" {
  count         = local.stores
  name          = local.name
  description   = "Queries on the stored events. A query may read at most 100 GiB, which costs half a dollar."
  force_destroy = true
  tags          = local.tags

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = false
    bytes_scanned_cutoff_per_query     = 107374182400

    result_configuration {
      output_location = "s3://${aws_s3_bucket.events[0].bucket}/queries/"
      encryption_configuration {
        encryption_option = local.has_kms ? "SSE_KMS" : "SSE_S3"
        kms_key_arn       = local.kms_key_arn
      }
    }
  }
}

resource "aws_athena_named_query" "events" {
  for_each    = var.event_store ? local.event_queries : {}
  name        = "${local.name}-${each.key}"
  description = each.value.description
  database    = aws_glue_catalog_database.events[0].name
  workgroup   = aws_athena_workgroup.events[0].name
  query       = file("${path.module}/../athena/${each.value.file}.sql")
}
