/** Reads events from the given files, or from standard input, and prints their figures. */

import { createReadStream } from 'node:fs';

import { RejectedLine } from './fields.js';
import { Fold } from './fold.js';
import { read } from './line.js';

const NEWLINE = 10;

/** Returns the exit code: 0, 1 if a line was rejected, or 2 if a file could not be read. */
async function main(names: string[]): Promise<number> {
  const fold = new Fold();
  let rejected = false;
  try {
    for (const name of names)
      rejected = (await foldLines(name, createReadStream(name), fold)) || rejected;
    if (names.length === 0) rejected = await foldLines('stdin', process.stdin, fold);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 2;
  }
  for (const row of fold.rows()) process.stdout.write(`${JSON.stringify(row)}\n`);
  return Number(rejected);
}

/** Adds the events of a file; returns whether a line was rejected. */
async function foldLines(name: string, input: AsyncIterable<Buffer>, fold: Fold): Promise<boolean> {
  let number = 0;
  let rejected = false;
  for await (const line of lines(input)) {
    number += 1;
    try {
      const event = isBlank(line) ? null : read(line);
      if (event) fold.add(event);
    } catch (error) {
      if (!(error instanceof RejectedLine)) throw error;
      process.stderr.write(`${name}:${number}: ${error.message}\n`);
      rejected = true;
    }
  }
  return rejected;
}

/** Splits at newlines only. `readline` also splits at U+2028, which JSON strings may contain. */
async function* lines(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  for await (const chunk of input) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...pending, chunk.subarray(from, at)]);
      pending = [];
      from = at + 1;
    }
    pending.push(chunk.subarray(from));
  }
  yield Buffer.concat(pending);
}

function isBlank(line: Buffer): boolean {
  return line.toString('latin1').trim() === '';
}

process.exitCode = await main(process.argv.slice(2));
