# Documents: an existing cluster, a new one, or none; and the worker's endpoint for the table in a VPC.

locals {
  makes_aurora       = var.aurora_mode == "create"
  aurora_cluster_arn = local.makes_aurora ? aws_rds_cluster.documents[0].arn : var.aurora_cluster_arn
  aurora_secret_arn  = local.makes_aurora ? aws_secretsmanager_secret.documents_reader[0].arn : var.aurora_secret_arn
  has_editor         = local.makes_aurora || (var.aurora_mode == "existing" && var.aurora_editor_secret_arn != "")
  editor_secret_arn  = local.makes_aurora ? aws_secretsmanager_secret.documents_editor[0].arn : var.aurora_editor_secret_arn
}

resource "aws_rds_cluster" "documents" {
  count                       = local.makes_aurora ? 1 : 0
  cluster_identifier          = "${local.name}-documents"
  engine                      = "aurora-postgresql"
  engine_version              = "17.7"
  database_name               = "learningyogi"
  master_username             = "chatbot_admin"
  manage_master_user_password = true
  enable_http_endpoint        = true
  storage_encrypted           = true
  kms_key_id                  = local.kms_key_arn
  backup_retention_period     = 7
  deletion_protection         = var.deletion_protection
  copy_tags_to_snapshot       = true
  final_snapshot_identifier   = "${local.name}-documents-${formatdate("YYYYMMDDhhmmss", plantimestamp())}"
  db_subnet_group_name        = aws_db_subnet_group.documents[0].name
  vpc_security_group_ids      = [aws_security_group.documents[0].id]
  tags                        = local.tags

  serverlessv2_scaling_configuration {
    min_capacity             = 0
    max_capacity             = 2
    seconds_until_auto_pause = 600
  }

  # The snapshot's name is that of the plan which created the cluster: the name of an earlier one is taken.
  lifecycle {
    ignore_changes = [final_snapshot_identifier]
  }
}

resource "aws_rds_cluster_instance" "documents" {
  count               = local.makes_aurora ? 1 : 0
  cluster_identifier  = aws_rds_cluster.documents[0].id
  engine              = "aurora-postgresql"
  instance_class      = "db.serverless"
  publicly_accessible = false
  tags                = local.tags
}

resource "aws_db_subnet_group" "documents" {
  count       = local.makes_aurora ? 1 : 0
  name        = "${local.name}-documents"
  description = "The chatbot's documents."
  subnet_ids  = var.aurora_subnet_ids
  tags        = local.tags
}

# No inbound rule: the Data API does not connect through the VPC.
resource "aws_security_group" "documents" {
  count       = local.makes_aurora ? 1 : 0
  name        = "${local.name}-documents"
  description = "Documents of the chatbot. Reached through the Data API only."
  vpc_id      = var.aurora_vpc_id
  tags        = local.tags
}

resource "aws_secretsmanager_secret" "documents_reader" {
  count       = local.makes_aurora ? 1 : 0
  name        = "${local.secrets}/documents-reader"
  description = "The read-only login that infra/aurora/setup.sh creates."
  kms_key_id  = local.kms_key_arn
  tags        = local.tags
}

data "aws_secretsmanager_random_password" "documents_reader" {
  count               = local.makes_aurora ? 1 : 0
  password_length     = 40
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "documents_reader" {
  count         = local.makes_aurora ? 1 : 0
  secret_id     = aws_secretsmanager_secret.documents_reader[0].id
  secret_string = jsonencode({ username = "chatbot_reader", password = data.aws_secretsmanager_random_password.documents_reader[0].random_password })

  lifecycle {
    ignore_changes = [secret_string] # every plan generates a new password
  }
}

resource "aws_secretsmanager_secret" "documents_editor" {
  count       = local.makes_aurora ? 1 : 0
  name        = "${local.secrets}/documents-editor"
  description = "The login that operators write documents with; infra/aurora/setup.sh creates it."
  kms_key_id  = local.kms_key_arn
  tags        = local.tags
}

data "aws_secretsmanager_random_password" "documents_editor" {
  count               = local.makes_aurora ? 1 : 0
  password_length     = 40
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "documents_editor" {
  count         = local.makes_aurora ? 1 : 0
  secret_id     = aws_secretsmanager_secret.documents_editor[0].id
  secret_string = jsonencode({ username = "chatbot_editor", password = data.aws_secretsmanager_random_password.documents_editor[0].random_password })

  lifecycle {
    ignore_changes = [secret_string] # every plan generates a new password
  }
}

resource "aws_vpc_endpoint" "table" {
  count             = var.vpc_id != "" ? 1 : 0
  vpc_id            = var.vpc_id
  service_name      = "com.amazonaws.${local.region}.dynamodb"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = var.vpc_route_table_ids
  tags              = local.tags
}
