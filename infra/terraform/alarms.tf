# Alarms. Each description begins with the first step to take.

locals {
  alarms = {
    request-dead-letters = {
      description = "Inspect the dead-letter queue of the requests, then redrive it. A message was received ten times without an answer."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.dead_letters["requests"].name }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      threshold   = 1
    }
    reply-dead-letters = {
      description = "Inspect the dead-letter queue of the replies, then redrive it. Delivering a final failed five times."
      namespace   = "AWS/SQS"
      metric      = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = aws_sqs_queue.dead_letters["replies"].name }
      statistic   = "Maximum"
      period      = 60
      periods     = 1
      threshold   = 1
    }
    request-age = {
      description = "Check the worker's errors and throttles, then raise WorkerMaxConcurrency. Messages have been waiting for five minutes."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = aws_sqs_queue.main["requests"].name }
      statistic   = "Maximum"
      period      = 60
      periods     = 3
      threshold   = 300
    }
    reply-age = {
      description = "Check the notifier's errors. Finals have been waiting for two minutes."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = aws_sqs_queue.main["replies"].name }
      statistic   = "Maximum"
      period      = 60
      periods     = 3
      threshold   = 120
    }
    ingress-errors = {
      description = "Check the log of ingress for lines of level ERROR, timeouts and crashes. Refused WebSocket tickets are not counted."
      namespace   = local.log_metrics
      metric      = "${local.name}-ingress-errors"
      dimensions  = {}
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    worker-errors = {
      description = "Check the log of the worker for lines of level ERROR. Invocations fail."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.main["worker"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    notifier-errors = {
      description = "Check the log of the notifier for lines of level ERROR. Invocations fail."
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.main["notifier"].function_name }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    provider-failures = {
      description = "Check the providers' status pages and the keys. Model calls fail, and answers are late or come from the fallback."
      namespace   = "LearningYogi/Chatbot"
      metric      = "ProviderFailures"
      dimensions  = { stage = var.stage }
      statistic   = "Sum"
      period      = 300
      periods     = 2
      threshold   = 20
    }
    unpriced-turns = {
      description = "Add the model to the price file and deploy. Until then, budgets count it at the highest listed price."
      namespace   = "LearningYogi/Chatbot"
      metric      = "UnpricedTurns"
      dimensions  = { stage = var.stage }
      statistic   = "Sum"
      period      = 3600
      periods     = 1
      threshold   = 1
    }
    socket-errors = {
      description = "Check the log of ingress and the access log of the WebSocket API. Its calls of ingress fail."
      namespace   = "AWS/ApiGateway"
      metric      = "ExecutionError"
      dimensions  = { ApiId = aws_apigatewayv2_api.socket.id }
      statistic   = "Sum"
      period      = 300
      periods     = 1
      threshold   = 5
    }
    rest-5xx = {
      description = "Check the log of ingress. The REST API returns 5xx."
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

# Lambda counts a refused WebSocket ticket as an error, because an authorizer can only return 401 by failing. The
# alarm therefore counts log lines: the function's own errors, and Lambda's lines about timeouts and crashes.
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
  alarm_description   = "Find out who causes the cost, then lower the budgets or the rates. Answers cost more per hour than expected."
  evaluation_periods  = 1
  threshold           = var.alarm_cost_per_hour_usd
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  tags                = local.tags

  metric_query {
    id          = "dollars"
    expression  = "cost / 1000000"
    label       = "dollars per hour"
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

resource "aws_cloudwatch_metric_alarm" "throttles" {
  alarm_name          = "${local.name}-throttles"
  alarm_description   = "Compare the account's limit of concurrent executions with what its functions use, then raise it or lower WorkerMaxConcurrency. Invocations are throttled."
  evaluation_periods  = 1
  threshold           = 5
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  tags                = local.tags

  metric_query {
    id          = "throttles"
    expression  = "ingress + worker + notifier"
    label       = "throttled invocations"
    return_data = true
  }
  dynamic "metric_query" {
    for_each = local.functions
    content {
      id          = metric_query.key
      return_data = false
      metric {
        namespace   = "AWS/Lambda"
        metric_name = "Throttles"
        dimensions  = { FunctionName = aws_lambda_function.main[metric_query.key].function_name }
        period      = 300
        stat        = "Sum"
      }
    }
  }
}
