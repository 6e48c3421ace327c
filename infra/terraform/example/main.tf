# Deploys the chatbot as it is, in one region. Build the functions first, as README.md says.

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
  description = "What the widget's apiUrl takes."
  value       = module.chatbot.chatbot_api_url
}
