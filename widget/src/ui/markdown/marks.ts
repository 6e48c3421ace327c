/**
 * Marks of sources, such as `[1]`, in Markdown.
 *
 * Which `[1]` is a mark, and which is plain text or the label of a link, cannot be told from the
 * Markdown: the server says it by offset. So before the text is parsed the digits of each mark are
 * replaced by a character of the private use area, which says the number and the place among the
 * marks of the text. The brackets stay, so that emphasis beside a mark is what it would be without
 * the replacement, and so does the length, so that offsets into the text remain valid.
 */

const BASE = 0xe000;
const MAX_NUMBER = 20;
const MAX_MARKS = 32; // the server allows 20
const FILLER = '\ufdef'; // replaces the second digit
const RESERVED = /[\ue000-\ue2ff\ufdef]/g;
const ENCODED = /[\ue000-\ue2ff]\ufdef?/g;
const BRACKETED = /\[([1-9]\d?)\]/g;
const MARK = /^\[([\ue000-\ue2ff])\ufdef?\]/;

/** A mark in a text. */
export interface Mark {
  readonly number: number;
  /** Its place among the marks of the text, from 0. */
  readonly index: number;
  /** How it is written in the text that was parsed. */
  readonly raw: string;
}

/** Tells where the marks of a text are. */
export interface MarkRule {
  /** The numbers that are marks wherever they are written, while the text is not final. */
  readonly numbers: ReadonlySet<number>;
  /** The marks of the final text. */
  readonly places: readonly MarkPlace[];
}

/** Where the mark with a number begins, in UTF-16 code units. */
export interface MarkPlace {
  readonly number: number;
  readonly offset: number;
}

/** The rule of a text without marks. */
export const NO_MARKS: MarkRule = { numbers: new Set(), places: [] };

/** Replaces the characters of a text that stand for marks, which mean nothing in a reply. */
export function withoutReserved(text: string): string {
  return text.replace(RESERVED, '\ufffd');
}

/** Encodes every number of a text that is a mark; `count` marks precede the text. */
export function encodeNumbers(text: string, { numbers }: MarkRule, count: number): string {
  let index = count;
  if (numbers.size === 0) return text;
  return text.replace(BRACKETED, (all, digits: string) => {
    const number = Number(digits);
    return numbers.has(number) && isEncodable(number, index) ? encode(number, index++) : all;
  });
}

/** Encodes the marks of a final text. */
export function encodePlaces(text: string, { places }: MarkRule): string {
  let encoded = '';
  for (const [index, { number, offset }] of validPlaces(text, places).entries())
    encoded += text.slice(encoded.length, offset) + encode(number, index);
  return encoded + text.slice(encoded.length);
}

/** Returns the places at which there is such a mark, in the order of the text. */
export function validPlaces<Place extends MarkPlace>(
  text: string,
  places: readonly Place[],
): readonly Place[] {
  return places
    .filter(({ number, offset }) => text.startsWith(`[${number}]`, offset))
    .sort((a, b) => a.offset - b.offset)
    .filter(
      ({ number, offset }, i, all) => isEncodable(number, i) && offset !== all[i - 1]?.offset,
    );
}

/** Returns how many marks were encoded in a text. */
export function countMarks(encoded: string): number {
  return encoded.match(ENCODED)?.length ?? 0;
}

/** Returns the text as it was before marks were encoded. */
export function decodeMarks(encoded: string): string {
  return encoded.replace(ENCODED, (mark) => String(numberOf(mark)));
}

/** Returns the mark at the beginning of an encoded text. */
export function markAt(encoded: string): Mark | null {
  const [raw, code] = MARK.exec(encoded) ?? [];
  if (raw === undefined || code === undefined) return null;
  return { number: numberOf(code), index: (code.charCodeAt(0) - BASE) % MAX_MARKS, raw };
}

/** Returns where the first mark of an encoded text begins; -1 if it has none. */
export function findMark(encoded: string): number {
  return encoded.search(/\[[\ue000-\ue2ff]/);
}

function isEncodable(number: number, index: number): boolean {
  return number >= 1 && number <= MAX_NUMBER && index < MAX_MARKS;
}

function encode(number: number, index: number): string {
  const code = String.fromCharCode(BASE + number * MAX_MARKS + index);
  return `[${code}${number > 9 ? FILLER : ''}]`;
}

function numberOf(code: string): number {
  return Math.floor((code.charCodeAt(0) - BASE) / MAX_MARKS);
}
