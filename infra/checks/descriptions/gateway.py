"""What REST APIs have in common, whether defined by resources or by an OpenAPI document."""

from typing import Any

from . import names
from .model import GatewayResponse, Route
from .normal import any_document

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


def openapi_routes(body: dict[str, Any]) -> dict[str, Route]:
    """Returns the routes of an OpenAPI document with API Gateway's extensions."""
    found = {}
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                found[f"{method.upper()} {path}"] = _route(operation, body)
    return found


def _route(operation: dict[str, Any], body: dict[str, Any]) -> Route:
    integration = operation["x-amazon-apigateway-integration"]
    return Route(
        authorization=_authorization(operation, body),
        integration=integration["type"].upper(),
        target=names.called(names.invoked(integration.get("uri", ""))),
    )


def _authorization(operation: dict[str, Any], body: dict[str, Any]) -> str:
    schemes = body.get("components", {}).get("securitySchemes", {}) | body.get("securityDefinitions", {})
    wanted = [name for option in operation.get("security", []) for name in option]
    if not wanted:
        return "NONE"
    kinds = {schemes[name].get("x-amazon-apigateway-authtype", name) for name in wanted}
    return "AWS_IAM" if kinds == {"awsSigv4"} else ",".join(sorted(kinds))


def response(status: Any, parameters: dict[str, str], templates: dict[str, str]) -> GatewayResponse:
    """Makes a gateway response."""
    prefix = "gatewayresponse.header."
    return GatewayResponse(
        status=str(status or ""),
        headers={name.removeprefix(prefix).lower(): value for name, value in parameters.items()},
        templates={kind: any_document(template) for kind, template in templates.items()},
    )
