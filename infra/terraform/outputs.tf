output "chatbot_api_url" {
  description = "The URL of the REST API, for the chat window's apiUrl."
  value       = local.api_url
}

output "chatbot_websocket_url" {
  description = "The URL of the WebSocket API. The REST API also returns it."
  value       = local.websocket_url
}

output "sessions_table" {
  description = "The table of sessions."
  value       = aws_dynamodb_table.sessions.name
}

output "queue_urls" {
  description = "The request queue and the reply queue."
  value       = { for queue, resource in aws_sqs_queue.main : queue => resource.url }
}

output "dead_letter_urls" {
  description = "Their dead-letter queues."
  value       = { for queue, resource in aws_sqs_queue.dead_letters : queue => resource.url }
}

output "event_bus_name" {
  description = "The event bus for analytics events."
  value       = aws_cloudwatch_event_bus.main.name
}

output "event_store_bucket_name" {
  description = "The bucket of the event store, if it is enabled."
  value       = var.event_store ? aws_s3_bucket.events[0].bucket : null
}

output "event_work_group_name" {
  description = "The Athena work group for the event store."
  value       = var.event_store ? aws_athena_workgroup.events[0].name : null
}

output "api_keys_secret_arn" {
  description = "The secret for the provider keys."
  value       = aws_secretsmanager_secret.api_keys.arn
}

output "operator_policy_arn" {
  description = "The policy to attach to the operators' roles."
  value       = aws_iam_policy.operator.arn
}

output "signing_secret_arn" {
  description = "The secret with the signing keys."
  value       = aws_secretsmanager_secret.signing_key.arn
}

output "function_names" {
  description = "The three functions."
  value       = { for function, resource in aws_lambda_function.main : function => resource.function_name }
}

output "documents_cluster_arn" {
  description = "The created cluster, if any."
  value       = local.makes_aurora ? aws_rds_cluster.documents[0].arn : null
}

output "documents_admin_secret_arn" {
  description = "The secret of the cluster's administrator, for infra/aurora/setup.sh."
  value       = try(aws_rds_cluster.documents[0].master_user_secret[0].secret_arn, null)
}

output "documents_editor_secret_arn" {
  description = "The secret of the login that operators write documents with."
  value       = local.makes_aurora ? aws_secretsmanager_secret.documents_editor[0].arn : null
}

output "documents_reader_secret_arn" {
  description = "The secret of the cluster's read-only login."
  value       = local.makes_aurora ? aws_secretsmanager_secret.documents_reader[0].arn : null
}
