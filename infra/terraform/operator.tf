# The locations that yogi --stack reads first, and the permissions that it needs. Nobody has the policy until it is
# attached to a role.

resource "aws_ssm_parameter" "operator" {
  name        = "${local.secrets}/operator"
  description = "The locations of this stage's resources, for yogi --stack."
  type        = "String"
  tags        = local.tags
  value = jsonencode({
    api_url                   = local.api_url
    table                     = aws_dynamodb_table.sessions.name
    requests_queue_url        = aws_sqs_queue.main["requests"].url
    requests_dead_letters_url = aws_sqs_queue.dead_letters["requests"].url
    replies_queue_url         = aws_sqs_queue.main["replies"].url
    replies_dead_letters_url  = aws_sqs_queue.dead_letters["replies"].url
    signing_secret_arn        = aws_secretsmanager_secret.signing_key.arn
    auth_mode                 = var.auth_mode
    connections_url           = local.connections_url
    event_log_group           = var.log_events ? aws_cloudwatch_log_group.events[0].name : ""
    documents_cluster_arn     = local.has_editor ? local.aurora_cluster_arn : ""
    documents_secret_arn      = local.has_editor ? local.editor_secret_arn : ""
  })
}

locals {
  operator_rights = concat([
    { sid = "Find", actions = ["ssm:GetParameter"], resources = [aws_ssm_parameter.operator.arn] },
    { sid = "Enqueue", actions = ["sqs:GetQueueAttributes", "sqs:SendMessage"], resources = local.both_queues },
    { sid = "Redrive", actions = local.receive, resources = [for queue in aws_sqs_queue.dead_letters : queue.arn] },
    { sid = "Sessions", actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:ConditionCheckItem"], resources = [aws_dynamodb_table.sessions.arn] },
    { sid = "Push", actions = ["execute-api:ManageConnections"], resources = [local.push, local.close] },
    ], var.auth_mode == "NONE" ? [
    { sid = "Sign", actions = ["secretsmanager:GetSecretValue"], resources = [aws_secretsmanager_secret.signing_key.arn] },
    ] : [], var.log_events ? [
    { sid = "Tail", actions = ["logs:FilterLogEvents"], resources = ["${aws_cloudwatch_log_group.events[0].arn}:*"] },
    ] : [], local.has_editor ? [
    { sid = "EditDocuments", actions = ["rds-data:ExecuteStatement", "rds-data:BeginTransaction", "rds-data:CommitTransaction", "rds-data:RollbackTransaction"], resources = [local.aurora_cluster_arn] },
    { sid = "LogInToDocuments", actions = ["secretsmanager:GetSecretValue"], resources = [local.editor_secret_arn] },
  ] : [], local.kms_rights)
}

data "aws_iam_policy_document" "operator" {
  dynamic "statement" {
    for_each = local.operator_rights
    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }
}

resource "aws_iam_policy" "operator" {
  name        = "${local.name}-operator"
  description = "The permissions that yogi needs in this stage. Attach it to the operators' roles."
  policy      = data.aws_iam_policy_document.operator.json
  tags        = local.tags
}
