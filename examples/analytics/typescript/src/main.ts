/** Reads events from the named files, or from standard input, and writes their figures. */

import { createReadStream } from 'node:fs';

import { Refusal } from './fields.js';
import { Fold } from './fold.js';
import { read } from './line.js';

const NEWLINE = 10;

/** Returns 0, or 1 where a line was refused, or 2 without figures where a file cannot be read. */
async function main(names: string[]): Promise<number> {
  const fold = new Fold();
  let refused = false;
  try {
    for (const name of names)
      refused = (await foldLines(name, createReadStream(name), fold)) || refused;
    if (names.length === 0) refused = await foldLines('stdin', process.stdin, fold);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 2;
  }
  for (const row of fold.rows()) process.stdout.write(`${JSON.stringify(row)}\n`);
  return Number(refused);
}

/** Adds the events of a file to the fold, and tells whether it has lines that are refused. */
async function foldLines(name: string, input: AsyncIterable<Buffer>, fold: Fold): Promise<boolean> {
  let [number, refused] = [0, false];
  for await (const line of lines(input)) {
    number += 1;
    try {
      const event = isBlank(line) ? null : read(line);
      if (event) fold.add(event);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      process.stderr.write(`${name}:${number}: ${error.message}\n`);
      refused = true;
    }
  }
  return refused;
}

/** Cuts bytes at newlines alone: `readline` would also cut at U+2028, which JSON allows inside a text. */
async function* lines(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  for await (const chunk of input) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...begun, chunk.subarray(from, at)]);
      begun = [];
      from = at + 1;
    }
    begun.push(chunk.subarray(from));
  }
  yield Buffer.concat(begun);
}

function isBlank(line: Buffer): boolean {
  return line.toString('latin1').trim() === '';
}

process.exitCode = await main(process.argv.slice(2));
