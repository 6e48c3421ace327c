"""Writes SAM's expansion of a template, for tools that check it: `python -m descriptions TEMPLATE OUTPUT`."""

import json
import sys
from pathlib import Path

from .sam import expand

#: Options that are off by default. Linters skip resources whose condition is false, so they are enabled here.
SWITCHED_ON = {"EventStore": "true"}


def main() -> None:
    """Expands the template without parameters: the defaults stay references, and only the transform is applied.

    The options of `SWITCHED_ON` have another default there.
    """
    template, output = map(Path, sys.argv[1:])
    needed = {"AllowAnonymous": "false", "AllowedOrigins": "https://example.com"}
    output.parent.mkdir(parents=True, exist_ok=True)
    expanded = expand(template.read_text(), needed)
    for name, value in SWITCHED_ON.items():
        expanded["Parameters"][name]["Default"] = value
    output.write_text(json.dumps(expanded, indent=1))


main()
