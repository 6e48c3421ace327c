# Alarms; each description begins with the first thing to do.

locals {
  alarms = {
    request-dead-letters = {
      description = "Look at the dead letters of the queue of requests, then redrive them; a message was received ten times without an answer."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.dead_letters["requests"].name }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      threshold   = 1
    }
    reply-dead-letters = {
      description = "Look at the dead letters of the queue of replies, then redrive them; a final could not be delivered five times."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.dead_letters["replies"].name }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      threshold   = 1
    }
    request-age = {
      description = "Look at the worker's errors and throttles, then raise WorkerMaxConcurrency; messages wait five minutes for an answer."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = aws_sqs_queue.main["requests"].name }
      statistic   = "Maximum"
      period      = 60
      periods     = 3
      threshold   = 300
    }
    reply-age = {
      description = "Look at the notifier's errors; finals wait two minutes to be pushed."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = aws_sqs_queue.main["replies"].name }
      statistic   = "Maximum"
      period      = 60
      periods     = 3
      threshold   = 120
    }
    ingress-errors = {
      description = "Read the log of the ingress for lines of level ERROR, and for timeouts; a refused WebSocket ticket is none."
      namespace   = local.log_metrics
      metric      = "${local.name}-ingress-errors"
      dimensions  = {}
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    worker-errors = {
      description = "Read the log of the worker for lines of level ERROR; invocations fail."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.main["worker"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    notifier-errors = {
      description = "Read the log of the notifier for lines of level ERROR; invocations fail."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.main["notifier"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    provider-failures = {
      description = "Look at the providers' status pages and at the keys; model calls fail, and answers come late or from the fallback."
      namespace   = "LearningYogi/Chatbot"
      metric      = "ProviderFailures"
      dimensions  = { stage = var.stage }
      statistic   = "Sum"
      period      = 300
      periods     = 2
      threshold   = 20
    }
    unpriced-turns = {
      description = "Add the model to the price file and deploy; budgets count it at the dearest price meanwhile."
      namespace   = "LearningYogi/Chatbot"
      metric      = "UnpricedTurns"
      dimensions  = { stage = var.stage }
      statistic   = "Sum"
      period      = 3600
      periods     = 1
      threshold   = 1
    }
    rest-5xx = {
      description = "Read the log of the ingress; the REST API answers 5xx."
      namespace   = "AWS/ApiGateway"
      metric      = "5XXError"
      dimensions  = { ApiName = local.name, Stage = var.stage }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
  }
  alarm_actions = var.alarm_email == "" ? null : [aws_sns_topic.alarms[0].arn]
}

# Lambda counts a refused WebSocket ticket as an error: an authorizer can answer 401 in no other way. So the alarm
# counts what the log says: the function's own lines, and Lambda's about one that had no time to write any.
locals {
  log_metrics = "LearningYogi/Chatbot/Logs"
  ingress_errors = {
    error-lines = "{ $.level = \"ERROR\" }"
    ends        = "?\"Task timed out\" ?\"Runtime exited\""
  }
}

resource "aws_cloudwatch_log_metric_filter" "ingress_errors" {
  for_each       = local.ingress_errors
  name           = each.key
  log_group_name = aws_cloudwatch_log_group.function["ingress"].name
  pattern        = each.value

  metric_transformation {
    namespace = local.log_metrics
    name      = "${local.name}-ingress-errors"
    value     = "1"
  }
}

resource "aws_sns_topic" "alarms" {
  count             = var.alarm_email == "" ? 0 : 1
  name              = "${local.name}-alarms"
  kms_master_key_id = local.kms_key_arn
  tags              = local.tags
}

resource "aws_sns_topic_subscription" "alarms" {
  count     = var.alarm_email == "" ? 0 : 1
  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "main" {
  for_each            = local.alarms
  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "cost" {
  alarm_name          = "${local.name}-cost"
  alarm_description   = "Find out who asks so much, then lower the budgets or the rates; answers cost more in an hour than was expected."
  evaluation_periods  = 1
  threshold           = var.alarm_cost_per_hour_usd
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  tags                = local.tags

  metric_query {
    id          = "dollars"
    expression  = "cost / 1000000"
    label       = "dollars an hour"
    return_data = true
  }
  metric_query {
    id          = "cost"
    return_data = false
    metric {
      namespace   = "LearningYogi/Chatbot"
      metric_name = "CostMicroUsd"
      dimensions  = { stage = var.stage }
      period      = 3600
      stat        = "Sum"
    }
  }
}
