"""Every variable that the descriptions set is read and documented, and every required one is set."""

import pytest
from conftest import ROOT
from sources import documented, read_by, required_by

BASE = "learning-yogi-chatbot"
FUNCTIONS = ["ingress", "worker", "notifier"]



@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_variable_that_is_set_is_read_by_the_function(full, function):
    unread = full.environment[_name(full, function)].keys() - read_by(ROOT, function)
    assert not unread


def test_every_variable_that_is_set_is_documented(full):
    known = documented(ROOT)
    for name, variables in full.environment.items():
        assert variables.keys() <= known.keys(), name


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_variable_that_a_function_needs_is_set(plain, function):
    assert required_by(ROOT, function) <= plain.environment[_name(plain, function)].keys()


def test_what_must_be_set_on_aws_is_set(plain):
    """Ingress does not start without these."""
    needed = {name for name, default in documented(ROOT).items() if "must be set on AWS" in default}
    needed -= set().union(*(required_by(ROOT, function) for function in FUNCTIONS))
    assert needed <= plain.environment[f"{BASE}-ingress"].keys()


def test_nothing_secret_is_in_an_environment(full):
    """Keys are in Secrets Manager; variables contain the secret's ARN."""
    for variables in full.environment.values():
        assert not [name for name in variables if name.endswith(("_KEY", "_PASSWORD", "_TOKEN"))]
        assert not [value for value in variables.values() if value in ("anthropic-example", "openai-example")]


def _name(model, function):
    return next(name for name in model.environment if name.endswith(f"-{function}"))
