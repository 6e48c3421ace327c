// Wires the page: the elements of index.html, the view and the chat.

import { createApi } from './api.js';
import { Chat } from './chat.js';
import { createComposer } from './composer.js';
import { createStorage } from './storage.js';
import { createView } from './view.js';
import { linkWords } from './words.js';

const DOCUMENTS_AGAIN_MS = 15_000;
const LONG_WAIT_MS = 1_500;

const byId = (id) => document.getElementById(id);
const storage = createStorage(() => window.localStorage);
const api = createApi({ base: document.baseURI, storage, fetch: window.fetch.bind(window) });
const chat = new Chat({ api, storage, WebSocket: window.WebSocket, onChange: drawSoon, onNotice: notice });

const view = createView({
  log: byId('log'),
  scroll: byId('scroll'),
  latest: byId('latest'),
  template: byId('turn'),
  on: {
    resend: ({ messageId }) => chat.resend(messageId),
    edit: (entry) => {
      chat.discard(entry.messageId);
      composer.write(entry.message);
    },
    retry: ({ message, documentId }) => send(message, documentId ?? composer.documentId()),
    copy,
    rate: ({ messageId }, rating) => chat.rate(messageId, rating).catch(tell),
  },
});

const composer = createComposer({
  form: byId('composer'),
  box: byId('message'),
  send: byId('send'),
  stop: byId('stop'),
  escapeHint: byId('escape-hint'),
  tooLong: byId('too-long'),
  picker: byId('document'),
  pickerField: byId('document-field'),
  storage,
  on: { send, stop: () => chat.stop().catch(tell) },
});

function send(message, documentId) {
  chat.send(message, documentId);
  view.follow();
}

let drawing = false;
function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  const entries = chat.conversation.entries();
  byId('welcome').hidden = entries.length > 0;
  view.show(entries);
  composer.setRunning(chat.conversation.running() !== undefined);
  byId('delete').disabled = entries.length === 0;
  drawLink();
}

function drawLink() {
  const text = linkWords(chat.link, performance.now(), navigator.onLine);
  const shown = byId('link-text');
  if (shown.textContent !== text) shown.textContent = text;
  byId('link').dataset.phase = navigator.onLine ? chat.link.phase : 'offline';
  const waitsLong = chat.link.phase === 'waiting' && chat.link.until - performance.now() > LONG_WAIT_MS;
  byId('reconnect').hidden = !waitsLong && chat.link.phase !== 'closed';
}

async function copy({ final }, button) {
  const done = await copyText(final.text);
  button.textContent = done ? 'Copied' : 'Copying failed';
  setTimeout(() => (button.textContent = 'Copy'), 2000);
}

// The clipboard is missing where the page is not served from a secure origin.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

function notice(text) {
  byId('notice-text').textContent = text;
  byId('notice').hidden = false;
}

function tell(error) {
  notice(error.message);
}

async function startAnew() {
  byId('notice').hidden = true;
  composer.write('');
  await chat.renew();
}

async function remove() {
  byId('confirm').close();
  await chat.remove().then(() => composer.write(''), tell);
}

async function loadDocuments() {
  try {
    composer.setDocuments((await api.documents()).documents);
  } catch {
    setTimeout(loadDocuments, DOCUMENTS_AGAIN_MS);
  }
}

byId('suggestion').addEventListener('click', () => {
  send(byId('suggestion').textContent, composer.documentId());
  byId('message').focus();
});
byId('new').addEventListener('click', startAnew);
byId('delete').addEventListener('click', () => byId('confirm').showModal());
byId('confirm-no').addEventListener('click', () => byId('confirm').close());
byId('confirm-yes').addEventListener('click', remove);
byId('notice-close').addEventListener('click', () => (byId('notice').hidden = true));
byId('reconnect').addEventListener('click', () => chat.wake());
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape' || byId('confirm').open) return;
  if (!byId('notice').hidden) byId('notice').hidden = true;
  else if (!byId('stop').hidden) chat.stop().catch(tell);
});
window.addEventListener('online', () => chat.wake());
window.addEventListener('offline', drawSoon);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) chat.wakeIfWaiting();
});
setInterval(drawLink, 1000);

await chat.start();
await loadDocuments();
