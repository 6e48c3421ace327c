"""Writes what SAM makes of a template: `python -m descriptions TEMPLATE OUTPUT`, for tools that look at both."""

import json
import sys
from pathlib import Path

from .sam import expand


def main() -> None:
    """Expands the template without parameters: the defaults stay references, and only the transform is applied."""
    template, output = map(Path, sys.argv[1:])
    needed = {"AllowAnonymous": "false", "AllowedOrigins": "https://example.com"}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(expand(template.read_text(), needed), indent=1))


main()
