# The parameters of template.yaml, under Terraform's kind of names.

variable "stage" {
  description = "Part of every name but prod's, and the dimension of every metric."
  type        = string
  default     = "prod"
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,15}$", var.stage))
    error_message = "stage must be up to 16 small letters and digits."
  }
}

variable "auth_mode" {
  description = "NONE issues session tokens; AWS_IAM and JWT leave identity to you."
  type        = string
  default     = "NONE"
  validation {
    condition     = contains(["NONE", "AWS_IAM", "JWT"], var.auth_mode)
    error_message = "auth_mode must be one of NONE, AWS_IAM, JWT."
  }
}

variable "allow_anonymous" {
  description = "With NONE, whether a caller without credentials becomes a new principal. There is no default, because it decides who spends your money."
  type        = bool
  validation {
    condition     = !var.allow_anonymous || var.auth_mode == "NONE"
    error_message = "allow_anonymous must be false unless auth_mode is NONE."
  }
  validation {
    condition     = !var.allow_anonymous || var.daily_budget_usd != null
    error_message = "daily_budget_usd must be set where allow_anonymous is true, because anybody can then spend it."
  }
}

variable "allowed_origins" {
  description = "The origins of pages that may call and connect."
  type        = list(string)
  validation {
    condition     = length(var.allowed_origins) > 0 && alltrue([for o in var.allowed_origins : can(regex("^[a-z]+://[^/*,]+$", o))])
    error_message = "allowed_origins must be origins such as https://app.example.com, without a path."
  }
}

variable "jwt_issuer" {
  description = "With JWT: the issuer of accepted tokens."
  type        = string
  default     = ""
  validation {
    condition     = var.auth_mode != "JWT" || var.jwt_issuer != ""
    error_message = "jwt_issuer must be set where auth_mode is JWT."
  }
}

variable "jwt_audience" {
  description = "With JWT: the accepted audiences, separated by commas."
  type        = list(string)
  default     = []
  validation {
    condition     = var.auth_mode != "JWT" || length(var.jwt_audience) > 0
    error_message = "jwt_audience must be set where auth_mode is JWT."
  }
}

variable "jwks_url" {
  description = "With JWT: where the issuer's keys are, if not at its /.well-known/jwks.json."
  type        = string
  default     = ""
}

variable "daily_budget_usd" {
  description = "What all answers of a UTC day may cost together."
  type        = number
  default     = 5
  nullable    = true
}

variable "principal_daily_budget_usd" {
  description = "What one principal's answers of a UTC day may cost."
  type        = number
  default     = 0.50
  nullable    = true
}

variable "rate_principal_per_minute" {
  description = "New messages of one principal in a minute; 0 is no limit."
  type        = number
  default     = 30
  validation {
    condition     = var.rate_principal_per_minute >= 0
    error_message = "rate_principal_per_minute must be at least 0."
  }
}

variable "rate_address_per_5_minutes" {
  description = "New messages and sessions from one address in five minutes; 0 is no limit."
  type        = number
  default     = 1000
  validation {
    condition     = var.rate_address_per_5_minutes >= 0
    error_message = "rate_address_per_5_minutes must be at least 0."
  }
}

variable "provider_preference" {
  description = "The order in which providers are asked; later changes are made in Parameter Store."
  type        = string
  default     = "claude,openai"
}

variable "claude_model" {
  description = "Claude's model."
  type        = string
  default     = "claude-haiku-5-5"
}

variable "openai_model" {
  description = "OpenAI's model."
  type        = string
  default     = "gpt-6-luna"
}

variable "anthropic_base_url" {
  description = "Where Claude is, if not at Anthropic."
  type        = string
  default     = ""
}

variable "openai_base_url" {
  description = "Where OpenAI's protocol is spoken, if not at OpenAI."
  type        = string
  default     = ""
}

variable "bedrock_model" {
  description = "Bedrock: a Claude model's id or the ARN of a profile; name bedrock in provider_preference too. Calls are signed by the worker's role unless a key AWS_BEARER_TOKEN_BEDROCK is in the secret."
  type        = string
  default     = ""
}

variable "bedrock_base_url" {
  description = "Where Bedrock is, if not in this region."
  type        = string
  default     = ""
}

