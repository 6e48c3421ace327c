# The dashboard.

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = local.name
  dashboard_body = jsonencode({
    widgets = [
      {
        type   = "alarm"
        x      = 0
        y      = 0
        width  = 24
        height = 3
        properties = {
          title  = "Alarms: each description begins with the first step to take"
          alarms = [aws_cloudwatch_metric_alarm.main["request-dead-letters"].arn, aws_cloudwatch_metric_alarm.main["reply-dead-letters"].arn, aws_cloudwatch_metric_alarm.main["request-age"].arn, aws_cloudwatch_metric_alarm.main["reply-age"].arn, aws_cloudwatch_metric_alarm.main["ingress-errors"].arn, aws_cloudwatch_metric_alarm.main["worker-errors"].arn, aws_cloudwatch_metric_alarm.main["notifier-errors"].arn, aws_cloudwatch_metric_alarm.main["provider-failures"].arn, aws_cloudwatch_metric_alarm.main["unpriced-turns"].arn, aws_cloudwatch_metric_alarm.cost.arn, aws_cloudwatch_metric_alarm.main["rest-5xx"].arn, aws_cloudwatch_metric_alarm.main["socket-errors"].arn, aws_cloudwatch_metric_alarm.throttles.arn]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 3
        width  = 8
        height = 6
        properties = {
          title  = "Do users get answers? Turns and errors"
          stat   = "Sum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["LearningYogi/Chatbot", "Turns", "stage", var.stage],
            ["LearningYogi/Chatbot", "Errors", "stage", var.stage, { color = "#d62728" }],
            ["LearningYogi/Chatbot", "ContextUnavailable", "stage", var.stage],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 3
        width  = 8
        height = 6
        properties = {
          title  = "How long do they wait? Time to first token"
          stat   = "p50"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["LearningYogi/Chatbot", "FirstToken", "stage", var.stage, { stat = "p50" }],
            ["LearningYogi/Chatbot", "FirstToken", "stage", var.stage, { stat = "p99" }],
            ["LearningYogi/Chatbot", "QueueDelay", "stage", var.stage, { stat = "p50" }],
            ["LearningYogi/Chatbot", "QueueDelay", "stage", var.stage, { stat = "p99" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 3
        width  = 8
        height = 6
        properties = {
          title  = "Time to full reply"
          stat   = "p50"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["LearningYogi/Chatbot", "TotalTime", "stage", var.stage, { stat = "p50" }],
            ["LearningYogi/Chatbot", "TotalTime", "stage", var.stage, { stat = "p99" }],
            ["LearningYogi/Chatbot", "ContextTime", "stage", var.stage, { stat = "p99" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 9
        width  = 8
        height = 6
        properties = {
          title  = "What does it cost? Dollars per hour, and turns without a price"
          stat   = "Sum"
          period = 3600
          region = local.region
          view   = "timeSeries"
          metrics = [
            [{ expression = "micro/1000000", label = "dollars" }],
            ["LearningYogi/Chatbot", "CostMicroUsd", "stage", var.stage, { id = "micro", visible = false }],
            ["LearningYogi/Chatbot", "UnpricedTurns", "stage", var.stage, { yAxis = "right" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 9
        width  = 8
        height = 6
        properties = {
          title  = "Tokens"
          stat   = "Sum"
          period = 300
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["LearningYogi/Chatbot", "InputTokens", "stage", var.stage],
            ["LearningYogi/Chatbot", "OutputTokens", "stage", var.stage],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 9
        width  = 8
        height = 6
        properties = {
          title  = "Providers: failed calls, retries, fallbacks, restarts"
          stat   = "Sum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["LearningYogi/Chatbot", "ProviderFailures", "stage", var.stage, { color = "#d62728" }],
            ["LearningYogi/Chatbot", "Retries", "stage", var.stage],
            ["LearningYogi/Chatbot", "Fallbacks", "stage", var.stage],
            ["LearningYogi/Chatbot", "Restarts", "stage", var.stage],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 15
        width  = 8
        height = 6
        properties = {
          title  = "Turns by provider"
          stat   = "Sum"
          period = 300
          region = local.region
          view   = "timeSeries"
          metrics = [
            [{ expression = "SEARCH('{LearningYogi/Chatbot,stage,provider} stage=\"${var.stage}\" MetricName=\"Turns\"','Sum',300)", label = "$${PROP('Dim.provider')}" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 15
        width  = 8
        height = 6
        properties = {
          title  = "Time to first token by provider, p99"
          stat   = "p99"
          period = 300
          region = local.region
          view   = "timeSeries"
          metrics = [
            [{ expression = "SEARCH('{LearningYogi/Chatbot,stage,provider} stage=\"${var.stage}\" MetricName=\"FirstToken\"','p99',300)", label = "$${PROP('Dim.provider')}" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 15
        width  = 8
        height = 6
        properties = {
          title  = "Cost by provider, millionths of a dollar"
          stat   = "Sum"
          period = 300
          region = local.region
          view   = "timeSeries"
          metrics = [
            [{ expression = "SEARCH('{LearningYogi/Chatbot,stage,provider} stage=\"${var.stage}\" MetricName=\"CostMicroUsd\"','Sum',300)", label = "$${PROP('Dim.provider')}" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 21
        width  = 8
        height = 6
        properties = {
          title  = "Age of the oldest message, seconds"
          stat   = "Maximum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", aws_sqs_queue.main["requests"].name],
            ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", aws_sqs_queue.main["replies"].name],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 21
        width  = 8
        height = 6
        properties = {
          title  = "Messages waiting and in flight"
          stat   = "Maximum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.main["requests"].name],
            ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", aws_sqs_queue.main["requests"].name],
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.main["replies"].name],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 21
        width  = 8
        height = 6
        properties = {
          title  = "Dead letters"
          stat   = "Maximum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.dead_letters["requests"].name, { color = "#d62728" }],
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.dead_letters["replies"].name, { color = "#ff7f0e" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 27
        width  = 8
        height = 6
        properties = {
          title  = "Functions: errors and throttles"
          stat   = "Sum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.main["ingress"].function_name],
            ["AWS/Lambda", "Throttles", "FunctionName", aws_lambda_function.main["ingress"].function_name],
            ["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.main["worker"].function_name],
            ["AWS/Lambda", "Throttles", "FunctionName", aws_lambda_function.main["worker"].function_name],
            ["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.main["notifier"].function_name],
            ["AWS/Lambda", "Throttles", "FunctionName", aws_lambda_function.main["notifier"].function_name],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 27
        width  = 8
        height = 6
        properties = {
          title  = "Functions: concurrent executions"
          stat   = "Maximum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", aws_lambda_function.main["ingress"].function_name],
            ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", aws_lambda_function.main["worker"].function_name],
            ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", aws_lambda_function.main["notifier"].function_name],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 27
        width  = 8
        height = 6
        properties = {
          title  = "Functions: duration, p99"
          stat   = "p99"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/Lambda", "Duration", "FunctionName", aws_lambda_function.main["ingress"].function_name],
            ["AWS/Lambda", "Duration", "FunctionName", aws_lambda_function.main["worker"].function_name],
            ["AWS/Lambda", "Duration", "FunctionName", aws_lambda_function.main["notifier"].function_name],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 33
        width  = 8
        height = 6
        properties = {
          title  = "REST API"
          stat   = "Sum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/ApiGateway", "Count", "ApiName", local.name, "Stage", var.stage],
            ["AWS/ApiGateway", "4XXError", "ApiName", local.name, "Stage", var.stage],
            ["AWS/ApiGateway", "5XXError", "ApiName", local.name, "Stage", var.stage, { color = "#d62728" }],
            ["AWS/ApiGateway", "Latency", "ApiName", local.name, "Stage", var.stage, { stat = "p99", yAxis = "right" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 8
        y      = 33
        width  = 8
        height = 6
        properties = {
          title  = "WebSocket API"
          stat   = "Sum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/ApiGateway", "ConnectCount", "ApiId", aws_apigatewayv2_api.socket.id],
            ["AWS/ApiGateway", "MessageCount", "ApiId", aws_apigatewayv2_api.socket.id],
            ["AWS/ApiGateway", "ClientError", "ApiId", aws_apigatewayv2_api.socket.id],
            ["AWS/ApiGateway", "ExecutionError", "ApiId", aws_apigatewayv2_api.socket.id, { color = "#d62728" }],
          ]
        }
      },
      {
        type   = "metric"
        x      = 16
        y      = 33
        width  = 8
        height = 6
        properties = {
          title  = "Table"
          stat   = "Sum"
          period = 60
          region = local.region
          view   = "timeSeries"
          metrics = [
            ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", aws_dynamodb_table.sessions.name],
            ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", aws_dynamodb_table.sessions.name],
          ]
        }
      },
      {
        type   = "metric"
        x      = 0
        y      = 39
        width  = 8
        height = 6
        properties = {
          title  = "Failed invocations of event rules"
          stat   = "Sum"
          period = 300
          region = local.region
          view   = "timeSeries"
          metrics = [
            [{ expression = "SEARCH('{AWS/Events,EventBusName,RuleName} EventBusName=\"${aws_cloudwatch_event_bus.main.name}\" MetricName=\"FailedInvocations\"','Sum',300)" }],
          ]
        }
      },
      {
        type   = "log"
        x      = 8
        y      = 39
        width  = 16
        height = 6
        properties = {
          title  = "Latest errors in the functions' logs"
          region = local.region
          view   = "table"
          query  = "SOURCE '${aws_cloudwatch_log_group.function["ingress"].name}' | SOURCE '${aws_cloudwatch_log_group.function["worker"].name}' | SOURCE '${aws_cloudwatch_log_group.function["notifier"].name}' | fields @timestamp, @log, @message | filter level = 'ERROR' | sort @timestamp desc | limit 20"
        }
      },
    ]
  })
}
