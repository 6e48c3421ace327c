# The bus, its archive, a sample consumer, and the schemas.

resource "aws_cloudwatch_event_bus" "main" {
  name = local.name
  tags = local.tags
}

resource "aws_cloudwatch_event_archive" "main" {
  name             = local.name
  event_source_arn = aws_cloudwatch_event_bus.main.arn
  retention_days   = 30
  event_pattern    = jsonencode({ source = ["learning-yogi.chatbot"] })
}

resource "aws_cloudwatch_log_group" "events" {
  count             = var.log_events ? 1 : 0
  name              = "/aws/events/${local.name}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_cloudwatch_log_resource_policy" "events" {
  count       = var.log_events ? 1 : 0
  policy_name = "${local.name}-events"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventBridgeWrites"
      Effect    = "Allow"
      Principal = { Service = ["events.amazonaws.com", "delivery.logs.amazonaws.com"] }
      Action    = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource  = "${aws_cloudwatch_log_group.events[0].arn}:*"
    }]
  })
}

resource "aws_cloudwatch_event_rule" "log" {
  count          = var.log_events ? 1 : 0
  name           = "${local.name}-log"
  description    = "A sample consumer. Replace it with your own."
  event_bus_name = aws_cloudwatch_event_bus.main.name
  event_pattern  = jsonencode({ source = ["learning-yogi.chatbot"] })
  tags           = local.tags
}

resource "aws_cloudwatch_event_target" "log" {
  count          = var.log_events ? 1 : 0
  rule           = aws_cloudwatch_event_rule.log[0].name
  event_bus_name = aws_cloudwatch_event_bus.main.name
  target_id      = "log"
  arn            = aws_cloudwatch_log_group.events[0].arn
}

locals {
  schemas = {
    ChatMessage    = "chat-message"
    ChatFailed     = "chat-failed"
    ChatFeedback   = "chat-feedback"
    SessionExpired = "session-expired"
    SessionDeleted = "session-deleted"
  }
}

resource "aws_schemas_registry" "main" {
  name        = local.name
  description = "The detail schemas of the analytics events."
  tags        = local.tags
}

resource "aws_schemas_schema" "event" {
  for_each      = local.schemas
  name          = "learning-yogi.chatbot@${each.key}"
  registry_name = aws_schemas_registry.main.name
  type          = "JSONSchemaDraft4"
  content       = file("${path.module}/../../contracts/events/${each.value}.schema.json")
  tags          = local.tags
}
