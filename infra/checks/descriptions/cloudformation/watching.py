"""Logs, alarms and the dashboard."""

from ..model import Alarm, LogMetric
from ..normal import dashboard, integer, metric, number, statements


def _log_group(model, resource, _):
    properties = resource.properties
    model.log_groups[properties["LogGroupName"]] = integer(properties.get("RetentionInDays"))


def _log_metric(model, resource, _):
    properties = resource.properties
    (told,) = properties["MetricTransformations"]
    model.log_metrics[f"{properties['LogGroupName']} {properties['FilterName']}"] = LogMetric(
        pattern=properties["FilterPattern"],
        metric=metric(told["MetricNamespace"], told["MetricName"], []),
        value=told["MetricValue"],
    )


def _log_policy(model, resource, _):
    properties = resource.properties
    model.log_policies[properties["PolicyName"]] = statements(properties["PolicyDocument"])


def _alarm(model, resource, _):
    properties = resource.properties
    model.alarms[properties["AlarmName"]] = Alarm(
        metrics=sorted(_metrics(properties)),
        statistic=_first(properties, "Statistic", "Stat"),
        period_seconds=integer(_first(properties, "Period", "Period")),
        evaluation_periods=integer(properties["EvaluationPeriods"]),
        threshold=number(properties["Threshold"]),
        comparison=properties["ComparisonOperator"],
        missing_data=properties.get("TreatMissingData", "missing"),
        actions=sorted(properties.get("AlarmActions", [])),
        is_described=bool(properties.get("AlarmDescription")),
    )


def _metrics(properties):
    if "MetricName" in properties:
        yield metric(properties["Namespace"], properties["MetricName"], _pairs(properties))
    for query in properties.get("Metrics", []):
        if "Expression" in query:
            yield f"expression {query['Expression']}"
        else:
            asked = query["MetricStat"]["Metric"]
            yield metric(asked["Namespace"], asked["MetricName"], _pairs(asked))


def _pairs(properties):
    return [(dimension["Name"], dimension["Value"]) for dimension in properties.get("Dimensions", [])]


def _first(properties, own, nested):
    """Returns a property of the alarm, or of the first metric of its expression."""
    if own in properties:
        return properties[own]
    return next(query["MetricStat"][nested] for query in properties["Metrics"] if "MetricStat" in query)


def _dashboard(model, resource, _):
    properties = resource.properties
    told = dashboard(properties["DashboardBody"])
    model.dashboard.update({f"{properties['DashboardName']}: {title}": metrics for title, metrics in told.items()})


def _topic(model, resource, _):
    properties = resource.properties
    subscriptions = [f"{s['Protocol']} {s['Endpoint']}" for s in properties.get("Subscription", [])]
    model.topics[properties["TopicName"]] = sorted([*subscriptions, f"key {properties.get('KmsMasterKeyId', '')}"])


READERS = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _dashboard,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Logs::MetricFilter": _log_metric,
    "AWS::Logs::ResourcePolicy": _log_policy,
    "AWS::SNS::Topic": _topic,
}
