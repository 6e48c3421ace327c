"""Edits, each of which makes one description differ from the others."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Seed:
    """An edit of one file: the text that it replaces, and the fact that then differs."""

    file: str
    before: str
    after: str
    path: str

    def plant(self, root: Path) -> None:
        """Makes the edit in a copy; the text must occur exactly once."""
        file = root / self.file
        text = file.read_text()
        if text.count(self.before) != 1:
            raise ValueError(f"{self.file} holds {text.count(self.before)} times: {self.before}")
        file.write_text(text.replace(self.before, self.after))


BASE = "learning-yogi-chatbot"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/chatbot-sessions"

SAM = [
    Seed(
        "template.yaml",
        "BatchSize: 1\n",
        "BatchSize: 2\n",
        f"mappings › {BASE}-requests.fifo → {BASE}-worker:live › batch_size",
    ),
    Seed(
        "template.yaml",
        "VisibilityTimeout: 360",
        "VisibilityTimeout: 300",
        f"queues › {BASE}-replies.fifo › visibility_seconds",
    ),
    Seed(
        "template.yaml",
        "dynamodb:UpdateItem, dynamodb:PutItem, dynamodb:DeleteItem, dynamodb:ConditionCheckItem]",
        "dynamodb:UpdateItem, dynamodb:DeleteItem, dynamodb:ConditionCheckItem]",
        f"iam › {BASE}-worker › dynamodb:PutItem on {TABLE}",
    ),
    Seed(
        "template.yaml",
        """Schedule: rate(5 minutes), Input: '{"task":"cleanup"}'""",
        """Schedule: rate(15 minutes), Input: '{"task":"cleanup"}'""",
        f"schedules › cleanup → {BASE}-notifier:live › expression",
    ),
    Seed(
        "template.yaml",
        '"replies_dead_letters_url":"${RepliesDeadLetters}"',
        '"replies_dead_letters_url":"${RepliesQueue}"',
        "parameters › /learning-yogi/chatbot/operator › value › replies_dead_letters_url",
    ),
    Seed(
        "template.yaml",
        "WHERE copy_number = 1\n",
        "WHERE copy_number >= 1\n",
        f"queries › {BASE}-chat-turns › sql",
    ),
]
SERVERLESS = [
    Seed(
        "infra/serverless/serverless.yml",
        "    timeout: 150\n",
        "    timeout: 140\n",
        f"functions › {BASE}-worker › timeout_seconds",
    ),
    Seed(
        "infra/serverless/serverless.yml",
        "      CHATBOT_ANALYTICS_TEXT: !Ref AnalyticsText\n",
        "",
        f"environment › {BASE}-notifier › CHATBOT_ANALYTICS_TEXT",
    ),
    Seed(
        "infra/serverless/resources/rest-api.yml",
        "          /documents:\n",
        "          /papers:\n",
        "routes › GET /documents › target",
    ),
    Seed(
        "infra/serverless/resources/operator.yml",
        "dynamodb:Query, dynamodb:Scan, dynamodb:ConditionCheckItem]",
        "dynamodb:Query, dynamodb:ConditionCheckItem]",
        f"policies › {BASE}-operator › dynamodb:Scan on {TABLE}",
    ),
    Seed(
        "infra/serverless/resources/event-store.yml",
        "Prefix: \"events/dt=!{timestamp:yyyy-MM-dd}/\"",
        "Prefix: \"events/day=!{timestamp:yyyy-MM-dd}/\"",
        f"streams › {BASE}-events › prefix",
    ),
]
TERRAFORM = [
    Seed("infra/terraform/table.tf", '"expires_at"', '"expired_at"', "tables › chatbot-sessions › ttl"),
    Seed(
        "infra/terraform/event_store.tf",
        "days = var.event_store_days",
        "days = 30",
        f"buckets › {BASE}-events-123456789012 › expires › everything",
    ),
    Seed(
        "infra/terraform/alarms.tf",
        '?\\"Runtime exited\\"',
        '?\\"Runtime ended\\"',
        f"log_metrics › /aws/lambda/{BASE}-ingress ends › pattern",
    ),
    Seed("infra/terraform/waf.tf", '"KB_64"', '"KB_16"', "firewall › inspects"),
    Seed("infra/terraform/waf.tf", ', "NoUserAgent_HEADER"]', "]", "firewall › common › overrides › NoUserAgent_HEADER"),
    Seed(
        "infra/terraform/alarms.tf",
        "      threshold   = 300\n",
        "      threshold   = 3000\n",
        f"alarms › {BASE}-request-age › threshold",
    ),
]
