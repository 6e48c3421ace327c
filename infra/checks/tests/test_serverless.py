"""The template that `osls` sends first at a first deployment, before the one that `osls package` writes."""

import json

from cases import PLAIN
from descriptions import serverless

#: Writes the framework's internal template that creates only the deployment bucket.
PROBE = """
const { writeFileSync } = require("node:fs");
module.exports = class {
  constructor(serverless) {
    const told = () => JSON.stringify(serverless.service.provider.coreCloudFormationTemplate);
    this.hooks = { "package:finalize": () => writeFileSync("first.json", told()) };
  }
};
"""


def test_the_first_template_names_every_parameter_that_is_sent_with_it(osls, tmp_path):
    """CloudFormation rejects a value without a parameter."""
    folder = serverless.copy(osls, tmp_path)
    (folder / "probe.js").write_text(PROBE)
    service = folder / "serverless.yml"
    service.write_text(service.read_text().replace("  - ./chatbot.js\n", "  - ./chatbot.js\n  - ./probe.js\n"))

    _, sent = serverless.package(folder, PLAIN)

    declared = json.loads((folder / "first.json").read_text()).get("Parameters", {})
    assert sent.keys() <= declared.keys()
    assert sent.keys() >= {name for name, parameter in declared.items() if "Default" not in parameter}
