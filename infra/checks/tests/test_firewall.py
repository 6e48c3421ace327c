"""The firewall: what it limits, and what it leaves to the functions."""

import pytest
from cases import PLAIN

from descriptions import sam


@pytest.mark.parametrize("limit", ("1000", "60"))
def test_an_address_may_post_as_often_as_the_parameter_says(limit, template):
    firewall = sam.parse(template, PLAIN | {"RateAddressPer5Minutes": limit}).firewall
    assert firewall["rate"]["rate"] == int(limit)
    assert firewall["rate"]["counted"] == {"matches": "Method EXACTLY POST"}


def test_without_a_limit_there_is_no_rule(template):
    firewall = sam.parse(template, PLAIN | {"RateAddressPer5Minutes": "0"}).firewall
    assert {"common", "known-bad-inputs"} <= firewall.keys()
    assert "rate" not in firewall


def test_no_managed_rule_blocks_a_question_for_what_it_quotes(plain):
    """The managed rules that inspect bodies, as AWS's documents named them in 2026."""
    counted = {name: plain.firewall[name]["overrides"] for name in ("common", "known-bad-inputs")}
    common = {"SizeRestrictions", "CrossSiteScripting", "GenericLFI", "GenericRFI", "EC2MetaDataSSRF"}
    bodies = {"common": common, "known-bad-inputs": {"JavaDeserializationRCE", "Log4JRCE", "ReactJSRCE"}}
    for group, rules in bodies.items():
        assert {f"{rule}_BODY": "Count" for rule in rules}.items() <= counted[group].items()
