# Keys, and what changes without a deployment.

resource "aws_secretsmanager_secret" "api_keys" {
  name        = "${local.secrets}/api-keys"
  description = "The providers' keys; set them with put-secret-value."
  kms_key_id  = local.kms_key_arn
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "api_keys" {
  secret_id     = aws_secretsmanager_secret.api_keys.id
  secret_string = jsonencode({ ANTHROPIC_API_KEY = var.anthropic_api_key, OPENAI_API_KEY = var.openai_api_key })

  lifecycle {
    ignore_changes = [secret_string] # put-secret-value owns it after the first time
  }
}

resource "aws_secretsmanager_secret" "signing_key" {
  name        = "${local.secrets}/signing-key"
  description = "Signs session tokens and tickets. docs/DEPLOY.md says how to rotate it."
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
    ignore_changes = [secret_string] # another password is drawn at every plan
  }
}

resource "aws_ssm_parameter" "provider_preference" {
  name        = "${local.secrets}/provider-preference"
  description = "The order in which providers are asked; workers read it again every few minutes."
  type        = "String"
  value       = var.provider_preference
  tags        = local.tags
}
