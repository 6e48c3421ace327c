# Three functions, each invoked through its alias. No concurrency is reserved, because a new account has ten
# concurrent executions in total.

locals {
  api_url         = var.custom_domain_name != "" ? "https://${var.custom_domain_name}" : "https://${aws_api_gateway_rest_api.main.id}.execute-api.${local.region}.${local.suffix}/${var.stage}"
  connections_url = "https://${aws_apigatewayv2_api.socket.id}.execute-api.${local.region}.${local.suffix}/${var.stage}"
  websocket_url   = var.websocket_domain_name != "" ? "wss://${var.websocket_domain_name}" : "wss://${aws_apigatewayv2_api.socket.id}.execute-api.${local.region}.${local.suffix}/${var.stage}"
  daily_budget    = var.daily_budget_usd == null ? "" : tostring(var.daily_budget_usd)
  own_budget      = var.principal_daily_budget_usd == null ? "" : tostring(var.principal_daily_budget_usd)

  common = {
    CHATBOT_STAGE             = var.stage
    CHATBOT_TABLE             = aws_dynamodb_table.sessions.name
    CHATBOT_LOG               = "info"
    CHATBOT_LOG_FORMAT        = "json"
    CHATBOT_SESSION_TTL_HOURS = tostring(var.session_ttl_hours)
    CHATBOT_REPLIES_QUEUE_URL = aws_sqs_queue.main["replies"].url
    CHATBOT_CONNECTIONS_URL   = local.connections_url
  }

  functions = {
    ingress = {
      description = "Accepts messages, resumes connections, answers history."
      timeout     = 29
      variables = {
        CHATBOT_REQUESTS_QUEUE_URL         = aws_sqs_queue.main["requests"].url
        CHATBOT_SIGNING_SECRET             = aws_secretsmanager_secret.signing_key.arn
        CHATBOT_WEBSOCKET_URL              = local.websocket_url
        CHATBOT_AUTH_MODE                  = var.auth_mode
        CHATBOT_ALLOW_ANONYMOUS            = tostring(var.allow_anonymous)
        CHATBOT_ALLOWED_ORIGINS            = join(",", var.allowed_origins)
        CHATBOT_JWT_ISSUER                 = var.jwt_issuer
        CHATBOT_JWT_AUDIENCE               = join(",", var.jwt_audience)
        CHATBOT_JWKS_URL                   = var.jwks_url
        CHATBOT_PROVIDER_PREFERENCE        = var.provider_preference
        CHATBOT_RATE_PRINCIPAL_PER_MINUTE  = tostring(var.rate_principal_per_minute)
        CHATBOT_RATE_ADDRESS_PER_5_MINUTES = tostring(var.rate_address_per_5_minutes)
        CHATBOT_DAILY_BUDGET_USD           = local.daily_budget
      }
    }
    worker = {
      description = "Answers a message and streams the reply."
      timeout     = 150
      variables = {
        CHATBOT_REQUESTS_QUEUE_URL            = aws_sqs_queue.main["requests"].url
        CHATBOT_API_KEYS_SECRET               = aws_secretsmanager_secret.api_keys.arn
        CHATBOT_PROVIDER_PREFERENCE_PARAMETER = aws_ssm_parameter.provider_preference.name
        CHATBOT_CLAUDE_MODEL                  = var.claude_model
        CHATBOT_OPENAI_MODEL                  = var.openai_model
        ANTHROPIC_BASE_URL                    = var.anthropic_base_url
        OPENAI_BASE_URL                       = var.openai_base_url
        CHATBOT_BEDROCK_MODEL                 = var.bedrock_model
        CHATBOT_BEDROCK_BASE_URL              = var.bedrock_base_url
        CHATBOT_PROMPT_CACHING                = var.prompt_caching
        CHATBOT_REPLY_CACHE                   = var.reply_cache
        CHATBOT_REPLY_CACHE_URL               = var.reply_cache == "redis" ? var.reply_cache_url : ""
        CHATBOT_REPLY_CACHE_SECONDS           = tostring(var.reply_cache_seconds)
        CHATBOT_MAX_TOKENS                    = tostring(var.max_tokens)
        CHATBOT_EFFORT                        = var.effort
        CHATBOT_PRICES                        = var.prices
        CHATBOT_ENABLE_CONTEXT                = tostring(var.enable_context)
        CHATBOT_DAILY_BUDGET_USD              = local.daily_budget
        CHATBOT_PRINCIPAL_DAILY_BUDGET_USD    = local.own_budget
        AURORA_CLUSTER_ARN                    = local.aurora_cluster_arn
        AURORA_SECRET_ARN                     = local.aurora_secret_arn
        CHATBOT_DOCUMENT_DATABASE             = "learningyogi"
        CHATBOT_DOCUMENT_SQL                  = var.document_sql
        CHATBOT_SEARCH_SQL                    = var.search_sql
        CHATBOT_DOCUMENTS_PUBLIC              = tostring(var.documents_public)
        CHATBOT_PRODUCT_NAME                  = var.product_name
        CHATBOT_TONE                          = var.tone
      }
    }
    notifier = {
      description = "Delivers finals, emits events, cleans up."
      timeout     = 60
      variables = {
        CHATBOT_EVENT_BUS      = aws_cloudwatch_event_bus.main.name
        CHATBOT_ANALYTICS_TEXT = tostring(var.analytics_text)
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.functions
  name              = "/aws/lambda/${local.name}-${each.key}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_lambda_function" "main" {
  for_each         = local.functions
  function_name    = "${local.name}-${each.key}"
  description      = each.value.description
  filename         = var.packages[each.key]
  source_code_hash = filebase64sha256(var.packages[each.key])
  role             = aws_iam_role.function[each.key].arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = var.memory_size
  timeout          = each.value.timeout
  publish          = true
  tags             = local.tags

  environment {
    variables = merge(local.common, each.value.variables)
  }
  tracing_config {
    mode = "Active"
  }
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function[each.key].name
  }

  dynamic "vpc_config" {
    for_each = each.key == "worker" && length(var.vpc_subnet_ids) > 0 ? [1] : []
    content {
      subnet_ids         = var.vpc_subnet_ids
      security_group_ids = var.vpc_security_group_ids
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

resource "aws_lambda_alias" "live" {
  for_each         = local.functions
  name             = "live"
  function_name    = aws_lambda_function.main[each.key].function_name
  function_version = aws_lambda_function.main[each.key].version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  for_each                          = var.provisioned_concurrency > 0 ? toset(["ingress", "worker"]) : toset([])
  function_name                     = aws_lambda_function.main[each.key].function_name
  qualifier                         = aws_lambda_alias.live[each.key].name
  provisioned_concurrent_executions = var.provisioned_concurrency
}

resource "aws_lambda_event_source_mapping" "requests" {
  event_source_arn        = aws_sqs_queue.main["requests"].arn
  function_name           = aws_lambda_alias.live["worker"].arn
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]
  scaling_config {
    maximum_concurrency = var.worker_max_concurrency
  }
  depends_on = [aws_iam_role_policy.function]
}

resource "aws_lambda_event_source_mapping" "replies" {
  event_source_arn        = aws_sqs_queue.main["replies"].arn
  function_name           = aws_lambda_alias.live["notifier"].arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
  depends_on              = [aws_iam_role_policy.function]
}

# Schedules: the cleanup, and an optional invocation that keeps each function warm.
locals {
  schedules = merge(
    { cleanup = { function = "notifier", input = jsonencode({ task = "cleanup" }), enabled = true } },
    { for function, _ in local.functions : "warm-${function}" => { function = function, input = jsonencode({ task = "warm" }), enabled = var.warming } },
  )
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each            = local.schedules
  name                = "${local.name}-${each.key}"
  schedule_expression = "rate(5 minutes)"
  state               = each.value.enabled ? "ENABLED" : "DISABLED"
  tags                = local.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.schedules
  rule     = aws_cloudwatch_event_rule.schedule[each.key].name
  arn      = aws_lambda_alias.live[each.value.function].arn
  input    = each.value.input
}

resource "aws_lambda_permission" "schedule" {
  for_each      = local.schedules
  function_name = aws_lambda_function.main[each.value.function].function_name
  qualifier     = aws_lambda_alias.live[each.value.function].name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}
