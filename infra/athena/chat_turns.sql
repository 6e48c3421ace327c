CREATE OR REPLACE VIEW chat_turns AS
-- An event may be stored more than once, always with the same detail.metadata.id: one copy of each is shown.
WITH numbered AS (
  SELECT events.*, row_number() OVER (PARTITION BY detail.metadata.id ORDER BY "time") AS copy_number
  FROM events
  WHERE detail_type IN ('Chat Message', 'Chat Failed')
)
SELECT
  detail.metadata.id AS event_id,
  CAST(from_iso8601_timestamp(detail."timestamp") AT TIME ZONE 'UTC' AS timestamp) AS ended_at,
  detail_type = 'Chat Failed' AS failed,
  detail.session_id AS session_id,
  detail.session_key AS session_key,
  detail.message_id AS message_id,
  detail.turn AS turn,
  detail.document_id AS document_id,
  detail.context AS context,
  detail.provider AS provider,
  detail.model AS model,
  detail.finish_reason AS finish_reason,
  detail.error_code AS error_code,
  detail.generations AS generations,
  coalesce(detail.cached, false) AS cached,
  coalesce(detail.synthetic, false) AS synthetic,
  detail.message_length AS message_length,
  detail.response_length AS response_length,
  detail.input_tokens AS input_tokens,
  detail.output_tokens AS output_tokens,
  detail.cached_input_tokens AS cached_input_tokens,
  detail.cache_write_tokens AS cache_write_tokens,
  detail.cost_micro_usd AS cost_micro_usd,
  detail.queue_ms AS queue_ms,
  detail.context_ms AS context_ms,
  detail.first_token_ms AS first_token_ms,
  detail.total_ms AS total_ms,
  dt
FROM numbered
WHERE copy_number = 1
