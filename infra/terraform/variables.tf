# The parameters of template.yaml, in snake case.

variable "stage" {
  description = "The name of the stage. It is part of every resource name except in prod, and a dimension of every metric."
  type        = string
  default     = "prod"
  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,15}$", var.stage))
    error_message = "stage must be up to 16 lower-case letters and digits."
  }
}

variable "auth_mode" {
  description = "How callers are identified. NONE issues session tokens; with AWS_IAM and JWT you provide the identity."
  type        = string
  default     = "NONE"
  validation {
    condition     = contains(["NONE", "AWS_IAM", "JWT"], var.auth_mode)
    error_message = "auth_mode must be one of NONE, AWS_IAM, JWT."
  }
}

variable "allow_anonymous" {
  description = "With NONE, whether callers without credentials are accepted as new principals. There is no default, because it decides who may spend your money."
  type        = bool
  validation {
    condition     = !var.allow_anonymous || var.auth_mode == "NONE"
    error_message = "allow_anonymous must be false unless auth_mode is NONE."
  }
  validation {
    condition     = !var.allow_anonymous || var.daily_budget_usd != null
    error_message = "daily_budget_usd must be set if allow_anonymous is true, because anybody can spend it."
  }
}

variable "allowed_origins" {
  description = "The exact origins of pages that may call the API and open WebSockets."
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
    error_message = "jwt_issuer must be set if auth_mode is JWT."
  }
}

variable "jwt_audience" {
  description = "With JWT: the accepted audiences, separated by commas."
  type        = list(string)
  default     = []
  validation {
    condition     = var.auth_mode != "JWT" || length(var.jwt_audience) > 0
    error_message = "jwt_audience must be set if auth_mode is JWT."
  }
}

variable "jwks_url" {
  description = "With JWT: the URL of the issuer's key set, if it is not /.well-known/jwks.json."
  type        = string
  default     = ""
}

variable "daily_budget_usd" {
  description = "The maximum cost of all answers of a UTC day together, in US dollars."
  type        = number
  default     = 5
  nullable    = true
}

variable "principal_daily_budget_usd" {
  description = "The maximum cost of one principal's answers of a UTC day, in US dollars."
  type        = number
  default     = 0.50
  nullable    = true
}

variable "rate_principal_per_minute" {
  description = "New messages per principal and minute; 0 means no limit."
  type        = number
  default     = 30
  validation {
    condition     = var.rate_principal_per_minute >= 0
    error_message = "rate_principal_per_minute must be at least 0."
  }
}

variable "rate_address_per_5_minutes" {
  description = "New messages and sessions per IP address in five minutes, of callers who do not sign in; 0 means no limit. The firewall (waf) limits the POST requests of an address to the same number, whoever sends them."
  type        = number
  default     = 1000
  validation {
    condition     = var.rate_address_per_5_minutes >= 0
    error_message = "rate_address_per_5_minutes must be at least 0."
  }
  validation {
    condition     = !var.waf || var.rate_address_per_5_minutes == 0 || var.rate_address_per_5_minutes >= 10
    error_message = "rate_address_per_5_minutes must be 0 or at least 10 if waf is true."
  }
}

variable "provider_preference" {
  description = "The order in which providers are called. Change it later in Parameter Store."
  type        = string
  default     = "claude,openai"
}

variable "claude_model" {
  description = "The Claude model."
  type        = string
  default     = "claude-haiku-5-5"
}

variable "openai_model" {
  description = "The OpenAI model."
  type        = string
  default     = "gpt-6-luna"
}

variable "anthropic_base_url" {
  description = "The base URL of the Claude API, if it is not Anthropic's."
  type        = string
  default     = ""
}

variable "openai_base_url" {
  description = "The base URL of an OpenAI-compatible API, if it is not OpenAI's."
  type        = string
  default     = ""
}

variable "bedrock_model" {
  description = "The ID of a Claude model on Bedrock, or the ARN of an inference profile; include bedrock in provider_preference too. The worker's role signs the calls unless the secret contains AWS_BEARER_TOKEN_BEDROCK."
  type        = string
  default     = ""
}

variable "bedrock_base_url" {
  description = "The base URL of Bedrock, if it is not in this region."
  type        = string
  default     = ""
}

variable "max_tokens" {
  description = "The maximum length of a reply, in the provider's tokens."
  type        = number
  default     = 1024
  validation {
    condition     = var.max_tokens >= 1 && var.max_tokens <= 64000
    error_message = "max_tokens must be from 1 to 64000."
  }
}

variable "effort" {
  description = "How much models think before they reply: none, low, medium or high. Empty: as little as they allow; a compatible server at openai_base_url is told only if this is set."
  type        = string
  default     = ""
  validation {
    condition     = contains(["", "none", "low", "medium", "high"], var.effort)
    error_message = "effort must be none, low, medium, high or empty."
  }
}

variable "prices" {
  description = "Prices of models in addition to the built-in ones, as JSON in the format of providers/prices.json. With a budget, every model needs a price."
  type        = string
  default     = ""
}