variable "max_tokens" {
  description = "The longest reply, in the provider's tokens."
  type        = number
  default     = 1024
  validation {
    condition     = var.max_tokens >= 1 && var.max_tokens <= 64000
    error_message = "max_tokens must be from 1 to 64000."
  }
}

variable "anthropic_api_key" {
  description = "Claude's key; better set with put-secret-value, since a stack keeps its parameters."
  type        = string
  default     = ""
  sensitive   = true
}

variable "openai_api_key" {
  description = "OpenAI's key; better set with put-secret-value, since a stack keeps its parameters."
  type        = string
  default     = ""
  sensitive   = true
}

variable "prompt_caching" {
  description = "Whether providers are asked to keep the beginnings of prompts; empty: all but a compatible server at openai_base_url."
  type        = string
  default     = ""
  validation {
    condition     = contains(["", "true", "false"], var.prompt_caching)
    error_message = "prompt_caching must be empty or one of true, false."
  }
}

variable "reply_cache" {
  description = "Where replies are kept for the same first question: nowhere, in each worker's memory, or in Redis or Valkey."
  type        = string
  default     = "off"
  validation {
    condition     = contains(["off", "memory", "redis"], var.reply_cache)
    error_message = "reply_cache must be one of off, memory, redis."
  }
}

variable "reply_cache_url" {
  description = "With redis: its address. A password goes into the secret of the providers' keys, as REPLY_CACHE_PASSWORD."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(rediss://([^@/: ]+@)?[^@/ ]+(/[0-9]+)?)?$", var.reply_cache_url))
    error_message = "reply_cache_url must be an address such as rediss://cache.example.com:6379, without a password."
  }
  validation {
    condition     = var.reply_cache != "redis" || var.reply_cache_url != ""
    error_message = "reply_cache_url must be set where reply_cache is redis."
  }
}

variable "reply_cache_seconds" {
  description = "How long a reply is kept."
  type        = number
  default     = 3600
  validation {
    condition     = var.reply_cache_seconds >= 1 && var.reply_cache_seconds <= 604800
    error_message = "reply_cache_seconds must be from 1 to 604800."
  }
}

variable "product_name" {
  description = "The product's name in the prompt."
  type        = string
  default     = "Learning Yogi"
}

variable "tone" {
  description = "The tone asked for in the prompt."
  type        = string
  default     = "friendly, clear and brief"
}

variable "enable_context" {
  description = "Whether documents are part of the prompt."
  type        = bool
  default     = true
}

variable "aurora_mode" {
  description = "Where documents come from: nowhere, a cluster that you have, or a new one."
  type        = string
  default     = "none"
  validation {
    condition     = contains(["none", "existing", "create"], var.aurora_mode)
    error_message = "aurora_mode must be one of none, existing, create."
  }
}

variable "aurora_cluster_arn" {
  description = "With existing: the cluster, its Data API switched on."
  type        = string
  default     = ""
  validation {
    condition     = var.aurora_mode != "existing" || var.aurora_cluster_arn != ""
    error_message = "aurora_cluster_arn must be set where aurora_mode is existing."
  }
}

variable "aurora_secret_arn" {
  description = "With existing: the secret of a read-only login."
  type        = string
  default     = ""
  validation {
    condition     = var.aurora_mode != "existing" || var.aurora_secret_arn != ""
    error_message = "aurora_secret_arn must be set where aurora_mode is existing."
  }
}

variable "aurora_vpc_id" {
  description = "With create: the VPC of the cluster."
  type        = string
  default     = ""
  validation {
    condition     = var.aurora_mode != "create" || var.aurora_vpc_id != ""
    error_message = "aurora_vpc_id must be set where aurora_mode is create."
  }
}

variable "aurora_subnet_ids" {
  description = "With create: at least two private subnets in different zones, separated by commas."
  type        = list(string)
  default     = []
  validation {
    condition     = var.aurora_mode != "create" || length(var.aurora_subnet_ids) > 0
    error_message = "aurora_subnet_ids must be set where aurora_mode is create."
  }
}

variable "document_sql" {
  description = "Reads one document; must use :id and, unless DocumentsPublic, :principal."
  type        = string
  default     = "SELECT title, content FROM documents WHERE id = :id AND (owner IS NULL OR owner = :principal)"
}

