# Deploys the chatbot with defaults, in one region. Build the functions first; see README.md.

variable "region" {
  description = "The region of the deployment."
  type        = string
  default     = "us-east-1"
}

variable "allow_anonymous" {
  description = "Whether callers without credentials are accepted. It decides who may spend your money."
  type        = bool
}

variable "allowed_origins" {
  description = "The exact origins of pages that may call the API, such as [\"https://app.example.com\"]."
  type        = list(string)
}

variable "architecture" {
  description = "The processor architecture that the functions were built for, arm64 or x86_64."
  type        = string
  default     = "arm64"
}

variable "api_gateway_log_role" {
  description = "Whether to create the account's role for API Gateway's logs. Do it in one stack per account and region."
  type        = bool
  default     = false
}

provider "aws" {
  region = var.region
}

module "chatbot" {
  source = "../"

  allow_anonymous      = var.allow_anonymous
  allowed_origins      = var.allowed_origins
  api_gateway_log_role = var.api_gateway_log_role
  architecture         = var.architecture

  packages = {
    ingress  = "${path.root}/../../../target/lambda/ingress/bootstrap.zip"
    worker   = "${path.root}/../../../target/lambda/worker/bootstrap.zip"
    notifier = "${path.root}/../../../target/lambda/notifier/bootstrap.zip"
  }
}

output "chatbot_api_url" {
  description = "The URL for the chat window's apiUrl."
  value       = module.chatbot.chatbot_api_url
}
