/** Reading and checking the fields of JSON objects. */

/** Why a line was rejected. It never quotes a value, which might be something a user wrote. */
export class RejectedLine extends Error {}

export type JsonObject = Record<string, unknown>;

/** Reads the value of a field; throws `RejectedLine` if it has the wrong type. */
export type FieldReader<T> = ((value: unknown) => T) & { absent?: T };

/** How to read each field of an object. */
export type FieldReaders<T> = { [Name in keyof T]: FieldReader<T[Name]> };

/** Reads the fields that `readers` name; others are ignored. */
export function readObject<T>(value: unknown, readers: FieldReaders<T>): T {
  const given = object(value);
  const made: Partial<T> = {};
  for (const name in readers) {
    const read = readers[name];
    if (Object.hasOwn(given, name)) made[name] = read(given[name]);
    else if ('absent' in read) made[name] = read.absent as T[typeof name];
    else throw new RejectedLine(`missing field \`${name}\``);
  }
  return made as T;
}

export const object = check((value): value is JsonObject => {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
});
export const flag = check((value) => typeof value === 'boolean');
/** Lone surrogates are valid in a JavaScript string, but they are not text. */
export const text = check(
  (value): value is string => typeof value === 'string' && value.isWellFormed(),
);
export const texts = check(
  (value): value is string[] =>
    Array.isArray(value) && value.every((item) => typeof item === 'string' && item.isWellFormed()),
);
export const integer = check((value): value is number => Number.isSafeInteger(value));
export const count = check(
  (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0,
);

const RFC_3339 = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** RFC 3339. `Date` accepts more than that: February 30, and hour 24. */
export function timestamp(value: unknown): Date {
  const written = text(value).toUpperCase();
  const time = new Date(RFC_3339.test(written) ? written : Number.NaN);
  const day = written.slice(0, 10);
  if (Number.isNaN(time.getTime()) || !new Date(day).toJSON().startsWith(day)) throw wrongType();
  return time;
}

export function nullable<T>(read: FieldReader<T>): FieldReader<T | null> {
  return (value) => (value === null ? null : read(value));
}

/** A field that may be missing. */
export function optional<T>(read: FieldReader<T>, absent: T): FieldReader<T> {
  return Object.assign((value: unknown) => read(value), { absent });
}

function check<T>(is: (value: unknown) => value is T): FieldReader<T> {
  return (value) => {
    if (is(value)) return value;
    throw wrongType();
  };
}

function wrongType(): RejectedLine {
  return new RejectedLine('a field does not match its schema');
}
