SELECT
  date(ended_at) AS day,
  provider,
  document_id,
  count(*) AS turns,
  count(DISTINCT session_key) AS sessions,
  count_if(failed) AS failed,
  count_if(cached) AS from_the_cache,
  sum(input_tokens) AS input_tokens,
  sum(output_tokens) AS output_tokens,
  sum(cost_micro_usd) / 1000000.0 AS cost_usd,
  count_if(cost_micro_usd IS NULL) AS without_a_cost,
  approx_percentile(first_token_ms, 0.5) AS first_token_ms_p50,
  approx_percentile(first_token_ms, 0.99) AS first_token_ms_p99
FROM chat_turns
WHERE NOT synthetic AND ended_at >= date_add('day', -30, current_date)
GROUP BY date(ended_at), provider, document_id
ORDER BY day DESC, turns DESC
