// A small server that speaks the outside contract, for the page and the tests.
// It keeps nothing, checks little, and drops connections when told to.
//
// As a program: node fake/server.js [port]

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { Session } from './session.js';

const PAGE = new URL('../../page/', import.meta.url);
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' };
const NOT_FOUND = { type: 'about:blank', title: 'Not found', status: 404, detail: 'There is no such session.' };
const CSP =
  "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Starts the server; gives its `url`, `drop()` for every socket, and `close()`. */
export async function startServer({ port = 0, pace = 1 } = {}) {
  const world = { sessions: new Map(), tickets: new Map(), pace, ratings: [] };
  const server = createServer((request, response) => answer(world, request, response));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => upgrade(world, sockets, request, socket, head));
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  world.port = server.address().port;
  const drop = () => sockets.clients.forEach((client) => client.terminate());
  return {
    url: `http://127.0.0.1:${world.port}/`,
    world,
    drop,
    close: () => {
      drop();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(world, request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://host');
  const body = await readBody(request);
  const [first, id, rest, n] = pathname.slice(1).split('/');
  const session = world.sessions.get(id);
  const reply = (status, value, headers = {}) => {
    response.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json', ...headers });
    response.end(value === undefined ? '' : JSON.stringify(value));
  };
  if (request.method === 'GET' && (pathname === '/' || first === 'page')) return asset(pathname === '/' ? 'index.html' : id, response);
  if (pathname === '/documents') return reply(200, { documents: [{ id: 'school', title: 'School year 2026/27: timetables' }, { id: 'trips', title: 'Trips' }] });
  if (pathname === '/sessions') return reply(201, opened(world, randomUUID()));
  if (pathname === '/chat') return chat(world, body, reply);
  if (first !== 'sessions' || !session) return reply(404, NOT_FOUND);
  if (request.method === 'DELETE') return reply(world.sessions.delete(id) && 204);
  if (rest === 'tickets') return reply(201, { websocket: ticket(world, id) });
  if (rest === 'stop') return reply(202, session.stop(body.message_id));
  if (rest === 'turns' && !n) return reply(200, { turns: session.history(Number(searchParams.get('after') ?? 0)), running: false });
  world.ratings.push({ turn: Number(n), ...body });
  return reply(204);
}

function chat(world, body, reply) {
  if (body.message.includes('[[fake:busy]]') && !world.wasBusy) {
    world.wasBusy = true;
    return reply(503, { type: 'about:blank', title: 'Busy', status: 503, detail: 'The server is busy.' }, { 'Retry-After': '2' });
  }
  if (body.message.includes('[[fake:invalid]]')) {
    return reply(400, { type: 'about:blank', title: 'Invalid', status: 400, detail: 'The message holds a character that is not allowed.', field: 'message' });
  }
  if (body.session_id === world.ended) return reply(404, NOT_FOUND);
  const answered = opened(world, body.session_id);
  world.sessions.get(body.session_id).accept(body);
  return reply(202, { ...answered, message_id: body.message_id });
}

function opened(world, id) {
  if (!world.sessions.has(id)) world.sessions.set(id, new Session(id, world.pace));
  return { session_id: id, session_token: 'yogi1.fake', websocket: ticket(world, id) };
}

function ticket(world, id) {
  const value = randomUUID();
  world.tickets.set(value, id);
  return { url: `ws://127.0.0.1:${world.port}/ws`, ticket: value, expires_in: 30 };
}

function upgrade(world, sockets, request, socket, head) {
  const value = new URL(request.url, 'http://host').searchParams.get('ticket');
  const session = world.sessions.get(world.tickets.get(value));
  world.tickets.delete(value);
  if (!session) return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
  return sockets.handleUpgrade(request, socket, head, (client) => {
    const send = (frame) => client.send(JSON.stringify(frame));
    client.on('message', (data) => session.resume(send, JSON.parse(data).after));
    client.on('close', () => session.listeners.delete(send));
  });
}

async function asset(name, response) {
  const file = await readFile(new URL(name, PAGE)).catch(() => null);
  response.writeHead(file ? 200 : 404, { 'Content-Type': TYPES[name.split('.').at(-1)] ?? 'text/plain', 'Content-Security-Policy': CSP });
  response.end(file ?? '');
}

async function readBody(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? {} : JSON.parse(text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startServer({ port: Number(process.argv[2] ?? 8081) });
  console.log(`Listening on ${url}`);
}
