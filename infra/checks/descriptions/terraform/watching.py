"""Logs, alarms and the dashboard."""

from ..model import Alarm, LogMetric
from ..normal import dashboard, integer, metric, number, statements


def _log_group(model, resource, _):
    model.log_groups[resource.values["name"]] = integer(resource.values["retention_in_days"])


def _log_metric(model, resource, _):
    values = resource.values
    (told,) = values["metric_transformation"]
    model.log_metrics[f"{values['log_group_name']} {values['name']}"] = LogMetric(
        pattern=values["pattern"],
        metric=metric(told["namespace"], told["name"], []),
        value=told["value"],
    )


def _log_policy(model, resource, state):
    values = resource.values
    model.log_policies[values["policy_name"]] = statements(state.policy(values["policy_document"]))


def _alarm(model, resource, _):
    values = resource.values
    asked = [query["metric"][0] for query in values["metric_query"] or [] if query["metric"]]
    model.alarms[values["alarm_name"]] = Alarm(
        metrics=sorted(_metrics(values)),
        statistic=values["statistic"] or asked[0]["stat"],
        period_seconds=integer(values["period"] or asked[0]["period"]),
        evaluation_periods=integer(values["evaluation_periods"]),
        threshold=number(values["threshold"]),
        comparison=values["comparison_operator"],
        missing_data=values["treat_missing_data"] or "missing",
        actions=sorted(values["alarm_actions"] or []),
        is_described=bool(values["alarm_description"]),
    )


def _metrics(values):
    if values["metric_name"]:
        yield metric(values["namespace"], values["metric_name"], (values["dimensions"] or {}).items())
    for query in values["metric_query"] or []:
        if query["expression"]:
            yield f"expression {query['expression']}"
        for asked in query["metric"]:
            yield metric(asked["namespace"], asked["metric_name"], (asked["dimensions"] or {}).items())


def _dashboard(model, resource, _):
    name, told = resource.values["dashboard_name"], dashboard(resource.values["dashboard_body"])
    model.dashboard.update({f"{name}: {title}": metrics for title, metrics in told.items()})


def _topic(model, resource, state):
    values = resource.values
    subscriptions = state.having("aws_sns_topic_subscription", topic_arn=values["arn"])
    told = [f"{s.values['protocol']} {s.values['endpoint']}" for s in subscriptions]
    model.topics[values["name"]] = sorted([*told, f"key {values['kms_master_key_id'] or ''}"])


def _nothing(*_):
    """Read together with its topic."""


READERS = {
    "aws_cloudwatch_dashboard": _dashboard,
    "aws_cloudwatch_log_group": _log_group,
    "aws_cloudwatch_log_metric_filter": _log_metric,
    "aws_cloudwatch_log_resource_policy": _log_policy,
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_sns_topic": _topic,
    "aws_sns_topic_subscription": _nothing,
}
