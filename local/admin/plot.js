/** SVG plots, each with a table of the same data. */

const WIDTH = 560;
const HEIGHT = 170;
const LEFT = 52;
const BOTTOM = 20;
const TOP = 8;

/** Creates an element with attributes and children; strings are never parsed as HTML. */
export function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  return fill(node, attributes, children);
}

function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

/** Creates a table; columns of numbers are aligned to the right. */
export function table(heads, rows) {
  const side = (i) =>
    rows.length > 0 && rows.every((row) => /^[<$]?[\d,.\s]*\d|^–$/.test(text(row[i])))
      ? 'number'
      : '';
  const head = make(
    'tr',
    {},
    ...heads.map((name, i) => make('th', { scope: 'col', class: side(i) }, name)),
  );
  const body = rows.map((row) => make('tr', {}, ...row.map((cell, i) => asCell(cell, side(i)))));
  return make(
    'div',
    { class: 'scroll', tabindex: '0' },
    make('table', {}, make('thead', {}, head), make('tbody', {}, ...body)),
  );
}

function text(cell) {
  return cell && typeof cell === 'object' ? String(cell.text) : String(cell);
}

function asCell(cell, side) {
  const kind = cell && typeof cell === 'object' ? (cell.kind ?? '') : '';
  return make('td', { class: `${side} ${kind}`.trim() }, text(cell));
}

/**
 * Draws series over time.
 *
 * `points` have `at` and one value per series, null if there is none. `kind` is `bars` (stacked) or
 * `lines`; `colours` are CSS classes.
 */
export function plot({
  title,
  points,
  series,
  colours = ['s1', 's2', 's3'],
  from,
  to,
  step,
  kind,
  format,
  axisLabel,
}) {
  const article = make('article', {}, make('h2', {}, title));
  const values = points
    .flatMap((point) => (kind === 'bars' ? [sum(point.values)] : point.values))
    .filter((v) => v !== null);
  if (!values.some((value) => value > 0)) {
    article.append(make('p', { class: 'empty' }, 'No data in this period.'));
    return article;
  }
  const ticks = niceTicks(Math.max(...values));
  const top = ticks.at(-1);
  const x = (at) => LEFT + ((at - from) / (to - from)) * (WIDTH - LEFT);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP);
  const svg = draw('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: 'img',
    'aria-label': `${title}; the table below has the same data`,
  });
  for (const tick of ticks) {
    svg.append(draw('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: y(tick), y2: y(tick) }));
    svg.append(draw('text', { x: LEFT - 6, y: y(tick) + 4, 'text-anchor': 'end' }, format(tick)));
  }
  for (let i = 0; i <= 4; i += 1) {
    const at = from + ((to - from) * i) / 4;
    const anchor = i === 0 ? 'start' : i === 4 ? 'end' : 'middle';
    svg.append(draw('text', { x: x(at), y: HEIGHT - 4, 'text-anchor': anchor }, axisLabel(at)));
  }
  if (kind === 'bars') bars(svg, points, colours, step, x, y, from);
  else
    series.forEach((_, i) =>
      svg.append(draw('path', { class: colours[i], d: line(points, i, x, y, step) })),
    );
  const legend = series.map((label, i) =>
    make('span', {}, make('i', { class: colours[i] }), label),
  );
  const rows = points.map((point) => [
    axisLabel(point.at),
    ...point.values.map((v) => (v === null ? '–' : format(v))),
  ]);
  article.append(svg, make('p', { class: 'legend' }, ...legend));
  article.append(
    make('details', {}, make('summary', {}, 'Show as table'), table(['time', ...series], rows)),
  );
  return article;
}

function bars(svg, points, colours, step, x, y, from) {
  for (const { at, values } of points) {
    let below = 0;
    values.forEach((value, i) => {
      const left = Math.max(x(Math.max(at, from)), LEFT);
      const width = Math.max(x(at + step) - left - 1, 1.5);
      if (value > 0)
        svg.append(
          draw('rect', {
            class: colours[i],
            x: left,
            width,
            y: y(below + value),
            height: y(below) - y(below + value),
          }),
        );
      below += value;
    });
  }
}

/**
 * Returns the path of a line: interrupted where there is no data, a short stroke for a single
 * point.
 */
function line(points, i, x, y, step) {
  let path = '';
  let last = null;
  for (const { at, values } of points) {
    const value = values[i];
    if (value === null) continue;
    const middle = x(at + step / 2);
    path +=
      last !== null && at - last <= step * 3
        ? `L${middle} ${y(value)}`
        : `M${middle - 1.5} ${y(value)}h3`;
    last = at;
  }
  return path;
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** Returns five round ticks from zero to the highest value or just above it. */
function niceTicks(highest) {
  const rough = highest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 2.5, 5, 10]
    .map((factor) => factor * power)
    .find((candidate) => candidate * 4 >= highest);
  return [0, 1, 2, 3, 4].map((n) => n * unit);
}
