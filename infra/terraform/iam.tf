# One role per function, with exactly the permissions that its code needs.

locals {
  connections = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${aws_apigatewayv2_api.socket.id}/${var.stage}"
  push        = "${local.connections}/POST/@connections/*"
  close       = "${local.connections}/DELETE/@connections/*"
  receive     = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
  both_queues = [aws_sqs_queue.main["requests"].arn, aws_sqs_queue.main["replies"].arn]

  rights = {
    ingress = [
      { sid = "Enqueue", actions = ["sqs:SendMessage"], resources = local.both_queues },
      { sid = "Record", actions = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"], resources = [aws_dynamodb_table.sessions.arn] },
      { sid = "Sign", actions = ["secretsmanager:GetSecretValue"], resources = [aws_secretsmanager_secret.signing_key.arn] },
      { sid = "Push", actions = ["execute-api:ManageConnections"], resources = [local.push, local.close] },
    ]
    worker = concat([
      { sid = "Receive", actions = local.receive, resources = [aws_sqs_queue.main["requests"].arn] },
      { sid = "Enqueue", actions = ["sqs:SendMessage"], resources = [aws_sqs_queue.main["replies"].arn] },
      { sid = "Commit", actions = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"], resources = [aws_dynamodb_table.sessions.arn] },
      { sid = "ProviderKeys", actions = ["secretsmanager:GetSecretValue"], resources = [aws_secretsmanager_secret.api_keys.arn] },
      { sid = "ProviderPreference", actions = ["ssm:GetParameter"], resources = [aws_ssm_parameter.provider_preference.arn] },
      { sid = "Push", actions = ["execute-api:ManageConnections"], resources = [local.push] },
      ], var.bedrock_model == "" ? [] : [
      # An inference profile uses models in other regions.
      { sid = "Bedrock", actions = ["bedrock:InvokeModelWithResponseStream"], resources = ["arn:${local.partition}:bedrock:*::foundation-model/anthropic.*", "arn:${local.partition}:bedrock:${local.region}:${local.account}:inference-profile/*", "arn:${local.partition}:bedrock:${local.region}:${local.account}:application-inference-profile/*"] },
      ], var.aurora_mode == "none" ? [] : [
      { sid = "DatabaseLogin", actions = ["secretsmanager:GetSecretValue"], resources = [local.aurora_secret_arn] },
      { sid = "Documents", actions = ["rds-data:ExecuteStatement"], resources = [local.aurora_cluster_arn] },
      ], length(var.vpc_subnet_ids) == 0 ? [] : [
      # the interfaces' ARNs are not known in advance.
      { sid = "JoinVpc", actions = ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"], resources = ["*"] },
    ])
    notifier = [
      { sid = "Receive", actions = local.receive, resources = [aws_sqs_queue.main["replies"].arn] },
      { sid = "Enqueue", actions = ["sqs:SendMessage"], resources = [aws_sqs_queue.main["replies"].arn] },
      { sid = "Deliver", actions = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], resources = [aws_dynamodb_table.sessions.arn, "${aws_dynamodb_table.sessions.arn}/index/due"] },
      { sid = "Push", actions = ["execute-api:ManageConnections"], resources = [local.push, local.close] },
    ]
  }
  kms_rights = local.has_kms ? [{ sid = "Decrypt", actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [var.kms_key_arn] }] : []
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "function" {
  for_each = local.rights

  statement {
    sid       = "Log"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
  }
  statement {
    sid       = "Trace"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    resources = ["*"] # X-Ray does not support resource-level permissions
  }
  dynamic "statement" {
    for_each = concat(each.value, local.kms_rights)
    content {
      sid       = statement.value.sid
      actions   = statement.value.actions
      resources = statement.value.resources
    }
  }
  dynamic "statement" {
    for_each = each.key == "notifier" ? [1] : []
    content {
      sid       = "Emit"
      actions   = ["events:PutEvents"]
      resources = [aws_cloudwatch_event_bus.main.arn]
      condition {
        test     = "StringEquals"
        variable = "events:source"
        values   = ["learning-yogi.chatbot"]
      }
    }
  }
}

resource "aws_iam_role" "function" {
  for_each           = local.rights
  name               = "${local.name}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "function" {
  for_each = local.rights
  name     = each.key
  role     = aws_iam_role.function[each.key].id
  policy   = data.aws_iam_policy_document.function[each.key].json
}
