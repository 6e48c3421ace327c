"""The parameters for which the descriptions are compared: the minimum, every option, and the alternatives."""

#: The parameters of a first deployment.
PLAIN = {"AllowAnonymous": "true", "AllowedOrigins": "https://app.example.com"}

#: Every option enabled.
FULL = {
    "Stage": "blue",
    "AuthMode": "AWS_IAM",
    "AllowAnonymous": "false",
    "AllowedOrigins": "https://app.example.com,https://www.example.com",
    "DailyBudgetUsd": "7",
    "PrincipalDailyBudgetUsd": "0.70",
    "RatePrincipalPerMinute": "20",
    "RateAddressPer5Minutes": "900",
    "ProviderPreference": "openai,claude",
    "ClaudeModel": "claude-other",
    "OpenAiModel": "gpt-other",
    "AnthropicBaseUrl": "https://claude.example.com",
    "OpenAiBaseUrl": "https://openai.example.com/v1",
    "BedrockModel": "anthropic.claude-other",
    "BedrockBaseUrl": "https://bedrock.example.com",
    "MaxTokens": "2048",
    "AnthropicApiKey": "anthropic-example",
    "OpenAiApiKey": "openai-example",
    "PromptCaching": "false",
    "ReplyCache": "redis",
    "ReplyCacheUrl": "rediss://cache.example.com:6379/1",
    "ReplyCacheSeconds": "60",
    "ProductName": "Example School",
    "Tone": "formal",
    "EnableContext": "false",
    "AuroraMode": "existing",
    "AuroraClusterArn": "arn:aws:rds:us-east-1:123456789012:cluster:school",
    "AuroraSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:school-reader",
    "DocumentSql": "SELECT title, content FROM pages WHERE id = :id",
    "SearchSql": "SELECT * FROM find_pages(:question, :principal)",
    "DocumentsPublic": "true",
    "Architecture": "x86_64",
    "MemorySize": "256",
    "WorkerMaxConcurrency": "25",
    "ProvisionedConcurrency": "2",
    "Warming": "true",
    "SessionTtlHours": "48",
    "VpcSubnetIds": "subnet-1,subnet-2",
    "VpcSecurityGroupIds": "sg-1",
    "VpcId": "vpc-1",
    "VpcRouteTableIds": "rtb-1",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    "DeletionProtection": "true",
    "ThrottleRate": "50",
    "ThrottleBurst": "60",
    "ApiGatewayLogRole": "true",
    "LogRetentionDays": "90",
    "EventStore": "true",
    "EventStoreDays": "90",
    "AnalyticsText": "true",
    "AlarmEmail": "operator@example.com",
    "AlarmCostPerHourUsd": "9",
}

#: The alternative of each choice: a new cluster, custom domains, callers with JWTs, nothing optional.
OTHER = {
    "Stage": "green",
    "AuthMode": "JWT",
    "AllowAnonymous": "false",
    "AllowedOrigins": "https://app.example.com",
    "JwtIssuer": "https://login.example.com",
    "JwtAudience": "chat,school",
    "JwksUrl": "https://login.example.com/keys",
    "ReplyCache": "memory",
    "ReplyCacheUrl": "rediss://unused.example.com:6379",
    "AuroraMode": "create",
    "DeletionProtection": "true",
    "AuroraVpcId": "vpc-2",
    "AuroraSubnetIds": "subnet-3,subnet-4",
    "RateAddressPer5Minutes": "0",
    "Waf": "false",
    "LogEvents": "false",
    "EventStore": "true",
    "CustomDomainName": "api.example.com",
    "WebSocketDomainName": "socket.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
}

#: The parameters for the edits: a first deployment with the event store.
SEEDED = PLAIN | {"EventStore": "true"}

CASES = {"plain": PLAIN, "full": FULL, "other": OTHER}
