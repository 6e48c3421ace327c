/** The admin page: asks the operator calls again and again, and shows what they say. */
import { make, plot, table } from './plot.js';

const HOUR = 3_600_000;
const SPANS = {
  '1 h': HOUR,
  '6 h': 6 * HOUR,
  '24 h': 24 * HOUR,
  '7 d': 168 * HOUR,
  '30 d': 720 * HOUR,
};
const STATUS_MS = 2_000;
const STATS_MS = 10_000;
const KEY = 'chatbot.operator';

const at = (id) => document.getElementById(id);
let span = '1 h';
let asked = 0;

class Refused extends Error {
  message = 'This is not the operator token of this server.';
}

async function get(path) {
  const token = sessionStorage.getItem(KEY);
  const answer = await fetch(`/admin/api/${path}`, {
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
  if (answer.status === 401) throw new Refused();
  if (!answer.ok)
    throw new Error(
      (await answer.json().catch(() => ({}))).detail ?? `The server answered ${answer.status}.`,
    );
  return answer.json();
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

function name(ms) {
  const options =
    SPANS[span] > 24 * HOUR
      ? { day: 'numeric', month: 'short' }
      : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return new Intl.DateTimeFormat('en-GB', options).format(ms);
}

function fill(id, ...children) {
  at(id).replaceChildren(...children);
}

const empty = (text) => make('p', { class: 'empty' }, text);
const share = (part, all) =>
  all === 0 ? '–' : `${((100 * part) / all).toFixed(part === 0 || part === all ? 0 : 1)} %`;
const failed = ({ errors = {} }) =>
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

function showStatus(status) {
  const up = duration(status.now - status.started_at);
  const sockets =
    status.connections === 1 ? '1 open window' : `${number(status.connections)} open windows`;
  const free =
    status.free_bytes === undefined ? '' : `, ${bytes(status.free_bytes)} of its disk free`;
  at('server').textContent =
    `Version ${status.version}, up ${up}, ${sockets}, database ${bytes(status.database_bytes)}${free}`;
  const state = {
    closed: ['answering', 'good'],
    half_open: ['on trial', 'careful'],
    open: ['left alone, it fails', 'bad'],
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
  const wrong = failed(totals);
  const rated = totals.up + totals.down;
  fill(
    'tiles',
    tile(
      'Messages',
      number(totals.turns),
      totals.synthetic ? `${number(totals.synthetic)} by operators` : 'all by users',
    ),
    tile('Failed', number(wrong), share(wrong, totals.turns), wrong ? 'bad' : ''),
    tile(
      'First text',
      duration(totals.first_token.p50),
      `99 of 100 in ${duration(totals.first_token.p99)}`,
    ),
    tile('Whole answer', duration(totals.total.p50), `99 of 100 in ${duration(totals.total.p99)}`),
    tile(
      'Tokens',
      number(totals.input_tokens + totals.output_tokens),
      `${number(totals.output_tokens)} written`,
    ),
    tile(
      'Cost',
      dollars(totals.cost_micro_usd),
      totals.unpriced
        ? `${number(totals.unpriced)} without a price`
        : `${dollars(totals.turns ? totals.cost_micro_usd / totals.turns : 0)} a message`,
    ),
    tile(
      'Begun anew',
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
      name,
      points: series.map(({ at, figures }) => ({ at, values: values(figures) })),
    });
  const of = (latency) => [latency.p50 ?? null, latency.p95 ?? null, latency.p99 ?? null];
  const percentiles = ['half', '95 of 100', '99 of 100'];
  fill(
    'plots',
    draw(
      'Messages',
      ['by users', 'by operators', 'failed'],
      (f) => [Math.max(f.turns - f.synthetic - failed(f), 0), f.synthetic, failed(f)],
      'bars',
      tick,
      ['s1', 's2', 'wrong'],
    ),
    draw('First text', percentiles, (f) => of(f.first_token), 'lines', duration),
    draw('Whole answer', percentiles, (f) => of(f.total), 'lines', duration),
    draw('Time in the queue', percentiles, (f) => of(f.queue), 'lines', duration),
    draw('Tokens', ['read', 'written'], (f) => [f.input_tokens, f.output_tokens], 'bars', tick),
    draw('Cost', ['US dollars'], (f) => [f.cost_micro_usd], 'bars', dollars),
    draw(
      'Trouble',
      ['begun anew', 'without their document', 'stopped'],
      (f) => [f.restarted, f.without_document, f.cancelled],
      'bars',
      tick,
    ),
    draw('Ratings', ['up', 'down'], (f) => [f.up, f.down], 'bars', tick, ['s3', 'wrong']),
  );
  fill(
    'models',
    groups.length === 0
      ? empty('No model answered in this span.')
      : table(
          ['provider', 'model', 'for', 'messages', 'failed', 'half in', 'tokens', 'cost'],
          groups.map(({ provider, model, synthetic, figures }) => [
            provider || '–',
            model || '–',
            synthetic ? 'operators' : 'users',
            number(figures.turns),
            share(failed(figures), figures.turns),
            duration(figures.total.p50),
            number(figures.input_tokens + figures.output_tokens),
            dollars(figures.cost_micro_usd),
          ]),
        ),
  );
  fill(
    'documents',
    documents.length === 0
      ? empty('No document was asked about.')
      : table(
          ['document', 'messages', 'cost'],
          documents.map((d) => [d.document_id, number(d.turns), dollars(d.cost_micro_usd)]),
        ),
  );
  const errors = Object.entries(totals.errors ?? {}).sort((a, b) => b[1] - a[1]);
  fill(
    'errors',
    errors.length === 0
      ? empty('None in this span.')
      : table(
          ['code', 'messages'],
          errors.map(([code, count]) => [code, number(count)]),
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
    table(['queue', 'id', 'why'], rows),
    make('p', {}, 'To try them again: ', make('code', {}, 'yogi dlq redrive --all')),
  );
}

/** Does something again and again, and says when the server does not answer. */
function repeat(work, pause) {
  const round = async () => {
    if (!document.hidden) {
      try {
        await work();
        isWell();
      } catch (error) {
        say(error);
      }
    }
    setTimeout(round, pause);
  };
  void round();
}

function isWell() {
  at('trouble').hidden = true;
  at('token').hidden = true;
}

function say(error) {
  const refused = error instanceof Refused;
  const away = error instanceof TypeError;
  at('token').hidden = !refused;
  // Who has given no token yet is asked, not blamed.
  at('trouble').hidden = refused && sessionStorage.getItem(KEY) === null;
  at('trouble').textContent = away ? 'The server does not answer; trying again.' : error.message;
  if (away) at('server').textContent = 'away';
}

async function stats() {
  const number = ++asked;
  const now = Date.now();
  const found = await get(`stats?from=${now - SPANS[span]}&to=${now}`);
  if (number === asked) showStats(found);
}

/** Dead letters hold people's words: they are shown where there is a token, and their number everywhere. */
async function letters() {
  try {
    showLetters(await get('dead-letters'));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    fill(
      'letters',
      make(
        'p',
        { class: 'empty' },
        'They may hold people’s words: ',
        make('code', {}, 'yogi dlq list'),
        ' shows them.',
      ),
    );
  }
}

function showSpans() {
  fill(
    'spans',
    ...Object.keys(SPANS).map((label) => {
      const button = make(
        'button',
        { type: 'button', 'aria-pressed': String(label === span) },
        label,
      );
      button.addEventListener('click', () => {
        span = label;
        for (const other of at('spans').children)
          other.setAttribute('aria-pressed', String(other === button));
        stats().catch(say);
      });
      return button;
    }),
  );
}

at('token').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, new FormData(event.target).get('token').trim());
  event.target.reset();
  Promise.all([stats(), letters()]).then(isWell, say);
});
showSpans();
repeat(async () => showStatus(await get('status')), STATUS_MS);
repeat(stats, STATS_MS);
repeat(letters, STATS_MS);
