// What a client holds of one turn above its cursor: the text of its highest
// generation, and its final once that is known. Values, never changed in place.

/** Gives the record of a turn of which nothing has come yet. */
export function unseen(turn) {
  return {
    turn,
    runId: null,
    gen: 0,
    text: '',
    replyId: null,
    status: null,
    final: null,
    withheld: false, // its final exists, but was too large for a frame
    end: null, // the frame that announced a withheld final
    fetchedAt: null,
  };
}

/** Applies a frame of a running turn; `gap` says that text before it is missing. */
export function advanced(turn, frame) {
  const { gen, offset } = frame.metadata;
  if (gen < turn.gen) return { turn };
  let now = inGeneration(turn, gen);
  if (frame.type === 'RUN_STARTED') now = { ...now, runId: frame.runId };
  if (frame.type === 'TEXT_MESSAGE_START') now = named(now, frame.messageId);
  if (frame.type === 'TEXT_MESSAGE_CONTENT') return appended(now, frame, offset);
  if (frame.type === 'CUSTOM' && frame.name === 'chat.status') now = { ...now, status: frame.value };
  return { turn: now };
}

// A higher generation begins with an empty text: what an earlier one said is no part of it.
function inGeneration(turn, gen) {
  return gen > turn.gen ? { ...turn, gen, text: '', replyId: null, status: null } : turn;
}

// Offsets count UTF-16 code units, as JavaScript's strings do.
function appended(turn, { delta, messageId }, offset) {
  if (!(offset <= turn.text.length)) return { turn, gap: true };
  const news = delta.slice(turn.text.length - offset);
  return { turn: { ...named(turn, messageId), text: turn.text + news, status: null } };
}

// A reply is named after its run and generation, so it tells the run if RUN_STARTED was lost.
function named(turn, replyId) {
  const suffix = `.${turn.gen}`;
  const runId = replyId.endsWith(suffix) ? replyId.slice(0, -suffix.length) : null;
  return { ...turn, replyId, runId: turn.runId ?? runId };
}

/** Applies a frame that ends a turn; `withheld` says that its text must be fetched. */
export function finished(turn, frame) {
  const { metadata } = frame;
  const runId = frame.runId ?? metadata.messageId ?? turn.runId;
  if (frame.type === 'RUN_ERROR') {
    const error = { code: frame.code, message: frame.message };
    return { turn: frozen({ ...turn, runId, end: frame }, { kind: 'error', text: '', error }, metadata) };
  }
  if (!frame.result) return { turn: { ...inGeneration(turn, metadata.gen), runId, end: frame }, withheld: true };
  const kind = metadata.finishReason === 'cancelled' ? 'cancelled' : 'reply';
  const { text, messageId: replyId } = frame.result;
  return { turn: frozen({ ...turn, runId, replyId, end: frame }, { kind, text }, metadata, frame.usage) };
}

function frozen(turn, { kind, text, error = null }, metadata, usage = []) {
  const final = {
    kind,
    text,
    error,
    finishReason: metadata.finishReason ?? null,
    provider: usage[0]?.provider ?? null,
    model: usage[0]?.model ?? null,
    context: metadata.context ?? null,
  };
  return { ...turn, text, status: null, withheld: false, final };
}

/** Applies a turn as the history tells it. */
export function fromHistory(turn, stored) {
  const known = { ...turn, runId: stored.message_id };
  if (stored.state !== 'done') return known;
  const final = {
    kind: stored.kind,
    text: stored.text ?? '',
    error: stored.error ?? null,
    finishReason: stored.finish_reason ?? null,
    provider: stored.provider ?? null,
    model: stored.model ?? null,
    context: stored.context ?? null,
  };
  return { ...known, text: final.text, status: null, withheld: false, final };
}
