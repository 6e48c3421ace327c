/** Fields of JSON objects, checked when they are read. */

/** Why a line is refused. It never quotes a value: details may hold what people wrote. */
export class Refusal extends Error {}

export type Fields = Record<string, unknown>;

/** Makes a value of a field; throws a `Refusal` where the field is of another type. */
export type Read<T> = ((value: unknown) => T) & { absent?: T };

/** How each field of a shape is read. */
export type Shape<T> = { [Name in keyof T]: Read<T[Name]> };

/** Makes an object of the fields that a shape names; others are left out. */
export function typed<T>(value: unknown, shape: Shape<T>): T {
  const given = object(value);
  const made: Partial<T> = {};
  for (const name in shape) {
    const read = shape[name];
    if (Object.hasOwn(given, name)) made[name] = read(given[name]);
    else if ('absent' in read) made[name] = read.absent as T[typeof name];
    else throw new Refusal(`missing field \`${name}\``);
  }
  return made as T;
}

export const object = check((value): value is Fields => {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
});
export const flag = check((value) => typeof value === 'boolean');
/** JavaScript takes half a surrogate pair for text. */
export const text = check(
  (value): value is string => typeof value === 'string' && value.isWellFormed(),
);
export const integer = check((value): value is number => Number.isSafeInteger(value));
export const count = check(
  (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0,
);

const RFC_3339 = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** RFC 3339, which is less than `Date` takes for a time: that knows a 30th of February, and an hour 24. */
export function moment(value: unknown): Date {
  const written = text(value).toUpperCase();
  const time = new Date(RFC_3339.test(written) ? written : Number.NaN);
  const day = written.slice(0, 10);
  if (Number.isNaN(time.getTime()) || !new Date(day).toJSON().startsWith(day)) throw wrongValue();
  return time;
}

export function nullable<T>(read: Read<T>): Read<T | null> {
  return (value) => (value === null ? null : read(value));
}

/** A field that may be left out. */
export function optional<T>(read: Read<T>, absent: T): Read<T> {
  return Object.assign((value: unknown) => read(value), { absent });
}

function check<T>(is: (value: unknown) => value is T): Read<T> {
  return (value) => {
    if (is(value)) return value;
    throw wrongValue();
  };
}

function wrongValue(): Refusal {
  return new Refusal('a field is not as its schema says');
}
