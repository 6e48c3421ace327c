-- The documents for answers, their passages, and the worker's read-only login.
-- Every statement can be repeated. setup.sh sends them one by one, separated by lines with two dashes and "then".
-- None contains a colon, because the Data API would treat what follows it as a parameter.
--
-- The table documents belongs to the product, which writes it with plain SQL. A trigger keeps the tables that begin with
-- chatbot_ equal to it, in the same transaction, and never fails that transaction. Functions that run with the rights of
-- their owner name every object with its schema, so that no other role's objects can take their place.

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
ALTER TABLE documents ADD COLUMN IF NOT EXISTS source_url text
-- then
COMMENT ON COLUMN documents.source_url IS 'Where it is published; citations link to it'
-- then
-- What the trigger made of each document. The number keeps the order in which documents came.
CREATE TABLE IF NOT EXISTS chatbot_documents (
    document_id text PRIMARY KEY,
    number      bigint GENERATED ALWAYS AS IDENTITY,
    version     text NOT NULL,
    bytes       bigint NOT NULL,
    passages    integer NOT NULL,
    rules       integer NOT NULL,
    problem     text,
    changed_at  timestamptz NOT NULL DEFAULT now()
)
-- then
-- The passages. Positions are UTF-16 code units. Long values are stored apart, so that a search reads narrow rows until
-- it has chosen its passages.
CREATE TABLE IF NOT EXISTS chatbot_passages (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id text NOT NULL,
    ordinal     integer NOT NULL,
    owner       text,
    start_at    integer NOT NULL,
    end_at      integer NOT NULL,
    length      integer NOT NULL,
    headings    text[] NOT NULL,
    passage     text NOT NULL,
    terms       text[] COLLATE "C" NOT NULL,
    UNIQUE (document_id, ordinal)
) WITH (toast_tuple_target = 128)
-- then
-- Public and owned passages have an index each. The terms of an owned passage include its owner behind an @, which no
-- term contains, so that others' passages cost a search nothing.
CREATE INDEX IF NOT EXISTS chatbot_public_terms ON chatbot_passages USING gin (terms) WITH (fastupdate = off)
    WHERE owner IS NULL
-- then
CREATE INDEX IF NOT EXISTS chatbot_owned_terms ON chatbot_passages USING gin (terms) WITH (fastupdate = off)
    WHERE owner IS NOT NULL
-- then
CREATE INDEX IF NOT EXISTS chatbot_passages_of_owner ON chatbot_passages (owner, length) WHERE owner IS NOT NULL
-- then
-- In how many public passages each term is. The empty term counts the passages, a space their terms in all.
CREATE TABLE IF NOT EXISTS chatbot_frequencies (
    term  text COLLATE "C" PRIMARY KEY,
    count bigint NOT NULL
)
-- then
-- What changed of the frequencies since they were counted. Writers only add rows here and one of them counts at a time,
-- so that they never wait for each other.
CREATE TABLE IF NOT EXISTS chatbot_changes (
    number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    passages bigint NOT NULL,
    terms    text[] COLLATE "C" NOT NULL,
    counts   bigint[] NOT NULL
) WITH (toast_tuple_target = 128)
-- then
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_ts_dict WHERE dictname = 'chatbot_english') THEN
        CREATE TEXT SEARCH DICTIONARY public.chatbot_english (TEMPLATE = snowball, LANGUAGE = english);
        CREATE TEXT SEARCH DICTIONARY public.chatbot_german (TEMPLATE = snowball, LANGUAGE = german);
    END IF;
