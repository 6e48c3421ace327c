-- The documents for answers, and the worker's read-only login.
-- Every statement can be repeated. setup.sh sends them one by one, separated by lines with two dashes and "then".
-- None contains a colon: the Data API would treat what follows it as a parameter.

CREATE TABLE IF NOT EXISTS documents (
    id      text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 256),
    title   text NOT NULL,
    content text NOT NULL,
    owner   text,
    version bigint NOT NULL DEFAULT 1
)
-- then
COMMENT ON COLUMN documents.owner IS 'The principal who may read it; NULL is everybody'
-- then
CREATE INDEX IF NOT EXISTS documents_of_owner ON documents (owner)
-- then
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chatbot_reader') THEN
        CREATE ROLE chatbot_reader LOGIN;
    END IF;
END
$$
-- then
-- A slow query must not load the database: the worker gives up after five seconds anyway.
ALTER ROLE chatbot_reader SET statement_timeout = '5s'
-- then
ALTER ROLE chatbot_reader SET default_transaction_read_only = on
-- then
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM chatbot_reader
-- then
GRANT CONNECT ON DATABASE learningyogi TO chatbot_reader
-- then
GRANT USAGE ON SCHEMA public TO chatbot_reader
-- then
GRANT SELECT ON documents TO chatbot_reader
