output "chatbot_api_url" {
  description = "The REST API's address; the widget's apiUrl."
  value       = local.api_url
}

output "chatbot_websocket_url" {
  description = "The WebSocket API's address; answers of the REST API name it too."
  value       = local.websocket_url
}

output "sessions_table" {
  description = "The table."
  value       = aws_dynamodb_table.sessions.name
}

output "queue_urls" {
  description = "The queues of requests and replies."
  value       = { for queue, resource in aws_sqs_queue.main : queue => resource.url }
}

output "dead_letter_urls" {
  description = "Their dead letters."
  value       = { for queue, resource in aws_sqs_queue.dead_letters : queue => resource.url }
}

output "event_bus_name" {
  description = "The bus of the analytics events."
  value       = aws_cloudwatch_event_bus.main.name
}

output "event_store_bucket_name" {
  description = "The bucket of the stored events, if there is one."
  value       = var.event_store ? aws_s3_bucket.events[0].bucket : null
}

output "event_work_group_name" {
  description = "Where Athena asks them."
  value       = var.event_store ? aws_athena_workgroup.events[0].name : null
}

output "api_keys_secret_arn" {
  description = "Where the providers' keys go."
  value       = aws_secretsmanager_secret.api_keys.arn
}

output "operator_policy_arn" {
  description = "What operators may do, to be attached to their roles."
  value       = aws_iam_policy.operator.arn
}

output "signing_secret_arn" {
  description = "What session tokens are signed with."
  value       = aws_secretsmanager_secret.signing_key.arn
}

output "function_names" {
  description = "The three functions."
  value       = { for function, resource in aws_lambda_function.main : function => resource.function_name }
}

output "documents_cluster_arn" {
  description = "The new cluster, if one was made."
  value       = local.makes_aurora ? aws_rds_cluster.documents[0].arn : null
}

output "documents_reader_secret_arn" {
  description = "Its read-only login."
  value       = local.makes_aurora ? aws_secretsmanager_secret.documents_reader[0].arn : null
}