variable "documents_public" {
  description = "Whether every document may be read by everybody."
  type        = bool
  default     = false
}

variable "architecture" {
  description = "The functions' processor."
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be one of arm64, x86_64."
  }
}

variable "memory_size" {
  description = "Of each function, in MB."
  type        = number
  default     = 128
  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size must be from 128 to 10240."
  }
}

variable "worker_max_concurrency" {
  description = "How many turns are answered at once; what the providers' quota can bear."
  type        = number
  default     = 10
  validation {
    condition     = var.worker_max_concurrency >= 2 && var.worker_max_concurrency <= 1000
    error_message = "worker_max_concurrency must be from 2 to 1000."
  }
}

variable "provisioned_concurrency" {
  description = "Environments of ingress and worker that are kept ready; 0 is none."
  type        = number
  default     = 0
  validation {
    condition     = var.provisioned_concurrency >= 0
    error_message = "provisioned_concurrency must be at least 0."
  }
}

variable "warming" {
  description = "Whether each function is called every five minutes."
  type        = bool
  default     = false
}

variable "session_ttl_hours" {
  description = "How long a session lives without activity."
  type        = number
  default     = 24
  validation {
    condition     = var.session_ttl_hours >= 1 && var.session_ttl_hours <= 168
    error_message = "session_ttl_hours must be from 1 to 168."
  }
}

variable "vpc_subnet_ids" {
  description = "Private subnets with a NAT route for the worker, separated by commas; empty: no VPC."
  type        = list(string)
  default     = []
}

variable "vpc_security_group_ids" {
  description = "The worker's security groups in that VPC."
  type        = list(string)
  default     = []
}

variable "vpc_id" {
  description = "The worker's VPC, for a gateway endpoint to DynamoDB; empty: no endpoint."
  type        = string
  default     = ""
}

variable "vpc_route_table_ids" {
  description = "The route tables of that endpoint."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "A key of your own for queues, table, secrets and the event store; empty: the services' own keys."
  type        = string
  default     = ""
}

variable "throttle_rate" {
  description = "Requests a second that each API takes."
  type        = number
  default     = 100
  validation {
    condition     = var.throttle_rate >= 1
    error_message = "throttle_rate must be at least 1."
  }
}

variable "throttle_burst" {
  description = "Requests at once that each API takes."
  type        = number
  default     = 200
  validation {
    condition     = var.throttle_burst >= 1
    error_message = "throttle_burst must be at least 1."
  }
}

variable "waf" {
  description = "Whether a firewall stands before the REST API."
  type        = bool
  default     = true
}

variable "api_gateway_log_role" {
  description = "Whether to make the account's role for API Gateway's logs: once an account and region."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653."
  }
}

variable "log_events" {
  description = "Whether analytics events are also written to a log group."
  type        = bool
  default     = true
}

variable "event_store" {
  description = "Whether analytics events are also kept in S3, where Athena can ask them."
  type        = bool
  default     = false
}

variable "event_store_days" {
  description = "How long the store keeps an event."
  type        = number
  default     = 400
  validation {
    condition     = var.event_store_days >= 1 && var.event_store_days <= 3650
    error_message = "event_store_days must be from 1 to 3650."
  }
}

variable "analytics_text" {
  description = "Whether events carry messages, replies and comments."
  type        = bool
  default     = false
}

variable "alarm_email" {
  description = "Who is told of alarms; empty is nobody."
  type        = string
  default     = ""
}

variable "alarm_cost_per_hour_usd" {
  description = "What answers may cost in an hour before an alarm."
  type        = number
  default     = 5
  validation {
    condition     = var.alarm_cost_per_hour_usd >= 0.01
    error_message = "alarm_cost_per_hour_usd must be at least 0.01."
  }
}

variable "custom_domain_name" {
  description = "A domain for the REST API."
  type        = string
  default     = ""
}

variable "websocket_domain_name" {
  description = "Another domain for the WebSocket API; the two cannot share one."
  type        = string
  default     = ""
}

variable "certificate_arn" {
  description = "The certificate of both domains, in this region."
  type        = string
  default     = ""
}

variable "packages" {
  description = "The zip files of the functions, as cargo lambda builds them with --output-format zip."
  type = object({
    ingress  = string
    worker   = string
    notifier = string
  })
}
