# Secrets, and the parameters that change without a deployment.

resource "aws_secretsmanager_secret" "api_keys" {
  name        = "${local.secrets}/api-keys"
  description = "The provider keys. Set them with put-secret-value."
  kms_key_id  = local.kms_key_arn
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "api_keys" {
  secret_id     = aws_secretsmanager_secret.api_keys.id
  secret_string = jsonencode({ ANTHROPIC_API_KEY = var.anthropic_api_key, OPENAI_API_KEY = var.openai_api_key })

  lifecycle {
    ignore_changes = [secret_string] # later managed with put-secret-value
  }
}

resource "aws_secretsmanager_secret" "signing_key" {
  name        = "${local.secrets}/signing-key"
  description = "Signs session tokens and tickets. See docs/DEPLOY.md for how to rotate it."
  kms_key_id  = local.kms_key_arn
  tags        = local.tags
}

data "aws_secretsmanager_random_password" "signing_key" {
  password_length     = 64
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "signing_key" {
  secret_id     = aws_secretsmanager_secret.signing_key.id
  secret_string = jsonencode({ id = "k1", key = data.aws_secretsmanager_random_password.signing_key.random_password })

  lifecycle {
    ignore_changes = [secret_string] # every plan generates a new password
  }
}

resource "aws_ssm_parameter" "provider_preference" {
  name        = "${local.secrets}/provider-preference"
  description = "The order in which providers are called. Workers reread it every five minutes."
  type        = "String"
  value       = var.provider_preference
  tags        = local.tags
}
