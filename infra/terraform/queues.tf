# Two FIFO queues and their dead-letter queues. The visibility timeout is six times the function's timeout; the
# worker shortens it for each message.

locals {
  queues = {
    requests = { visibility = 900, receives = 10 }
    replies  = { visibility = 360, receives = 5 }
  }
  queue_arns = { for queue, _ in local.queues : queue => "arn:${local.partition}:sqs:${local.region}:${local.account}:${local.name}-${queue}.fifo" }
}

resource "aws_sqs_queue" "main" {
  for_each                    = local.queues
  name                        = "${local.name}-${each.key}.fifo"
  fifo_queue                  = true
  content_based_deduplication = false
  deduplication_scope         = "messageGroup"
  fifo_throughput_limit       = "perMessageGroupId"
  visibility_timeout_seconds  = each.value.visibility
  message_retention_seconds   = 345600
  redrive_policy              = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn, maxReceiveCount = each.value.receives })
  sqs_managed_sse_enabled     = local.has_kms ? null : true
  kms_master_key_id           = local.kms_key_arn
  tags                        = local.tags
}

resource "aws_sqs_queue" "dead_letters" {
  for_each                    = local.queues
  name                        = "${local.name}-${each.key}-dlq.fifo"
  fifo_queue                  = true
  content_based_deduplication = false
  deduplication_scope         = "messageGroup"
  fifo_throughput_limit       = "perMessageGroupId"
  message_retention_seconds   = 1209600
  redrive_allow_policy        = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [local.queue_arns[each.key]] })
  sqs_managed_sse_enabled     = local.has_kms ? null : true
  kms_master_key_id           = local.kms_key_arn
  tags                        = local.tags
}

resource "aws_sqs_queue_policy" "only_over_tls" {
  for_each  = merge({ for key, queue in aws_sqs_queue.main : key => queue }, { for key, queue in aws_sqs_queue.dead_letters : "${key}-dlq" => queue })
  queue_url = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
