# The WebSocket API. Only the authorizer decides on $connect; the first frame, resume, writes the connection's row.
# No access logs, because the query string contains a ticket.

resource "aws_apigatewayv2_api" "socket" {
  name                       = "${local.name}-socket"
  protocol_type              = "WEBSOCKET"
  route_selection_expression = "$request.body.type"
  tags                       = local.tags
}

resource "aws_apigatewayv2_authorizer" "ticket" {
  api_id           = aws_apigatewayv2_api.socket.id
  name             = "ticket"
  authorizer_type  = "REQUEST"
  authorizer_uri   = aws_lambda_alias.live["ingress"].invoke_arn
  identity_sources = ["route.request.querystring.ticket"]
}

resource "aws_apigatewayv2_integration" "connect" {
  api_id                        = aws_apigatewayv2_api.socket.id
  integration_type              = "MOCK"
  template_selection_expression = "200"
  request_templates             = { "200" = jsonencode({ statusCode = 200 }) }
}

resource "aws_apigatewayv2_integration_response" "connect" {
  api_id                   = aws_apigatewayv2_api.socket.id
  integration_id           = aws_apigatewayv2_integration.connect.id
  integration_response_key = "$default"
}

resource "aws_apigatewayv2_route" "connect" {
  api_id                              = aws_apigatewayv2_api.socket.id
  route_key                           = "$connect"
  authorization_type                  = "CUSTOM"
  authorizer_id                       = aws_apigatewayv2_authorizer.ticket.id
  route_response_selection_expression = "$default"
  target                              = "integrations/${aws_apigatewayv2_integration.connect.id}"
}

resource "aws_apigatewayv2_route_response" "connect" {
  api_id             = aws_apigatewayv2_api.socket.id
  route_id           = aws_apigatewayv2_route.connect.id
  route_response_key = "$default"
}

resource "aws_apigatewayv2_integration" "ingress" {
  api_id             = aws_apigatewayv2_api.socket.id
  integration_type   = "AWS_PROXY"
  integration_method = "POST"
  integration_uri    = aws_lambda_alias.live["ingress"].invoke_arn
}

resource "aws_apigatewayv2_route" "frame" {
  for_each           = toset(["resume", "$default", "$disconnect"])
  api_id             = aws_apigatewayv2_api.socket.id
  route_key          = each.key
  authorization_type = "NONE"
  target             = "integrations/${aws_apigatewayv2_integration.ingress.id}"
}

resource "aws_cloudwatch_log_group" "socket_access" {
  name              = "/aws/apigateway/${local.name}-socket"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_apigatewayv2_stage" "socket" {
  api_id      = aws_apigatewayv2_api.socket.id
  name        = var.stage
  auto_deploy = true
  tags        = local.tags

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.socket_access.arn
    # None of these variables contains the URL's query, and with it the ticket.
    format = jsonencode({
      requestId         = "$context.requestId"
      ip                = "$context.identity.sourceIp"
      time              = "$context.requestTime"
      event             = "$context.eventType"
      route             = "$context.routeKey"
      connection        = "$context.connectionId"
      status            = "$context.status"
      integrationStatus = "$context.integrationStatus"
      authorizerStatus  = "$context.authorizer.status"
      error             = "$context.error.responseType"
    })
  }

  default_route_settings {
    data_trace_enabled     = false
    logging_level          = "OFF"
    throttling_rate_limit  = var.throttle_rate
    throttling_burst_limit = var.throttle_burst
  }

  # Creating a stage with access logs fails before the account has this role.
  depends_on = [aws_api_gateway_account.logs]
}

resource "aws_lambda_permission" "socket" {
  function_name = aws_lambda_function.main["ingress"].function_name
  qualifier     = aws_lambda_alias.live["ingress"].name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${aws_apigatewayv2_api.socket.id}/*"
}
