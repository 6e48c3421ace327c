/** Tests the consumer with the fixture shared by all languages, and with the contracts. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { RejectedLine } from '../src/fields.js';
import { read } from '../src/line.js';

// Relative to the compiled file.
const FIXTURE = new URL('../../../fixture/', import.meta.url);
const CONTRACTS = new URL('../../../../../contracts/events/', import.meta.url);
const PROGRAM = fileURLToPath(new URL('../src/main.js', import.meta.url));

interface Schema {
  title: string;
  required: string[];
  properties: Record<string, unknown>;
}

type Line = { detail_type?: string; 'detail-type'?: string; detail?: object };

function text(name: string): string {
  return readFileSync(new URL(name, FIXTURE), 'utf8');
}

function check(names: string[], input: string, expected: [number, string, string]): void {
  const ended = spawnSync(process.execPath, [PROGRAM, ...names], {
    cwd: FIXTURE,
    input,
    encoding: 'utf8',
  });
  assert.deepEqual([ended.status, ended.stdout, ended.stderr], expected);
}

/** Returns the schemas, each with a detail from the fixture. */
function contracts(): { schema: Schema; detail: object }[] {
  const lines = text('events.jsonl')
    .split('\n')
    .filter(Boolean)
    .map((line): Line => JSON.parse(line));
  const files = readdirSync(CONTRACTS).filter((name) => name.endsWith('.schema.json'));
  return files.map((name) => {
    const schema: Schema = JSON.parse(readFileSync(new URL(name, CONTRACTS), 'utf8'));
    const line = lines.find((line) => (line.detail_type ?? line['detail-type']) === schema.title);
    return { schema, detail: line?.detail ?? assert.fail(`no ${schema.title} in the fixture`) };
  });
}

/** Returns why a detail is rejected, or null. */
function rejection(schema: Schema, detail: object): string | null {
  try {
    assert.ok(read(Buffer.from(JSON.stringify({ detail_type: schema.title, detail }))));
    return null;
  } catch (error) {
    if (error instanceof RejectedLine) return error.message;
    throw error;
  }
}

test('a file gives the expected figures', () => {
  check(['events.jsonl'], '', [0, text('figures.jsonl'), '']);
});

test('standard input gives the same', () => {
  check([], text('events.jsonl'), [0, text('figures.jsonl'), '']);
});

test('events that two files repeat are counted once', () => {
  check(['events.jsonl', 'events.jsonl'], '', [0, text('figures.jsonl'), '']);
});

test('broken lines are reported and the others are counted', () => {
  check(['broken.jsonl'], '', [1, text('broken.figures.jsonl'), text('broken.errors.txt')]);
});

test('a missing file ends the program without output', () => {
  check(['missing.jsonl'], '', [
    2,
    '',
    "ENOENT: no such file or directory, open 'missing.jsonl'\n",
  ]);
});

test('exactly the required fields are required', () => {
  for (const { schema, detail } of contracts()) {
    for (const name of Object.keys(schema.properties)) {
      const without = Object.fromEntries(
        Object.entries(detail).filter(([field]) => field !== name),
      );
      const expected = schema.required.includes(name) ? `missing field \`${name}\`` : null;
      assert.equal(rejection(schema, without), expected, `${schema.title} without ${name}`);
    }
  }
});

test('every field is read with its type', () => {
  for (const { schema, detail } of contracts()) {
    for (const name of Object.keys(schema.properties)) {
      const expected = 'a field does not match its schema';
      assert.equal(
        rejection(schema, { ...detail, [name]: [[]] }),
        expected,
        `${schema.title}: ${name}`,
      );
    }
  }
});
