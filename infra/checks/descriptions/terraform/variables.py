"""The parameters of the template as the module's variables."""

import re
from collections.abc import Mapping
from typing import Any

#: Parameters that are lists in the module, and comma-separated strings elsewhere.
LISTS = {"AllowedOrigins", "AuroraSubnetIds", "JwtAudience", "VpcRouteTableIds", "VpcSecurityGroupIds", "VpcSubnetIds"}
#: The functions; only Terraform needs the paths of their archives.
FUNCTIONS = ("ingress", "worker", "notifier")


def variables(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Returns the variables for a set of parameters."""
    told = {_snake(name): value.split(",") if name in LISTS else value for name, value in parameters.items()}
    return {**told, "packages": {function: f"{function}.zip" for function in FUNCTIONS}}


def _snake(name: str) -> str:
    words = name.replace("OpenAi", "Openai").replace("WebSocket", "Websocket")
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Z])", "_", words).lower()
