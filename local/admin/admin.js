/** The admin page: polls the operator API, and shows what it returns. */
import { make, plot, table } from './plot.js';

const HOUR = 3_600_000;
const RANGES = {
  '1 h': HOUR,
  '6 h': 6 * HOUR,
  '24 h': 24 * HOUR,
  '7 d': 168 * HOUR,
  '30 d': 720 * HOUR,
};
const STATUS_MS = 2_000;
const STATS_MS = 10_000;
const KEY = 'chatbot.operator';

const byId = (id) => document.getElementById(id);
let range = '1 h';
let newestRequest = 0;

class Unauthorized extends Error {
  message = 'Invalid operator token.';
}

async function get(path) {
  const token = sessionStorage.getItem(KEY);
  const response = await fetch(`/admin/api/${path}`, {
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
  if (response.status === 401) throw new Unauthorized();
  if (!response.ok)
    throw new Error(
      (await response.json().catch(() => ({}))).detail ??
        `The server responded with status ${response.status}.`,
    );
  return response.json();
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const number = (value) => (Math.abs(value) < 10_000 ? whole.format(value) : short.format(value));
const tick = (value) => (value < 10 && value % 1 !== 0 ? value.toFixed(1) : number(value));

function duration(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < HOUR) return `${Math.round(ms / 60_000)} min`;
  return ms < 48 * HOUR ? `${Math.round(ms / HOUR)} h` : `${Math.round(ms / HOUR / 24)} d`;
}

function dollars(micro) {
  const usd = micro / 1e6;
  if (usd === 0) return '$0';
  return usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd < 100 ? usd.toFixed(2) : number(usd)}`;
}

function bytes(count) {
  if (count < 1e6) return `${Math.round(count / 1e3)} kB`;
  const [amount, unit] = count < 1e9 ? [count / 1e6, 'MB'] : [count / 1e9, 'GB'];
  return `${amount.toFixed(amount < 100 ? 1 : 0)} ${unit}`;
}

function axisLabel(ms) {
  /** @type {Intl.DateTimeFormatOptions} */
  const options =
    RANGES[range] > 24 * HOUR
      ? { day: 'numeric', month: 'short' }
      : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return new Intl.DateTimeFormat('en-GB', options).format(ms);
}

function fill(id, ...children) {
  byId(id).replaceChildren(...children);
}

const empty = (text) => make('p', { class: 'empty' }, text);
const share = (part, all) =>
  all === 0 ? '–' : `${((100 * part) / all).toFixed(part === 0 || part === all ? 0 : 1)} %`;
const errorCount = ({ errors = {} }) =>
  Object.values(errors).reduce((total, count) => total + count, 0);

function tile(label, value, more = '', kind = '') {
  return make(
    'div',
    { class: `tile ${kind}` },
    make('span', {}, label),
    make('b', {}, value),
    make('span', {}, more),
  );
}

/** Figures that an older version recorded in coarse steps are marked. */
function percentile(latency, name) {
  return (latency.approximate ? '≈ ' : '') + duration(latency[name]);
}

function latencyTile(label, latency) {
  return tile(label, percentile(latency, 'p50'), `p50; p99 is ${percentile(latency, 'p99')}`);
}

function showStatus(status) {
  const up = duration(status.now - status.started_at);
  const connections =
    status.connections === 1
      ? '1 open connection'
      : `${number(status.connections)} open connections`;
  const free =
    status.free_bytes === undefined ? '' : `, ${bytes(status.free_bytes)} free on its disk`;
  const database = bytes(status.database_bytes);
  byId('server').textContent =
    `Version ${status.version}, up ${up}, ${connections}, database ${database}${free}`;
  const state = {
    closed: ['available', 'good'],
    half_open: ['recovering', 'careful'],
    open: ['unavailable', 'bad'],
  };
  fill(
    'providers',
    table(
      ['provider', 'model', 'state'],
      status.providers.map(({ provider, model, breaker }) => {
        const [text, kind] = state[breaker];
        return [provider, model ?? '–', { text, kind }];
      }),
    ),
  );
  fill(
    'queues',
    table(
      ['queue', 'waiting', 'in flight', 'oldest', 'dead'],
      status.queues.map((queue) => [
        queue.queue,
        number(queue.waiting),
        number(queue.in_flight),
        { text: duration(queue.oldest_ms), kind: queue.oldest_ms > 5_000 ? 'bad' : '' },
        { text: number(queue.dead), kind: queue.dead > 0 ? 'bad' : '' },
      ]),
    ),
  );
}

function showStats({ from, to, step, totals, series, groups, documents }) {
  const errors = errorCount(totals);
  const rated = totals.up + totals.down;
  fill(
    'tiles',
    tile(
      'Messages',
      number(totals.turns),
      totals.synthetic ? `${number(totals.synthetic)} from operators` : 'all from users',
    ),
    tile('Errors', number(errors), share(errors, totals.turns), errors ? 'bad' : ''),
    latencyTile('Time to first token', totals.first_token),
    latencyTile('Time to full reply', totals.total),
    tile(
      'Tokens',
      number(totals.input_tokens + totals.output_tokens),
      `${number(totals.output_tokens)} output`,
    ),
    tile(
      'Cost',
      dollars(totals.cost_micro_usd),
      totals.unpriced
        ? `${number(totals.unpriced)} without a price`
        : `${dollars(totals.turns ? totals.cost_micro_usd / totals.turns : 0)} per message`,
    ),
    tile(
      'Restarts',
      number(totals.restarted),
      `${number(totals.cancelled)} stopped, ${number(totals.refused)} refused`,
    ),
    tile('Thumbs up', rated ? share(totals.up, rated) : '–', `${number(rated)} ratings`),
    tile(
      'Sessions ended',
      number(totals.expired + totals.deleted),
      `${number(totals.deleted)} deleted`,
    ),
  );
  const draw = (title, names, values, kind, format, colours) =>
    plot({
      title,
      series: names,
      kind,
      format,
      colours,
      from,
      to,
      step,
      axisLabel,
      points: series.map(({ at, figures }) => ({ at, values: values(figures) })),
    });
  const of = (latency) => [latency.p50 ?? null, latency.p95 ?? null, latency.p99 ?? null];
  const percentiles = ['p50', 'p95', 'p99'];
  fill(
    'plots',
    draw(
      'Messages',
      ['users', 'operators', 'errors'],
      (f) => [Math.max(f.turns - f.synthetic - errorCount(f), 0), f.synthetic, errorCount(f)],
      'bars',
      tick,
      ['s1', 's2', 'wrong'],
    ),
    draw('Time to first token', percentiles, (f) => of(f.first_token), 'lines', duration),
    draw('Time to full reply', percentiles, (f) => of(f.total), 'lines', duration),
    draw('Time in the queue', percentiles, (f) => of(f.queue), 'lines', duration),
    draw('Tokens', ['input', 'output'], (f) => [f.input_tokens, f.output_tokens], 'bars', tick),
    draw('Cost', ['US dollars'], (f) => [f.cost_micro_usd], 'bars', dollars),
    draw(
      'Restarts, stops and missing documents',
      ['restarts', 'without their document', 'stopped'],
      (f) => [f.restarted, f.without_document, f.cancelled],
      'bars',
      tick,
    ),
    draw('Ratings', ['up', 'down'], (f) => [f.up, f.down], 'bars', tick, ['s3', 'wrong']),
  );
  fill(
    'models',
    groups.length === 0
      ? empty('No replies in this period.')
      : table(
          ['provider', 'model', 'sent by', 'messages', 'errors', 'p50', 'tokens', 'cost'],
          groups.map(({ provider, model, synthetic, figures }) => [
            provider || '–',
            model || '–',
            synthetic ? 'operators' : 'users',
            number(figures.turns),
            share(errorCount(figures), figures.turns),
            percentile(figures.total, 'p50'),
            number(figures.input_tokens + figures.output_tokens),
            dollars(figures.cost_micro_usd),
          ]),
        ),
  );
  fill(
    'documents',
    documents.length === 0
      ? empty('No documents were used in this period.')
      : table(
          ['document', 'messages', 'cost'],
          documents.map((d) => [d.document_id, number(d.turns), dollars(d.cost_micro_usd)]),
        ),
  );
  const byCode = Object.entries(totals.errors ?? {}).sort((a, b) => b[1] - a[1]);
  fill(
    'errors',
    byCode.length === 0
      ? empty('No errors in this period.')
      : table(
          ['code', 'messages'],
          byCode.map(([code, count]) => [code, number(count)]),
        ),
  );
}

function showLetters({ dead_letters: letters }) {
  if (letters.length === 0) return fill('letters', empty('None.'));
  const rows = letters.map((letter) => [
    letter.queue,
    letter.id,
    { text: letter.reason, kind: 'wide' },
  ]);
  fill(
    'letters',
    table(['queue', 'id', 'reason'], rows),
    make('p', {}, 'To redrive them: ', make('code', {}, 'yogi dlq redrive --all')),
  );
}

/**
 * Repeats `work` with a pause in between, and shows when it fails.
 *
 * A hidden page asks nothing: it could be left open for days.
 */
function poll(work, pause) {
  const round = async () => {
    if (!document.hidden) {
      try {
        await work();
        hideErrors();
      } catch (error) {
        showError(error);
      }
    }
    setTimeout(round, pause);
  };
  void round();
}

function hideErrors() {
  byId('alert').hidden = true;
  byId('token').hidden = true;
}

function showError(error) {
  const refused = error instanceof Unauthorized;
  const away = error instanceof TypeError;
  byId('token').hidden = !refused;
  // Without a token so far, the form is enough; an error would look like a mistake of the user.
  byId('alert').hidden = refused && sessionStorage.getItem(KEY) === null;
  byId('alert').textContent = away ? 'The server is not responding. Retrying…' : error.message;
  if (away) byId('server').textContent = 'unreachable';
}

async function stats() {
  const number = ++newestRequest;
  const now = Date.now();
  const found = await get(`stats?from=${now - RANGES[range]}&to=${now}`);
  // A response that a newer request has overtaken is for another range, or out of date.
  if (number === newestRequest) showStats(found);
}

/**
 * Shows the dead letters. They contain messages of users, so the server returns them only for a
 * token; without one the page shows how many there are.
 */
async function letters() {
  try {
    showLetters(await get('dead-letters'));
  } catch (error) {
    if (!(error instanceof Unauthorized)) throw error;
    fill(
      'letters',
      make(
        'p',
        { class: 'empty' },
        'They may contain messages of users. To list them: ',
        make('code', {}, 'yogi dlq list'),
      ),
    );
  }
}

function showRanges() {
  fill(
    'spans',
    ...Object.keys(RANGES).map((label) => {
      const button = make(
        'button',
        { type: 'button', 'aria-pressed': String(label === range) },
        label,
      );
      button.addEventListener('click', () => {
        range = label;
        for (const other of byId('spans').children)
          other.setAttribute('aria-pressed', String(other === button));
        stats().catch(showError);
      });
      return button;
    }),
  );
}

byId('token').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  sessionStorage.setItem(KEY, String(new FormData(form).get('token')).trim());
  form.reset();
  Promise.all([stats(), letters()]).then(hideErrors, showError);
});
showRanges();
poll(async () => showStatus(await get('status')), STATUS_MS);
poll(stats, STATS_MS);
poll(letters, STATS_MS);
