// One WebSocket that is opened again for as long as it is wanted.
//
// Each attempt uses a ticket of its own: a refused upgrade shows itself only as
// code 1006, so a ticket that was tried once is never tried again.

const RECONNECT_CODES = new Set([1001, 1005, 1006, 1011, 1012, 1013, 1015]);
const UNANSWERED = 4000; // our own: the socket looked open but nobody answered
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 20_000;
const ANSWER_MS = 12_000;

/**
 * Gives a connection with `start(websocket?)`, `stop()`, `wake()` and `send(frame)`.
 *
 * `getTicket` gives `{url, ticket}`; `on` has `opened`, `frame`, `closed`,
 * `status` (connecting, open, waiting {ms}, closed) and `refused` (an error that
 * waiting does not cure).
 */
export function createConnection({ getTicket, on, WebSocket, random = Math.random }) {
  let socket = null;
  let attempts = 0;
  let timer = null;
  let deadline = null;
  let wanted = 0; // counts starts and stops, so that an outdated await is seen

  async function connect(offered) {
    const mine = (wanted += 1);
    clearTimeout(timer);
    timer = null;
    on.status('connecting');
    try {
      const { url, ticket } = offered ?? (await getTicket());
      if (mine === wanted) open(`${url}?ticket=${encodeURIComponent(ticket)}`);
    } catch (error) {
      if (mine !== wanted) return;
      if (isPermanent(error)) giveUp(() => on.refused(error));
      else reconnect(error.retryAfterMs ?? 0);
    }
  }

  function open(url) {
    const opened = new WebSocket(url);
    socket = opened;
    expectAnswer();
    opened.onopen = () => opened === socket && on.opened();
    opened.onmessage = ({ data }) => opened === socket && receive(data);
    opened.onclose = ({ code }) => opened === socket && ended(code);
    opened.onerror = () => {};
  }

  function receive(data) {
    clearTimeout(deadline);
    deadline = null;
    const frame = parse(data);
    if (frame === null) return;
    if (frame.type === 'CUSTOM' && frame.name === 'chat.resumed') {
      attempts = 0;
      on.status('open');
    }
    on.frame(frame);
  }

  function ended(code) {
    drop();
    if (code === UNANSWERED || RECONNECT_CODES.has(code)) reconnect(0);
    else giveUp(() => on.status('closed'));
  }

  function reconnect(atLeast) {
    const backoff = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts);
    const ms = Math.max(atLeast, backoff * (0.5 + random() / 2));
    attempts += 1;
    on.status('waiting', ms);
    clearTimeout(timer);
    timer = setTimeout(connect, ms);
  }

  function drop() {
    clearTimeout(deadline);
    deadline = null;
    const old = socket;
    socket = null;
    if (old === null) return;
    old.close();
    on.closed();
  }

  function giveUp(tell) {
    wanted += 1;
    clearTimeout(timer);
    timer = null;
    tell();
  }

  // A dead network leaves the socket open for minutes; an unanswered question shows it.
  function expectAnswer() {
    deadline ??= setTimeout(() => ended(UNANSWERED), ANSWER_MS);
  }

  return {
    start(offered) {
      drop();
      attempts = 0;
      return connect(offered);
    },
    stop() {
      giveUp(drop);
    },
    /** Tries at once if it was waiting, because the network or the tab is back. */
    wake() {
      if (socket !== null || timer === null) return;
      attempts = 0;
      connect();
    },
    send(frame) {
      if (socket?.readyState !== 1) return;
      socket.send(JSON.stringify(frame));
      expectAnswer();
    },
  };
}

function isPermanent({ status }) {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function parse(data) {
  try {
    const frame = JSON.parse(data);
    return frame !== null && typeof frame === 'object' ? frame : null;
  } catch {
    return null;
  }
}
