# Custom domains; the two APIs cannot share one.

resource "aws_api_gateway_domain_name" "rest" {
  count                    = var.custom_domain_name != "" ? 1 : 0
  domain_name              = var.custom_domain_name
  regional_certificate_arn = var.certificate_arn
  security_policy          = "TLS_1_2"
  tags                     = local.tags

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_base_path_mapping" "rest" {
  count       = var.custom_domain_name != "" ? 1 : 0
  api_id      = aws_api_gateway_rest_api.main.id
  stage_name  = aws_api_gateway_stage.main.stage_name
  domain_name = aws_api_gateway_domain_name.rest[0].domain_name
}

resource "aws_apigatewayv2_domain_name" "socket" {
  count       = var.websocket_domain_name != "" ? 1 : 0
  domain_name = var.websocket_domain_name
  tags        = local.tags

  domain_name_configuration {
    certificate_arn = var.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "socket" {
  count       = var.websocket_domain_name != "" ? 1 : 0
  api_id      = aws_apigatewayv2_api.socket.id
  stage       = aws_apigatewayv2_stage.socket.name
  domain_name = aws_apigatewayv2_domain_name.socket[0].domain_name
}
