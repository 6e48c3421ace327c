//! Security stories: what must never happen, and the test that would fail if it did.
//!
//! Tests without a path are in this folder or, as `stories::…`, beside it; all of them use real
//! HTTP and real WebSockets. Where a clock must move or a host must misbehave, the test is on the
//! handler, in `ingress`, `worker` or `notifier`.
//!
//! # Somebody else's session
//!
//! - by id: history, tickets, stop, feedback, deletion:
//!   - [`sessions`]`::a_foreign_session_an_absent_one_and_a_deleted_one_differ_in_no_byte`
//!   - `stories::misuse::a_foreign_session_is_as_absent_as_one_that_never_was`
//!   - `ingress: session_tokens::absent_and_foreign_sessions_are_answered_byte_for_byte_the_same`
//! - without credentials, or with bad ones:
//!   - [`sessions`]`::without_good_credentials_no_session_is_told_from_another`
//! - by the same session and message id:
//!   - [`sessions`]`::whoever_uses_the_id_of_anothers_session_has_one_of_their_own`
//! - by `resume`:
//!   - `stories::misuse::a_ticket_opens_its_own_session_whatever_the_frames_say`
//!   - `ingress: resume::a_connection_of_somebody_else_learns_nothing`
//! - by a connection id that is bound anew:
//!   - `ingress: security::a_connection_id_that_was_bound_anew_hears_of_its_own_session_only`
//!   - `worker: streaming::a_connection_of_another_principal_gets_nothing`
//!   - `notifier: delivery::a_connection_of_another_principal_gets_nothing`
//! - through the model:
//!   - `stories::context::one_users_messages_are_never_told_on_behalf_of_another`
//!
//! # Tokens and tickets
//!
//! - forged:
//!   - [`passes`]`::a_token_whose_parts_are_of_two_users_is_nobodys`
//!   - `stories::misuse::bad_credentials_are_refused_and_never_become_a_new_user`
//!   - `stories::sockets::a_forged_or_missing_ticket_is_refused`
//!   - `ingress: session_tokens::a_forged_token_is_never_a_new_principal`
//!   - `ingress: security::no_part_of_a_signature_is_enough`
//! - expired:
//!   - `ingress: tickets::a_ticket_is_good_for_thirty_seconds`
//!   - `ingress: session_tokens::a_token_lasts_a_day_and_is_renewed_on_use`
//! - replayed:
//!   - `stories::sockets::a_used_ticket_does_not_open_a_second_connection`
//!   - `ingress: security::a_used_ticket_never_opens_again_however_late_it_comes`
//! - of another session, of another server, of a session that is gone:
//!   - [`passes`]
//! - JWT and IAM:
//!   - `ingress: jwt`
//!   - on the deployed system `infra/e2e/tests/test_identity.py`
//! - compared in constant time:
//!   - `ingress: security`
//!     `::macs_are_compared_by_the_librarys_constant_time_verification_and_nowhere_else`
//!
//! # Origins
//!
//! - wrong, `null`; absent is allowed:
//!   - `stories::sockets::only_pages_of_this_machine_may_connect_and_a_refusal_uses_up_nothing`
//!   - `stories::sockets::a_list_of_origins_is_exact`
//!   - `stories::misuse::only_pages_of_this_machine_may_read_an_answer`
//!   - `ingress: tickets`
//! - DNS rebinding:
//!   - `stories::misuse::a_page_that_gave_this_machine_a_name_of_its_own_gets_nothing`
//!
//! # Canaries
//!
//! - keys, messages, documents, comments, tokens and tickets in logs, errors, events, dead letters,
//!   files, arguments:
//!   - [`canaries`]
//!   - `ingress: logs`
//!   - `stories::analytics`
//!
//! # Documents
//!
//! - a private one, also through the cache:
//!   - [`documents`]`::a_private_document_is_its_owners_also_when_it_is_in_the_cache`
//!   - `stories::context::another_users_document_is_as_absent_as_one_that_does_not_exist`
//! - one that asks for secrets, links and other sessions:
//!   - [`documents`]`::a_document_that_gives_orders_is_data_and_the_reply_is_text`
//!   - [`documents`]`::the_page_that_shows_replies_loads_nothing_from_elsewhere`
//!   - [`documents`]`::a_title_that_knows_the_fence_of_its_document_does_not_close_the_block`
//!   - what the page makes of a reply: `widget/tests/ui/markdown.test.ts`,
//!     "what a model writes is data"
//! - invisible characters:
//!   - `stories::context::what_cannot_be_seen_does_not_reach_the_model`
//!
//! # Floods
//!
//! - of one principal:
//!   - [`floods`]
//!     `::one_principals_flood_through_many_sessions_is_refused_and_others_are_answered_meanwhile`
//!   - `stories::messages::a_flood_is_refused_for_its_own_session_and_nobody_else`
//!   - `stories::messages::a_session_may_have_so_many_messages_that_wait_and_no_more`
//! - of many behind one address:
//!   - [`floods`]
//!     `::many_newcomers_behind_one_address_share_its_limit_and_other_addresses_are_answered`
//! - against the budget:
//!   - [`floods`]`::a_flood_of_many_principals_never_takes_more_than_the_days_budget`
//!   - [`floods`]`::who_has_spent_a_principals_budget_leaves_the_others_theirs`
//! - of bytes, of frames, by not reading:
//!   - `stories::sockets::a_flood_of_bytes_ends_its_own_connection_only`
//!   - `stories::connections::a_window_that_does_not_read_holds_up_nobody_and_is_closed`

mod bodies;
mod canaries;
mod documents;
mod evidence;
mod floods;
#[cfg(target_os = "linux")]
mod neighbour;
mod passes;
mod poison;
mod program;
mod proxies;
mod sessions;