variable "anthropic_api_key" {
  description = "The Claude key. Prefer put-secret-value: parameters are kept in plain text."
  type        = string
  default     = ""
  sensitive   = true
}

variable "openai_api_key" {
  description = "The OpenAI key. Prefer put-secret-value: parameters are kept in plain text."
  type        = string
  default     = ""
  sensitive   = true
}

variable "prompt_caching" {
  description = "Whether providers are asked to cache the start of prompts. Empty: yes, except a compatible server at openai_base_url."
  type        = string
  default     = ""
  validation {
    condition     = contains(["", "true", "false"], var.prompt_caching)
    error_message = "prompt_caching must be empty or one of true, false."
  }
}

variable "reply_cache" {
  description = "Where replies to repeated first questions are cached: nowhere, in each worker's memory, or in Redis or Valkey."
  type        = string
  default     = "off"
  validation {
    condition     = contains(["off", "memory", "redis"], var.reply_cache)
    error_message = "reply_cache must be one of off, memory, redis."
  }
}

variable "reply_cache_url" {
  description = "With redis: its URL. Store a password in the provider-key secret, as REPLY_CACHE_PASSWORD."
  type        = string
  default     = ""
  validation {
    condition     = can(regex("^(rediss://([^@/: ]+@)?[^@/ ]+(/[0-9]+)?)?$", var.reply_cache_url))
    error_message = "reply_cache_url must be a URL such as rediss://cache.example.com:6379, without a password."
  }
  validation {
    condition     = var.reply_cache != "redis" || var.reply_cache_url != ""
    error_message = "reply_cache_url must be set if reply_cache is redis."
  }
}

variable "reply_cache_seconds" {
  description = "How long a cached reply is valid, in seconds."
  type        = number
  default     = 3600
  validation {
    condition     = var.reply_cache_seconds >= 1 && var.reply_cache_seconds <= 604800
    error_message = "reply_cache_seconds must be from 1 to 604800."
  }
}

variable "product_name" {
  description = "The product name in the prompt."
  type        = string
  default     = "Learning Yogi"
}

variable "tone" {
  description = "The tone that the prompt asks for."
  type        = string
  default     = "friendly, clear and brief"
}

variable "enable_context" {
  description = "Whether documents are included in the prompt."
  type        = bool
  default     = true
}

variable "aurora_mode" {
  description = "Where documents come from: nowhere, an existing cluster, or a new one."
  type        = string
  default     = "none"
  validation {
    condition     = contains(["none", "existing", "create"], var.aurora_mode)
    error_message = "aurora_mode must be one of none, existing, create."
  }
}

variable "aurora_cluster_arn" {
  description = "With existing: the ARN of the cluster, with its Data API enabled."
  type        = string
  default     = ""
  validation {
    condition     = var.aurora_mode != "existing" || var.aurora_cluster_arn != ""
    error_message = "aurora_cluster_arn must be set if aurora_mode is existing."
  }
}

variable "aurora_secret_arn" {
  description = "With existing: the ARN of the secret with a read-only login."
  type        = string
  default     = ""
  validation {
    condition     = var.aurora_mode != "existing" || var.aurora_secret_arn != ""
    error_message = "aurora_secret_arn must be set if aurora_mode is existing."
  }
}

variable "aurora_editor_secret_arn" {
  description = "With existing: the ARN of the secret with the login that yogi writes documents with. Empty: operators cannot."
  type        = string
  default     = ""
}

variable "aurora_vpc_id" {
  description = "With create: the VPC of the cluster."
  type        = string
  default     = ""
  validation {
    condition     = var.aurora_mode != "create" || var.aurora_vpc_id != ""
    error_message = "aurora_vpc_id must be set if aurora_mode is create."
  }
}

variable "aurora_subnet_ids" {
  description = "With create: at least two private subnets in different availability zones, separated by commas."
  type        = list(string)
  default     = []
  validation {
    condition     = var.aurora_mode != "create" || length(var.aurora_subnet_ids) > 0
    error_message = "aurora_subnet_ids must be set if aurora_mode is create."
  }
}

variable "document_sql" {
  description = "The query that reads one document. It must use :id and, unless documents are public, :principal."
  type        = string
  default     = "SELECT title, content FROM documents WHERE id = :id AND (owner IS NULL OR owner = :principal)"
}

variable "search_sql" {
  description = "The query that finds passages, if document_sql is your own. It must use :principal, and :terms or :question. Empty: with your own document_sql, documents are not searched."
  type        = string
  default     = ""
}

variable "documents_public" {
  description = "Whether every caller may read every document."
  type        = bool
  default     = false
}

variable "architecture" {
  description = "The processor architecture of the functions."
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be one of arm64, x86_64."
  }
}

variable "memory_size" {
  description = "The memory of each function, in MB."
  type        = number
  default     = 128
  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size must be from 128 to 10240."
  }
}

