# Names and locals.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  is_prod     = var.stage == "prod"
  name        = local.is_prod ? "learning-yogi-chatbot" : "learning-yogi-chatbot-${var.stage}"
  secrets     = local.is_prod ? "/learning-yogi/chatbot" : "/learning-yogi/chatbot/${var.stage}"
  account     = data.aws_caller_identity.current.account_id
  partition   = data.aws_partition.current.partition
  region      = data.aws_region.current.name
  suffix      = data.aws_partition.current.dns_suffix
  has_kms     = var.kms_key_arn != ""
  kms_key_arn = local.has_kms ? var.kms_key_arn : null
  tags        = { project = "learning-yogi-chatbot", stage = var.stage }
}
