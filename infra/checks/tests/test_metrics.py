"""Every metric in alarms and dashboard is emitted: by the code, by AWS, or by a metric filter."""

from conftest import ROOT
from sources import metrics

#: The metrics that AWS's services emit under these dimensions, as their user guides list them.
AWS = {
    "AWS/ApiGateway": {
        "4XXError",
        "5XXError",
        "ClientError",
        "ConnectCount",
        "Count",
        "ExecutionError",
        "IntegrationError",
        "Latency",
        "MessageCount",
    },
    "AWS/DynamoDB": {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ThrottledRequests", "TransactionConflict"},
    "AWS/Events": {"FailedInvocations", "Invocations", "MatchedEvents"},
    "AWS/Lambda": {"ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"},
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
        "NumberOfMessagesSent",
    },
    "AWS/WAFV2": {"AllowedRequests", "BlockedRequests", "CountedRequests"},
}


def watched(model):
    """Returns namespace, name and dimensions of every metric of the alarms and the dashboard."""
    told = [line for alarm in model.alarms.values() for line in alarm.metrics]
    told += [line for lines in model.dashboard.values() for line in lines]
    for line in told:
        if not line.startswith("expression "):
            namespace, name, *rest = line.split()
            yield namespace, name, {word.split("=")[0] for word in rest if "=" in word}


def test_every_metric_that_is_watched_is_emitted(either):
    namespace, ours = metrics(ROOT)
    known = {**AWS, namespace: ours}
    for counted in either.log_metrics.values():
        where, name = counted.metric.split()
        known.setdefault(where, set()).add(name)
    unknown = [(where, name) for where, name, _ in watched(either) if name not in known.get(where, set())]
    assert not unknown


def test_our_metrics_are_watched_under_the_dimensions_that_the_code_writes(either):
    namespace, _ = metrics(ROOT)
    dimensions = [found for where, _, found in watched(either) if where == namespace]
    assert dimensions and all(found in ({"stage"}, {"stage", "provider"}) for found in dimensions)


def test_every_metric_that_the_code_emits_is_on_the_dashboard(plain):
    namespace, ours = metrics(ROOT)
    shown = {line.split()[1] for lines in plain.dashboard.values() for line in lines if line.startswith(namespace)}
    assert shown == ours


def test_every_alarm_says_what_to_do_and_tells_whom_it_can(full):
    assert all(alarm.is_described and alarm.actions for alarm in full.alarms.values())


def test_alarms_watch_what_an_operator_is_woken_for(plain):
    metrics_watched = {name for alarm in plain.alarms.values() for line in alarm.metrics for name in line.split()[1:2]}
    dead_letters, age = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"
    ours = {"ProviderFailures", "UnpricedTurns", "CostMicroUsd"}
    assert {dead_letters, age, "Errors", "Throttles", "5XXError", "ExecutionError", *ours} <= metrics_watched


def test_a_refused_ticket_wakes_nobody(plain):
    """The authorizer's 401 is a failed invocation to Lambda, so the alarm on ingress counts log lines instead."""
    (watched_metric,) = plain.alarms["learning-yogi-chatbot-ingress-errors"].metrics
    counted = [found for found in plain.log_metrics.values() if found.metric == watched_metric]
    assert {found.pattern for found in counted} == {'{ $.level = "ERROR" }', '?"Task timed out" ?"Runtime exited"'}
    assert all(key.startswith("/aws/lambda/learning-yogi-chatbot-ingress ") for key in plain.log_metrics)