variable "worker_max_concurrency" {
  description = "The maximum number of turns answered at the same time. Keep it within the providers' quotas and, with the other functions, within the account's concurrent executions, of which a new account has ten."
  type        = number
  default     = 5
  validation {
    condition     = var.worker_max_concurrency >= 2 && var.worker_max_concurrency <= 1000
    error_message = "worker_max_concurrency must be from 2 to 1000."
  }
}

variable "provisioned_concurrency" {
  description = "Provisioned concurrency of ingress and worker; 0 means none."
  type        = number
  default     = 0
  validation {
    condition     = var.provisioned_concurrency >= 0
    error_message = "provisioned_concurrency must be at least 0."
  }
}

variable "warming" {
  description = "Whether each function is invoked every five minutes to keep it warm."
  type        = bool
  default     = false
}

variable "session_ttl_hours" {
  description = "How long a session lives after its last activity, in hours."
  type        = number
  default     = 24
  validation {
    condition     = var.session_ttl_hours >= 1 && var.session_ttl_hours <= 168
    error_message = "session_ttl_hours must be from 1 to 168."
  }
}

variable "vpc_subnet_ids" {
  description = "Private subnets with a NAT route, for the worker, separated by commas. Empty: no VPC."
  type        = list(string)
  default     = []
}

variable "vpc_security_group_ids" {
  description = "The worker's security groups in that VPC."
  type        = list(string)
  default     = []
  validation {
    condition     = length(var.vpc_subnet_ids) == 0 || length(var.vpc_security_group_ids) > 0
    error_message = "vpc_security_group_ids must be set if vpc_subnet_ids is."
  }
  validation {
    condition     = length(var.vpc_security_group_ids) == 0 || length(var.vpc_subnet_ids) > 0
    error_message = "vpc_subnet_ids must be set if vpc_security_group_ids is."
  }
}

variable "vpc_id" {
  description = "The worker's VPC, for a gateway endpoint to DynamoDB. Empty: no endpoint."
  type        = string
  default     = ""
}

variable "vpc_route_table_ids" {
  description = "The route tables of that endpoint."
  type        = list(string)
  default     = []
  validation {
    condition     = var.vpc_id == "" || length(var.vpc_route_table_ids) > 0
    error_message = "vpc_route_table_ids must be set if vpc_id is."
  }
}

variable "deletion_protection" {
  description = "Whether the table, and a created cluster, can be deleted only after this is set to false."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "A customer-managed KMS key for queues, table, secrets and the event store. Empty: AWS-owned and AWS-managed keys."
  type        = string
  default     = ""
}

variable "throttle_rate" {
  description = "The steady-state throttling limit of each API, in requests per second."
  type        = number
  default     = 100
  validation {
    condition     = var.throttle_rate >= 1
    error_message = "throttle_rate must be at least 1."
  }
}

variable "throttle_burst" {
  description = "The burst throttling limit of each API, in requests."
  type        = number
  default     = 200
  validation {
    condition     = var.throttle_burst >= 1
    error_message = "throttle_burst must be at least 1."
  }
}

variable "waf" {
  description = "Whether AWS WAF protects the REST API."
  type        = bool
  default     = true
}

variable "api_gateway_log_role" {
  description = "Whether to create the account's role for API Gateway's logs. Do it in one stack per account and region."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long logs are kept, in days."
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
  description = "Whether analytics events are also stored in S3, to be queried with Athena."
  type        = bool
  default     = false
}

variable "event_store_days" {
  description = "How long the store keeps an event, in days."
  type        = number
  default     = 400
  validation {
    condition     = var.event_store_days >= 1 && var.event_store_days <= 3650
    error_message = "event_store_days must be from 1 to 3650."
  }
}

variable "analytics_text" {
  description = "Whether events contain messages, replies and comments."
  type        = bool
  default     = false
}

variable "alarm_email" {
  description = "The e-mail address for alarms. Empty: none."
  type        = string
  default     = ""
}

variable "alarm_cost_per_hour_usd" {
  description = "The cost of answers in an hour that raises an alarm, in US dollars."
  type        = number
  default     = 5
  validation {
    condition     = var.alarm_cost_per_hour_usd >= 0.01
    error_message = "alarm_cost_per_hour_usd must be at least 0.01."
  }
}

variable "custom_domain_name" {
  description = "A custom domain for the REST API."
  type        = string
  default     = ""
}

variable "websocket_domain_name" {
  description = "A custom domain for the WebSocket API. It must differ from that of the REST API."
  type        = string
  default     = ""
  validation {
    condition     = var.websocket_domain_name == "" || var.websocket_domain_name != var.custom_domain_name
    error_message = "websocket_domain_name must differ from custom_domain_name."
  }
}

variable "certificate_arn" {
  description = "The ARN of the certificate for both domains, in this region."
  type        = string
  default     = ""
  validation {
    condition     = (var.custom_domain_name == "" && var.websocket_domain_name == "") || var.certificate_arn != ""
    error_message = "certificate_arn must be set if custom_domain_name or websocket_domain_name is."
  }
}

variable "packages" {
  description = "The paths of the functions' zip files, built by cargo lambda with --output-format zip."
  type = object({
    ingress  = string
    worker   = string
    notifier = string
  })
}
