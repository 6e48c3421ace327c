"""The content of a description, whatever tool it is written for.

Things are keyed by the names that AWS knows them by, and refer to each other by canonical ARNs (`names.py`).
What only one tool has, such as logical ids, deployments and versions, is left out.
"""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Function:
    """A function, and the alias through which it is invoked."""

    runtime: str
    handler: str
    architecture: str
    memory_mb: int
    timeout_seconds: int
    tracing: str
    log_group: str
    alias: str
    provisioned: int
    subnets: list[str]
    security_groups: list[str]


@dataclass(frozen=True)
class Mapping:
    """An event source mapping, from a queue to a function's alias."""

    batch_size: int
    response_types: list[str]
    max_concurrency: int | None
    batching_window_seconds: int


@dataclass(frozen=True)
class Schedule:
    """A rule that calls a function's alias at fixed intervals."""

    expression: str
    input: Any


@dataclass(frozen=True)
class Queue:
    """A queue. A visibility timeout of 30 is the service's default."""

    fifo: bool
    content_based_deduplication: bool
    deduplication_scope: str
    throughput_limit: str
    visibility_seconds: int
    retention_seconds: int
    managed_encryption: bool
    kms_key: str
    dead_letters: str
    max_receive_count: int
    redrive_from: list[str]


@dataclass(frozen=True)
class Table:
    """A table with its indexes, each as `hash range projection`."""

    billing: str
    hash_key: str
    range_key: str
    attributes: dict[str, str]
    indexes: dict[str, str]
    ttl: str
    point_in_time_recovery: bool
    protected: bool
    kms_key: str


@dataclass(frozen=True)
class Secret:
    """A secret: its initial value, or how that is generated."""

    kms_key: str
    initial: Any


@dataclass(frozen=True)
class Rule:
    """A rule on a bus; each target with the duration and number of its retries."""

    bus: str
    pattern: Any
    targets: list[str]


@dataclass(frozen=True)
class Archive:
    """An archive of a bus."""

    source: str
    retention_days: int
    pattern: Any


@dataclass(frozen=True)
class Bucket:
    """A bucket; `expires` maps prefixes to days."""

    encryption: str
    kms_key: str
    bucket_key: bool
    blocks_public: list[str]
    ownership: str
    versioned: bool
    expires: dict[str, int]
    abandoned_uploads_days: int


@dataclass(frozen=True)
class Stream:
    """A delivery stream into a bucket."""

    bucket: str
    prefix: str
    error_prefix: str
    seconds: int
    megabytes: int
    compression: str
    processors: list[str]
    log: str
    encryption: str
    kms_key: str


@dataclass(frozen=True)
class Catalogued:
    """A table of the data catalog."""

    kind: str
    location: str
    formats: str
    serializer: str
    serializer_options: dict[str, str]
    options: dict[str, str]
    columns: dict[str, str]
    partitions: dict[str, str]


@dataclass(frozen=True)
class WorkGroup:
    """An Athena work group."""

    enforced: bool
    most_bytes: int
    results: str
    encryption: str
    kms_key: str


@dataclass(frozen=True)
class Query:
    """A saved Athena query."""

    database: str
    work_group: str
    sql: str


@dataclass(frozen=True)
class Route:
    """A route of the REST API."""

    authorization: str
    integration: str
    target: str


@dataclass(frozen=True)
class SocketRoute:
    """A route of the WebSocket API; its target is empty if API Gateway responds itself."""

    authorization: str
    authorizer: str
    integration: str
    target: str
    template: str
    response: bool


@dataclass(frozen=True)
class Authorizer:
    """An authorizer of the WebSocket API."""

    kind: str
    target: str
    identity: list[str]


@dataclass(frozen=True)
class RestStage:
    """The stage of the REST API."""

    endpoint: str
    tracing: bool
    access_log_group: str
    access_log_fields: Any
    logging_level: str
    data_trace: bool
    metrics: bool
    throttling_rate: float
    throttling_burst: int


@dataclass(frozen=True)
class SocketStage:
    """The stage of the WebSocket API."""

    selection: str
    auto_deploy: bool
    access_log_group: str
    access_log_fields: Any
    logging_level: str
    data_trace: bool
    throttling_rate: float
    throttling_burst: int


@dataclass(frozen=True)
class GatewayResponse:
    """A response that API Gateway makes without invoking a function."""

    status: str
    headers: dict[str, str]
    templates: dict[str, Any]


@dataclass(frozen=True)
class Alarm:
    """An alarm; `metrics` has each metric with its dimensions, and the expression if there is one."""

    metrics: list[str]
    statistic: str
    period_seconds: int
    evaluation_periods: int
    threshold: float
    comparison: str
    missing_data: str
    actions: list[str]
    is_described: bool


@dataclass(frozen=True)
class LogMetric:
    """A metric that counts log lines."""

    pattern: str
    metric: str
    value: str


@dataclass(frozen=True)
class Cluster:
    """The cluster of documents."""

    engine: str
    version: str
    database: str
    data_api: bool
    min_capacity: float
    max_capacity: float
    seconds_until_pause: int
    encrypted: bool
    protected: bool
    kms_key: str
    managed_password: bool
    instances: list[str]


#: The permissions of a role or of an attachable policy: `action on resource`, with the effect and its condition.
Permissions = dict[str, str]


@dataclass
class Model:
    """Everything that must be equal in the three descriptions."""

    functions: dict[str, Function] = field(default_factory=dict)
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    mappings: dict[str, Mapping] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    queue_policies: dict[str, Permissions] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    buses: dict[str, bool] = field(default_factory=dict)
    archives: dict[str, Archive] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    bucket_policies: dict[str, Permissions] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    catalogue: dict[str, Catalogued] = field(default_factory=dict)
    work_groups: dict[str, WorkGroup] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)
    schemas: dict[str, Any] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    rest_stages: dict[str, RestStage] = field(default_factory=dict)
    gateway_responses: dict[str, GatewayResponse] = field(default_factory=dict)
    socket_routes: dict[str, SocketRoute] = field(default_factory=dict)
    socket_stages: dict[str, SocketStage] = field(default_factory=dict)
    authorizers: dict[str, Authorizer] = field(default_factory=dict)
    iam: dict[str, Permissions] = field(default_factory=dict)
    policies: dict[str, Permissions] = field(default_factory=dict)
    invokers: dict[str, bool] = field(default_factory=dict)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    dashboard: dict[str, list[str]] = field(default_factory=dict)
    firewall: dict[str, Any] = field(default_factory=dict)
    log_groups: dict[str, int] = field(default_factory=dict)
    log_metrics: dict[str, LogMetric] = field(default_factory=dict)
    log_policies: dict[str, Permissions] = field(default_factory=dict)
    topics: dict[str, list[str]] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    endpoints: dict[str, Any] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)
    account: dict[str, bool] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Returns every single value under a path such as `queues › name › visibility_seconds`."""
        found: dict[str, Any] = {}
        _walk(asdict(self), "", found)
        return found


def _walk(value: Any, path: str, found: dict[str, Any]) -> None:
    if not isinstance(value, dict) or not value:
        if path.count(" › ") > 0:
            found[path] = value
        return
    for key, inner in value.items():
        _walk(inner, f"{path} › {key}" if path else str(key), found)
