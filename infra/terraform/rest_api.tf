# The REST API. Ingress also handles OPTIONS, so that allowed origins are checked in one place, and verifies JWTs.

locals {
  routes = {
    "/sessions"                                   = "post"
    "/chat"                                       = "post"
    "/sessions/{id}"                              = "delete"
    "/sessions/{id}/turns"                        = "get"
    "/sessions/{id}/tickets"                      = "post"
    "/sessions/{id}/stop"                         = "post"
    "/sessions/{id}/turns/{n}/feedback"           = "post"
    "/documents"                                  = "get"
    "/documents/{document_id}/passages/{ordinal}" = "get"
    "/health"                                     = "get"
  }
  integration = {
    type                = "aws_proxy"
    httpMethod          = "POST"
    passthroughBehavior = "when_no_match"
    uri                 = aws_lambda_alias.live["ingress"].invoke_arn
  }
  signed = [for _ in var.auth_mode == "AWS_IAM" ? [1] : [] : { iam = [] }]

  # API Gateway's own responses have the same format as the service's, and CORS headers, so that pages can read them.
  gateway_responses = {
    DEFAULT_4XX         = { status = null, shown = 400, code = "invalid_request", title = "Rejected", detail = "The request was rejected before it reached the service.", retry = null }
    DEFAULT_5XX         = { status = null, shown = 500, code = "unavailable", title = "Unavailable", detail = "The service could not respond. Please try again soon.", retry = 2 }
    ACCESS_DENIED       = { status = 403, shown = 403, code = "unauthorized", title = "Forbidden", detail = "These credentials do not allow the call.", retry = null }
    EXPIRED_TOKEN       = { status = 401, shown = 401, code = "unauthorized", title = "Not authenticated", detail = "The credentials have expired.", retry = null }
    INTEGRATION_FAILURE = { status = 503, shown = 503, code = "unavailable", title = "Unavailable", detail = "A part of the service is unavailable. Please try again soon.", retry = 2 }
    INTEGRATION_TIMEOUT = { status = 504, shown = 504, code = "unavailable", title = "Unavailable", detail = "The service took too long. Please try again soon.", retry = 2 }
    # For an unknown path and, under AWS_IAM, also for a call without a signature.
    MISSING_AUTHENTICATION_TOKEN = (var.auth_mode == "AWS_IAM"
      ? { status = 403, shown = 403, code = "unauthorized", title = "Forbidden", detail = "The call is not signed, or does not exist.", retry = null }
      : { status = 404, shown = 404, code = "not_found", title = "Not found", detail = "Not found.", retry = null }
    )
    REQUEST_TOO_LARGE = { status = 413, shown = 413, code = "invalid_request", title = "Body too large", detail = "The body is too large.", retry = null }
    THROTTLED         = { status = 429, shown = 429, code = "rate_limited", title = "Too many requests", detail = "Too many requests. Please wait a moment.", retry = 1 }
    UNAUTHORIZED      = { status = 401, shown = 401, code = "unauthorized", title = "Not authenticated", detail = "This call needs valid credentials.", retry = null }
    WAF_FILTERED      = { status = 403, shown = 403, code = "unauthorized", title = "Forbidden", detail = "The firewall rejected the request.", retry = null }
  }

  definition = {
    openapi = "3.0.1"
    info    = { title = "Learning Yogi chatbot", version = "1" }
    components = {
      securitySchemes = { iam = { type = "apiKey", name = "Authorization", in = "header", x-amazon-apigateway-authtype = "awsSigv4" } }
    }
    paths = { for path, method in local.routes : path => {
      (method) = { security = path == "/health" ? [] : local.signed, x-amazon-apigateway-integration = local.integration }
      options  = { security = [], x-amazon-apigateway-integration = local.integration }
    } }
    x-amazon-apigateway-gateway-responses = { for type, response in local.gateway_responses : type => merge(
      response.status == null ? {} : { statusCode = tostring(response.status) },
      {
        responseParameters = merge({
          "gatewayresponse.header.Access-Control-Allow-Origin"   = "'${var.allowed_origins[0]}'"
          "gatewayresponse.header.Access-Control-Expose-Headers" = "'Location,Retry-After'"
          "gatewayresponse.header.Cache-Control"                 = "'no-store'"
        }, response.retry == null ? {} : { "gatewayresponse.header.Retry-After" = "'${response.retry}'" })
        responseTemplates = { for type in ["application/problem+json", "application/json"] : type =>
          "{\"type\":\"urn:learning-yogi:chatbot:error:${response.code}\",\"title\":\"${response.title}\",\"status\":${response.shown},\"detail\":\"${response.detail}\"}"
        }
      },
    ) }
  }
}

resource "aws_api_gateway_rest_api" "main" {
  name = local.name
  body = jsonencode(local.definition)
  tags = local.tags

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_deployment" "main" {
  rest_api_id = aws_api_gateway_rest_api.main.id
  triggers    = { definition = sha256(aws_api_gateway_rest_api.main.body) }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "rest_access" {
  name              = "/aws/apigateway/${local.name}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_api_gateway_stage" "main" {
  rest_api_id          = aws_api_gateway_rest_api.main.id
  deployment_id        = aws_api_gateway_deployment.main.id
  stage_name           = var.stage
  xray_tracing_enabled = true
  tags                 = local.tags

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.rest_access.arn
    # Without path parameters and query strings: they contain IDs.
    format = jsonencode({
      requestId = "$context.requestId"
      ip        = "$context.identity.sourceIp"
      time      = "$context.requestTime"
      method    = "$context.httpMethod"
      route     = "$context.resourcePath"
      status    = "$context.status"
      latency   = "$context.responseLatency"
      length    = "$context.responseLength"
      error     = "$context.error.responseType"
    })
  }

  # Creating a stage with access logs fails before the account has this role.
  depends_on = [aws_api_gateway_account.logs]
}

resource "aws_api_gateway_method_settings" "all" {
  rest_api_id = aws_api_gateway_rest_api.main.id
  stage_name  = aws_api_gateway_stage.main.stage_name
  method_path = "*/*"

  settings {
    logging_level          = "OFF"
    data_trace_enabled     = false
    metrics_enabled        = true
    throttling_rate_limit  = var.throttle_rate
    throttling_burst_limit = var.throttle_burst
  }
}

resource "aws_lambda_permission" "rest" {
  function_name = aws_lambda_function.main["ingress"].function_name
  qualifier     = aws_lambda_alias.live["ingress"].name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${aws_api_gateway_rest_api.main.id}/${var.stage}/*/*"
}

# The account's logging role, shared by all its APIs: one per account and region.
data "aws_iam_policy_document" "assume_by_api_gateway" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["apigateway.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "api_gateway_logs" {
  count              = var.api_gateway_log_role ? 1 : 0
  name               = "${local.name}-api-gateway-logs"
  assume_role_policy = data.aws_iam_policy_document.assume_by_api_gateway.json
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "api_gateway_logs" {
  count      = var.api_gateway_log_role ? 1 : 0
  role       = aws_iam_role.api_gateway_logs[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "logs" {
  count               = var.api_gateway_log_role ? 1 : 0
  cloudwatch_role_arn = aws_iam_role.api_gateway_logs[0].arn

  # API Gateway checks at once whether the role may write logs.
  depends_on = [aws_iam_role_policy_attachment.api_gateway_logs]
}
