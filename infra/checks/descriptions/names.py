"""Names that are equal in every description: ARNs, URLs and placeholders for IDs."""

ACCOUNT = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"
SUFFIX = "amazonaws.com"

#: IDs that API Gateway would generate.
REST_API = "restapi"
SOCKET_API = "socketapi"


def arn(service: str, resource: str, region: str = REGION, account: str = ACCOUNT) -> str:
    """Returns an ARN in the account and region of the checks."""
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"


def queue(name: str) -> str:
    """Returns a queue's ARN."""
    return arn("sqs", name)


def queue_url(name: str) -> str:
    """Returns a queue's URL."""
    return f"https://sqs.{REGION}.{SUFFIX}/{ACCOUNT}/{name}"


def table(name: str) -> str:
    """Returns a table's ARN."""
    return arn("dynamodb", f"table/{name}")


def function(name: str) -> str:
    """Returns a function's ARN."""
    return arn("lambda", f"function:{name}")


def log_group(name: str) -> str:
    """Returns a log group's ARN without the `:*` for its streams."""
    return arn("logs", f"log-group:{name}")


def secret(name: str) -> str:
    """Returns a secret's ARN without the suffix that the service adds."""
    return arn("secretsmanager", f"secret:{name}")


def parameter(name: str) -> str:
    """Returns a parameter's ARN."""
    return arn("ssm", f"parameter{name}")


def bus(name: str) -> str:
    """Returns a bus's ARN."""
    return arn("events", f"event-bus/{name}")


def topic(name: str) -> str:
    """Returns a topic's ARN."""
    return arn("sns", name)


def role(name: str) -> str:
    """Returns a role's ARN."""
    return arn("iam", f"role/{name}", region="")


def policy(name: str) -> str:
    """Returns the ARN of a policy that can be attached."""
    return arn("iam", f"policy/{name}", region="")


def bucket(name: str) -> str:
    """Returns a bucket's ARN."""
    return arn("s3", name, region="", account="")


def stream(name: str) -> str:
    """Returns a delivery stream's ARN."""
    return arn("firehose", f"deliverystream/{name}")


def cluster(name: str) -> str:
    """Returns a database cluster's ARN."""
    return arn("rds", f"cluster:{name}")


def rest_stage(stage: str) -> str:
    """Returns the ARN of the REST API's stage for the firewall."""
    return arn("apigateway", f"/restapis/{REST_API}/stages/{stage}", account="")


def invocation(target: str) -> str:
    """Returns the URI by which API Gateway invokes a function."""
    return arn("apigateway", f"path/2015-03-31/functions/{target}/invocations", account="lambda")


def invoked(uri: str) -> str:
    """Returns the function or alias that an `invocation` URI invokes; empty for other URIs."""
    _, _, rest = uri.partition("/functions/")
    return rest.removesuffix("/invocations")


def last(arn_or_url: str) -> str:
    """Returns the last part of an ARN or URL: the name."""
    return arn_or_url.rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def called(alias: str) -> str:
    """Returns `function:alias` of an alias's ARN."""
    return alias.split(":function:", 1)[-1]
