"""The unchanged stories of the one-machine server, run against the deployed system."""

import asyncio
import json
import os
import subprocess

from harness.deployment import ROOT
from harness.home import Home

STORIES = ("stories::", "security::")
#: More would wait for each other, because stacks are created one at a time.
AT_ONCE = 4

#: Stories that do not apply here, by reason; a test checks that the names exist.
LEFT_OUT = {
    "they look into the data directory, stop the server or watch the program of one machine; "
    "events, restarts, dead letters and logs have stories of their own here": [
        "security::canaries::a_key_that_no_header_can_carry_is_not_quoted",
        "security::canaries::no_canary_is_in_logs_errors_events_dead_letters_files_or_arguments",
        "security::documents::a_private_document_is_its_owners_also_when_it_is_in_the_cache",
        "security::floods::a_flood_of_many_principals_never_takes_more_than_the_days_budget",
        "stories::analytics::every_final_yields_one_event_and_totals_are_counted_once",
        "stories::analytics::texts_are_in_the_events_only_if_the_operator_wants_them",
        "stories::connections::a_window_that_does_not_read_holds_up_nobody_and_is_closed",
        "stories::kept::a_kept_reply_outlives_the_server_only_in_the_database",
        "stories::restarts::a_message_that_its_producer_put_on_the_queue_is_answered",
        "stories::restarts::a_restart_keeps_sessions_tokens_and_history",
        "stories::restarts::a_stop_of_the_server_finishes_what_is_in_flight",
        "stories::restarts::what_is_not_finished_in_time_goes_on_after_the_restart",
        "stories::stopping::deleting_a_session_while_it_is_answered_leaves_nothing_of_it",
    ],
    "the page, its loopback origins and its host names are those of one machine": [
        "security::documents::the_page_that_shows_replies_loads_nothing_from_elsewhere",
        "stories::misuse::a_page_that_gave_this_machine_a_name_of_its_own_gets_nothing",
        "stories::misuse::only_pages_of_this_machine_may_read_an_answer",
        "stories::sockets::only_pages_of_this_machine_may_connect_and_a_refusal_uses_up_nothing",
    ],
    "proxies in front of the server and connections that are reused are those of one machine": [
        "security::bodies::after_a_body_that_is_too_large_the_connection_goes_on_or_says_that_it_ends",
        "security::proxies::nginx_with_its_own_defaults_opens_no_operator_call",
        "security::proxies::clients_behind_a_trusted_proxy_have_limits_and_addresses_of_their_own",
        "security::proxies::whoever_comes_through_a_proxy_is_no_operator_of_this_machine",
    ],
    "on AWS the API has no access to the documents, so that passages cannot be opened": [
        "stories::context::a_question_is_answered_from_all_documents_and_cites_the_passage",
    ],
    "without a key there is nobody who answers on AWS, and only the secret tells which keys there are": [
        "stories::answers::without_a_key_the_answer_is_quoted_from_the_document",
        "stories::misuse::a_provider_that_has_no_key_is_no_choice",
    ],
    "ingress has no right to the database: the page that embeds the chat names the document": [
        "stories::context::the_documents_that_may_be_chosen_are_listed",
    ],
    "frames are billed on AWS, so the last piece of a reply comes with its final": [
        "stories::answers::a_streamed_reply_arrives_piece_by_piece_and_is_the_stored_one",
        "stories::fallback::a_reply_that_dies_is_begun_anew_by_the_next_provider",
    ],
    "on AWS a refused key is fetched again, and its provider asked once more; on one machine no key changes": [
        "stories::fallback::a_refused_key_falls_back_at_once",
        "stories::fallback::when_every_key_is_refused_the_error_says_so",
    ],
    "its flood is as fast as the machine, and its guard of ten seconds is meant for a server that is no stand-in": [
        "security::floods::many_newcomers_behind_one_address_share_its_limit_and_other_addresses_are_answered",
    ],
    "API Gateway answers what has no route with 404, whatever the method": [
        "stories::misuse::an_unknown_path_or_method_is_a_problem_too",
    ],
}


async def test_the_stories_of_one_machine_are_true_of_the_deployed_system(moto, postgres):
    program = await asyncio.to_thread(build)
    left_out = [name for names in LEFT_OUT.values() for name in names]
    unknown = set(left_out) - names(program)
    assert not unknown, "these are left out, and are no stories"
    async with Home(moto, postgres) as home:
        skipped = [argument for name in left_out for argument in ("--skip", name)]
        told = await asyncio.create_subprocess_exec(
            program, *STORIES, *skipped, f"--test-threads={AT_ONCE}", "--color=never",
            env={**os.environ, "CHATBOT_STORIES_HOME": home.address},
            cwd=ROOT / "local", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await told.communicate()
    told_of = output.decode()
    print(told_of)
    failed = [line.split()[1] for line in told_of.splitlines() if line.startswith("test ") and line.endswith(" FAILED")]
    assert (told.returncode, failed) == (0, [])


def build() -> str:
    """Builds the stories like all other tests; returns the test program."""
    command = ["cargo", "test", "--workspace", "--test", "it", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    manifest = str(ROOT / "local" / "Cargo.toml")
    program, = {m["executable"] for m in messages if m.get("manifest_path") == manifest and m["target"]["name"] == "it"}
    return program


def names(program: str) -> set[str]:
    """Returns the names of all stories."""
    listed = subprocess.run([program, *STORIES, "--list"], stdout=subprocess.PIPE, text=True, check=True)
    return {line.removesuffix(": test") for line in listed.stdout.splitlines() if line.endswith(": test")}