END
$$
-- then
-- Measures a text in UTF-16 code units.
CREATE OR REPLACE FUNCTION chatbot_utf16(value text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN octet_length(value) = length(value) THEN length(value)
        ELSE 2 * length(value) - length(regexp_replace(value, '[\U00010000-\U0010ffff]', '', 'g')) END
$$
-- then
-- Cuts a document into passages by the rules of knowledge/src/passages.rs, which a test compares with this function.
CREATE OR REPLACE FUNCTION chatbot_cut(content text)
RETURNS TABLE (ordinal integer, start_at integer, end_at integer, headings text[], passage text)
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    blanks     CONSTANT text = E' \t\r';
    longest    CONSTANT integer = 1500;
    line       text;
    line_text  text;
    line_at    bigint = 0;
    rest       text;
    taken      integer;
    lead       text;
    trail      text;
    piece      text;
    remainder  text;
    is_heading boolean;
    level      integer;
    levels     integer[] = '{}';
    here       bigint;
    -- What stands between the open passage and the next piece, as far as it can matter.
    between    text = '';
    is_open    boolean = false;
    has_text   boolean = false;
    gap        boolean = false;
BEGIN
    ordinal = 0;
    headings = '{}';
    FOREACH line IN ARRAY string_to_array(content, E'\n') LOOP
        line_text = rtrim(line, blanks);
        rest = ltrim(line_text, blanks);
        IF rest = '' THEN
            gap = true;
            between = left(between || line || E'\n', longest + 1);
            line_at = line_at + public.chatbot_utf16(line) + 1;
            CONTINUE;
        END IF;
        lead = left(line_text, length(line_text) - length(rest));
        between = left(between || lead, longest + 1);
        trail = substr(line, length(line_text) + 1);
        here = line_at + length(lead);
        is_heading = rest ~ '^#{1,6} ' AND length(rest) <= 200;
        -- A long line is taken in parts, because each call on all of it would read all of it.
        line_text = rest;
        taken = 20000;
        rest = left(line_text, taken);
        LOOP
            IF length(rest) <= longest AND taken < length(line_text) THEN
                rest = rest || substr(line_text, taken + 1, 20000);
                taken = taken + 20000;
            END IF;
            IF is_heading OR length(rest) <= longest THEN
                piece = rest;
            ELSE
                piece = left(rest, longest);
                piece = coalesce(substring(piece FROM '^(.*[.!?]) '), substring(piece FROM '^(.+) '), piece);
            END IF;
            piece = rtrim(piece, blanks);
            remainder = substr(rest, length(piece) + 1);

            IF is_open AND (
                is_heading AND has_text
                OR gap AND has_text AND length(passage) >= 500
                OR length(passage) + length(between) + length(piece) > longest
            ) THEN
                RETURN NEXT;
                ordinal = ordinal + 1;
                is_open = false;
            END IF;
            gap = false;
            IF is_heading THEN
                level = length(piece) - length(ltrim(piece, '#'));
                WHILE cardinality(levels) > 0 AND levels[cardinality(levels)] >= level LOOP
                    levels = trim_array(levels, 1);
                    headings = trim_array(headings, 1);
                END LOOP;
                levels = levels || level;
                headings = headings || trim(ltrim(piece, '#'));
            END IF;
            IF is_open THEN
                passage = passage || between || piece;
            ELSE
                is_open = true;
                has_text = false;
                start_at = here;
                passage = piece;
            END IF;
            has_text = has_text OR NOT is_heading;
            end_at = here + public.chatbot_utf16(piece);

            rest = ltrim(remainder, blanks);
            WHILE rest = '' AND taken < length(line_text) LOOP
                remainder = remainder || substr(line_text, taken + 1, 20000);
                taken = taken + 20000;
                rest = ltrim(remainder, blanks);
            END LOOP;
            between = left(remainder, length(remainder) - length(rest));
            EXIT WHEN rest = '';
            here = end_at + length(between);
        END LOOP;
        between = left(trail || E'\n', longest + 1);
        line_at = end_at + length(trail) + 1;
    END LOOP;
    IF is_open THEN
        RETURN NEXT;
    END IF;
END
$$
-- then
-- Returns the words of a text, with repetitions, as knowledge/src/terms.rs finds them. A word of a script without spaces
-- is a run of its characters. Signs that Rust counts as letters and PostgreSQL does not are listed.
-- Neither this nor the next function has settings of its own or is strict, so that the planner can expand them.
CREATE OR REPLACE FUNCTION chatbot_words(value text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(run) <= 64 OR run ~ '^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]' THEN run ELSE (
        SELECT left(run, max(n)) FROM generate_series(16, 64) n WHERE octet_length(left(run, n)) <= 64
    ) END
    FROM regexp_split_to_table(
        translate(lower(value COLLATE "und-x-icu"), '_', ' '),
        '[^\w\u00b2\u00b3\u00b9\u00bc-\u00be\u05b0-\u05bd\u064b-\u0657\u0659-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e3a\u0e4d.,' || chr(58) || ']+|[.,' || chr(58) || '](?!\d)|(?<!\d)[.,' || chr(58) || ']'
    ) word,
    LATERAL (
        SELECT word AS run WHERE word <> '' AND word !~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]'
        UNION ALL
        SELECT (regexp_matches(word, '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[^\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+', 'g'))[1] WHERE word ~ '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]'
    ) runs
$$
-- then
-- Returns the terms of a word, with repetitions.
CREATE OR REPLACE FUNCTION chatbot_terms(word text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT unnest(CASE WHEN german <> english THEN english || german ELSE english END)
    FROM (
        SELECT ts_lexize('public.chatbot_english', word) AS english, ts_lexize('public.chatbot_german', word) AS german
        OFFSET 0
    ) AS stems
    WHERE word !~ '^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]'
    UNION ALL
    SELECT '~' || substr(word, n, 4) FROM generate_series(1, length(word) - 3) n WHERE length(word) > 4 AND word !~ '^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]'
    UNION ALL
    SELECT substr(word, n, 1) FROM generate_series(1, length(word)) n WHERE word ~ '^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]'
    UNION ALL
    SELECT substr(word, n, 2) FROM generate_series(1, length(word) - 1) n WHERE word ~ '^[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]'
$$
-- then
-- Adds the changes to the frequencies, unless somebody else is doing so.
CREATE OR REPLACE FUNCTION chatbot_count() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    -- Seldom enough that a term is not written again with each document, often enough that a search can read what waits.
    IF (SELECT coalesce(sum(abs(passages)), 0) FROM public.chatbot_changes)
        <= 64 + coalesce((SELECT count FROM public.chatbot_frequencies WHERE term = ''), 0) / 32
        OR NOT pg_try_advisory_xact_lock(1852793451, 16)
    THEN
        RETURN;
    END IF;
    WITH waiting AS (
        DELETE FROM public.chatbot_changes RETURNING terms, counts
    ), sums AS (
        SELECT change.term, CAST(sum(change.count) AS bigint) AS count
        FROM waiting, unnest(waiting.terms, waiting.counts) AS change (term, count)
        GROUP BY change.term HAVING sum(change.count) <> 0
    )
    INSERT INTO public.chatbot_frequencies AS known (term, count) SELECT term, count FROM sums
    ON CONFLICT (term) DO UPDATE SET count = known.count + excluded.count;
END
$$
-- then
-- Removes the passages of a document.
CREATE OR REPLACE FUNCTION chatbot_forget(id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
BEGIN
    WITH gone AS (
        DELETE FROM public.chatbot_passages WHERE document_id = id RETURNING owner, length, terms
    ), counted AS (
        SELECT term, count(*) AS count FROM gone, unnest(gone.terms) AS term WHERE owner IS NULL GROUP BY term
        UNION ALL
        SELECT '', count(*) FROM gone WHERE owner IS NULL
        UNION ALL
        SELECT ' ', coalesce(sum(length), 0) FROM gone WHERE owner IS NULL
    )
    INSERT INTO public.chatbot_changes (passages, terms, counts)
    SELECT (SELECT count FROM counted WHERE term = ''), array_agg(term), array_agg(-count) FROM counted
    HAVING (SELECT count FROM counted WHERE term = '') > 0;
END
$$
-- then
-- Makes the passages of a document that has none. Compiling the statement would take longer than running it.
CREATE OR REPLACE FUNCTION chatbot_make(id text, title text, content text, owner text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    made integer;
BEGIN
    WITH cut AS MATERIALIZED (
        SELECT * FROM public.chatbot_cut($3)
    ), words AS MATERIALIZED (
        SELECT cut.ordinal, word, count(*) AS count
        FROM cut, public.chatbot_words(concat_ws(E'\n', $2, array_to_string(cut.headings, E'\n'), cut.passage)) AS word
        GROUP BY cut.ordinal, word
    ), known AS MATERIALIZED (
        SELECT word, term FROM (SELECT DISTINCT word FROM words) AS all_words, public.chatbot_terms(word) AS term
    ), bags AS MATERIALIZED (
        SELECT words.ordinal, array_agg(DISTINCT known.term COLLATE "C") AS terms, sum(words.count) AS length
        FROM words JOIN known USING (word)
        GROUP BY words.ordinal
    ), inserted AS (
        INSERT INTO public.chatbot_passages
            (document_id, ordinal, owner, start_at, end_at, length, headings, passage, terms)
        SELECT $1, cut.ordinal, $4, cut.start_at, cut.end_at, coalesce(bags.length, 0), cut.headings, cut.passage,
            CASE WHEN $4 IS NULL THEN coalesce(bags.terms, '{}') ELSE bags.terms || ('@' || $4) END
        FROM cut LEFT JOIN bags USING (ordinal)
        ORDER BY cut.ordinal
    ), counted AS (
        SELECT term, count(*) AS count FROM bags, unnest(bags.terms) AS term GROUP BY term
        UNION ALL
        SELECT '', (SELECT count(*) FROM cut)
        UNION ALL
        SELECT ' ', (SELECT coalesce(sum(length), 0) FROM bags)
    ), changed AS (
        INSERT INTO public.chatbot_changes (passages, terms, counts)
        SELECT (SELECT count(*) FROM cut), array_agg(term), array_agg(count) FROM counted
        WHERE $4 IS NULL HAVING count(*) > 2
    )
    SELECT count(*) INTO made FROM cut;
    RETURN made;
END
$$
-- then
-- Makes the passages of a document anew. What goes wrong is recorded, and never reaches the caller.
CREATE OR REPLACE FUNCTION chatbot_index(id text, title text, content text, owner text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made    integer = 0;
    trouble text;
BEGIN
    IF octet_length(content) > 4194304 THEN
        trouble = 'longer than 4 MiB, which is the most that is searched';
    END IF;
    BEGIN
        PERFORM public.chatbot_forget(id);
        IF trouble IS NULL THEN
            made = public.chatbot_make(id, left(title, 512), content, owner);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        trouble = SQLSTATE || ' ' || SQLERRM;
        DELETE FROM public.chatbot_passages WHERE document_id = id;
    END;
    INSERT INTO public.chatbot_documents AS known (document_id, version, bytes, passages, rules, problem)
    VALUES (id, encode(sha256(convert_to(content, 'UTF8')), 'hex'), octet_length(content), made, 1, trouble)
    ON CONFLICT (document_id) DO UPDATE SET version = excluded.version, bytes = excluded.bytes,
        passages = excluded.passages, rules = excluded.rules, problem = excluded.problem, changed_at = now();
    BEGIN
        PERFORM public.chatbot_count();
    EXCEPTION WHEN OTHERS THEN
        NULL; -- The next writer counts.
    END;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'the passages of a document could not be made (%)', SQLSTATE;
END
$$
-- then
CREATE OR REPLACE FUNCTION chatbot_document_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        TRUNCATE public.chatbot_documents, public.chatbot_passages, public.chatbot_frequencies, public.chatbot_changes;
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN
        PERFORM public.chatbot_forget(OLD.id);
        DELETE FROM public.chatbot_documents WHERE document_id = OLD.id;
    END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE'
        AND (NEW.id, NEW.title, NEW.content, NEW.owner) IS DISTINCT FROM (OLD.id, OLD.title, OLD.content, OLD.owner)
    THEN
        PERFORM public.chatbot_index(NEW.id, NEW.title, NEW.content, NEW.owner);
    ELSIF TG_OP = 'UPDATE' AND NEW.source_url IS DISTINCT FROM OLD.source_url THEN
        UPDATE public.chatbot_documents SET changed_at = now() WHERE document_id = NEW.id;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'the passages of a document could not be kept equal to it (%)', SQLSTATE;
    RETURN NULL;
END
$$
-- then
DROP TRIGGER IF EXISTS chatbot_document_changed ON documents
-- then
CREATE TRIGGER chatbot_document_changed AFTER INSERT OR UPDATE OR DELETE ON documents
    FOR EACH ROW EXECUTE FUNCTION chatbot_document_changed()
-- then
ALTER TABLE documents ENABLE ALWAYS TRIGGER chatbot_document_changed
-- then
DROP TRIGGER IF EXISTS chatbot_documents_emptied ON documents
-- then
CREATE TRIGGER chatbot_documents_emptied AFTER TRUNCATE ON documents
    FOR EACH STATEMENT EXECUTE FUNCTION chatbot_document_changed()
-- then
ALTER TABLE documents ENABLE ALWAYS TRIGGER chatbot_documents_emptied
-- then
-- Makes passages for some of the documents that have none, or that older rules cut. Returns how many documents it took;
-- call it until that is 0. It stops after five seconds, because the Data API ends a call after 45.
CREATE OR REPLACE FUNCTION chatbot_fill(most integer) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    document record;
    taken    integer = 0;
    deadline CONSTANT timestamptz = clock_timestamp() + interval '5 seconds';
BEGIN
    FOR document IN
        SELECT d.id, d.title, d.content, d.owner
        FROM public.documents d LEFT JOIN public.chatbot_documents c ON c.document_id = d.id
        WHERE c.document_id IS NULL OR c.rules <> 1
        LIMIT most FOR SHARE OF d SKIP LOCKED
    LOOP
        PERFORM public.chatbot_index(document.id, document.title, document.content, document.owner);
        taken = taken + 1;
        EXIT WHEN clock_timestamp() > deadline;
    END LOOP;
    RETURN taken;
END
$$
-- then
SELECT chatbot_fill(1000)
-- then
-- Finds passages that may answer a question; the ranker of knowledge/ orders them. The first line of terms is the
-- question's, the second that of the messages before it. An empty within is no limit. The first row carries the
-- statistics of what the principal may read.
CREATE OR REPLACE FUNCTION chatbot_search(terms text, principal text, within text)
RETURNS TABLE (
    document_id text, title text, owner text, source_url text, version text, ordinal integer, start_at integer,
    end_at integer, headings text, passage text, statistics text
)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    asked        text[];
    weights      double precision[];
    frequencies  bigint[];
    chosen       text[];
    gains        double precision[];
    all_passages bigint;
    length_sum   bigint;
    own          bigint;
    own_length   bigint;
BEGIN
    SELECT array_agg(one.term ORDER BY place), array_agg(one.weight ORDER BY place) INTO asked, weights
    FROM (
        SELECT word.term, min(line.place * 1000 + word.place) AS place,
            max(CASE WHEN line.place = 1 THEN 1.0 ELSE 0.3 END * CASE WHEN word.term LIKE '~%' THEN 0.5 ELSE 1.0 END) AS weight
        FROM string_to_table($1, E'\n') WITH ORDINALITY AS line (terms, place),
            string_to_table(line.terms, ' ') WITH ORDINALITY AS word (term, place)
        WHERE word.term <> '' AND line.place <= 2 AND word.place <= 256
        GROUP BY word.term
    ) AS one;
    IF asked IS NULL THEN
        RETURN;
    END IF;

    -- Counted are public passages; what waits to be counted matters only where there are few.
    SELECT count INTO all_passages FROM public.chatbot_frequencies WHERE term = '';
    WITH waiting AS (
        SELECT change.term, sum(change.count) AS count
        FROM public.chatbot_changes, unnest(chatbot_changes.terms, chatbot_changes.counts) AS change (term, count)
        WHERE coalesce(all_passages, 0) <= 2048 AND change.term = ANY (asked || ARRAY['', ' '])
        GROUP BY change.term
    )
    SELECT array_agg(greatest(coalesce(known.count, 0) + coalesce(waiting.count, 0), 0) ORDER BY one.place)
    INTO frequencies
    FROM unnest(asked || ARRAY['', ' ']) WITH ORDINALITY AS one (term, place)
        LEFT JOIN public.chatbot_frequencies AS known ON known.term = one.term
        LEFT JOIN waiting ON waiting.term = one.term;
    length_sum = frequencies[cardinality(frequencies)];
    all_passages = frequencies[cardinality(frequencies) - 1];
    frequencies = trim_array(frequencies, 2);

    SELECT count(*), coalesce(sum(p.length), 0) INTO own, own_length
    FROM public.chatbot_passages p WHERE p.owner = $2;
    IF own > 0 THEN
        SELECT array_agg(frequencies[one.place] + (
            SELECT count(*) FROM public.chatbot_passages p
            WHERE p.owner IS NOT NULL AND p.terms @> ARRAY['@' || $2, one.term]
        ) ORDER BY one.place) INTO frequencies
        FROM unnest(asked) WITH ORDINALITY AS one (term, place);
    END IF;
    all_passages = all_passages + own;
    length_sum = length_sum + own_length;

    -- The rarest terms find the candidates, as many as are cheap to look up.
    SELECT array_agg(one.term), array_agg(one.gain) INTO chosen, gains
    FROM (
        SELECT known.term, known.weight * ln(1 + (all_passages - least(known.count, all_passages) + 0.5)
                / (least(known.count, all_passages) + 0.5)) AS gain,
            row_number() OVER rarest AS rank, sum(known.count) OVER rarest AS looked_up
        FROM unnest(asked, weights, frequencies) AS known (term, weight, count)
        WINDOW rarest AS (ORDER BY known.count, known.term)
    ) AS one
    WHERE one.looked_up <= 6000 OR one.rank = 1;

    RETURN QUERY
    WITH hits AS (
        SELECT p.number, one.gain
        FROM unnest(chosen, gains) AS one (term, gain), LATERAL (
            SELECT p.number FROM public.chatbot_passages p
            WHERE $3 = '' AND p.owner IS NULL AND p.terms @> ARRAY[one.term] LIMIT 3000
        ) AS p
        UNION ALL
        SELECT p.number, one.gain
        FROM unnest(chosen, gains) AS one (term, gain), LATERAL (
            SELECT p.number FROM public.chatbot_passages p
            WHERE $3 = '' AND own > 0 AND p.owner IS NOT NULL AND p.terms @> ARRAY['@' || $2, one.term] LIMIT 3000
        ) AS p
        UNION ALL
        SELECT p.number, one.gain
        FROM public.chatbot_passages p, unnest(p.terms) AS held (term)
            JOIN unnest(asked, weights) AS one (term, gain) ON one.term = held.term
        WHERE $3 <> '' AND p.document_id = $3 AND (p.owner IS NULL OR p.owner = $2)
    ), best AS MATERIALIZED (
        SELECT hits.number, sum(hits.gain) AS score FROM hits
        GROUP BY hits.number ORDER BY score DESC, hits.number LIMIT 80
    ), candidates AS (
        SELECT best.number, best.score, d.id, left(d.title, 512) AS title, d.owner, d.source_url, c.version, p.ordinal, p.start_at, p.end_at,
            p.headings, p.passage,
            sum(octet_length(p.passage) + octet_length(left(d.title, 512)) + octet_length(array_to_string(p.headings, ' ')) + 300)
                OVER (ORDER BY best.score DESC, best.number) AS size,
            row_number() OVER (ORDER BY best.score DESC, best.number) AS rank
        FROM best
            JOIN public.chatbot_passages p ON p.number = best.number
            JOIN public.documents d ON d.id = p.document_id AND (d.owner IS NULL OR d.owner = $2)
            JOIN public.chatbot_documents c ON c.document_id = d.id
    )
    SELECT one.id, one.title, one.owner, one.source_url, one.version, one.ordinal, one.start_at, one.end_at,
        CAST(array_to_json(one.headings) AS text), one.passage,
        CASE WHEN one.rank = 1 THEN CAST(json_build_object('passages', all_passages, 'terms', length_sum, 'asked', asked, 'frequencies', frequencies) AS text) END
    FROM candidates AS one WHERE one.size <= 400000 ORDER BY one.rank;
END
$$
-- then
-- Lists what a principal may read, in the order in which it came.
CREATE OR REPLACE FUNCTION chatbot_list(principal text) RETURNS TABLE (id text, title text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT d.id, left(d.title, 512)
    FROM public.documents d LEFT JOIN public.chatbot_documents c ON c.document_id = d.id
    WHERE d.owner IS NULL OR d.owner = $1
    ORDER BY c.number LIMIT 1000
$$
-- then
-- These make and read passages on behalf of anybody, so nobody but their owner calls them directly.
REVOKE ALL ON FUNCTION chatbot_index, chatbot_make, chatbot_forget, chatbot_count, chatbot_fill, chatbot_search, chatbot_list FROM PUBLIC
-- then
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chatbot_reader') THEN
        CREATE ROLE chatbot_reader LOGIN;
    END IF;
END
$$
-- then
-- A slow query must not load the database; the worker gives up after five seconds anyway.
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
-- then
GRANT EXECUTE ON FUNCTION chatbot_search, chatbot_list TO chatbot_reader
-- then
-- The login of operators, who keep the documents with yogi.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chatbot_editor') THEN
        CREATE ROLE chatbot_editor LOGIN;
    END IF;
END
$$
-- then
ALTER ROLE chatbot_editor SET statement_timeout = '45s'
-- then
GRANT CONNECT ON DATABASE learningyogi TO chatbot_editor
-- then
GRANT USAGE ON SCHEMA public TO chatbot_editor
-- then
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO chatbot_editor
-- then
GRANT SELECT ON chatbot_documents TO chatbot_editor
