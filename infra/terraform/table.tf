# The table. Its index projects keys only; due items are read by key. Every change to a projected attribute would
# be billed twice.

resource "aws_dynamodb_table" "sessions" {
  name         = local.is_prod ? "chatbot-sessions" : "chatbot-sessions-${var.stage}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "session_id"
  range_key    = "item"
  tags         = local.tags

  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "session_id"
    type = "S"
  }
  attribute {
    name = "item"
    type = "S"
  }
  attribute {
    name = "due_shard"
    type = "S"
  }
  attribute {
    name = "due"
    type = "N"
  }

  global_secondary_index {
    name            = "due"
    hash_key        = "due_shard"
    range_key       = "due"
    projection_type = "KEYS_ONLY"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  dynamic "server_side_encryption" {
    for_each = local.has_kms ? [var.kms_key_arn] : []
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }
}
