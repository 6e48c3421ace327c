# Deploys the chatbot with defaults, in one region. Build the functions first; see README.md.

provider "aws" {
  region = "us-east-1"
}

module "chatbot" {
  source = "../"

  allow_anonymous = true
  allowed_origins = ["https://app.example.com"]

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
