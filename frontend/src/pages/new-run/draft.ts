// What is written into the form of a step: values by their places, as JSON; what is not said has its default.
import type { Calls } from '../../api/schema.ts';

export type Form = Calls['GET /steps/{step}']['answer'];
export type Field = Form['fields'][number];
export type Part = Form['families'][string][number];
export type Values = Record<string, unknown>;
export type Refs = Record<string, string | string[] | Record<string, string> | null>;

const isTable = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

export const equal = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** VALUES with VALUE at NAME; undefined takes it out. */
export function withValue(values: Values, name: string, value: unknown): Values {
  const { [name]: _, ...rest } = values;
  return value === undefined ? rest : { ...rest, [name]: value };
}

/** The name of the part in VALUE, which is a name or a table. */
export const nameOf = (value: unknown): string => (typeof value === 'string' ? value : isTable(value) ? String(value['use'] ?? '') : '');

/** The settings of the part in VALUE. */
export function settingsOf(value: unknown): Values {
  if (!isTable(value)) return {};
  const { use: _, revision: __, ...rest } = value;
  return rest;
}

/** The table of a part. */
export const partOf = (name: string, settings: Values): Values => ({ use: name, ...settings });

/** VALUES without what is said by default, so that only choices are left. */
export function trimmed(values: Values, fields: Field[], families: Form['families']): Values {
  const known = new Map(fields.map((field) => [field.name, field]));
  const left = Object.entries(values).map(([name, value]) => {
    const field = known.get(name);
    return [name, field ? bare(value, field, families) : value, field] as const;
  });
  return Object.fromEntries(left.filter(([, value, field]) => !field || !equal(value, bare(field.default, field, families))).map(([name, value]) => [name, value]));
}

/** VALUE with its parts as short as their defaults allow. */
function bare(value: unknown, field: Field, families: Form['families']): unknown {
  if (field.kind === 'part' && nameOf(value)) {
    const part = families[field.family ?? '']?.find(({ name }) => name === nameOf(value));
    return partOf(nameOf(value), part ? trimmed(settingsOf(value), part.fields, families) : settingsOf(value));
  }
  if (field.kind === 'group' && isTable(value)) return trimmed(value, field.fields ?? [], families);
  if (field.kind === 'list' && Array.isArray(value) && field.of) return value.map((one) => bare(one, field.of as Field, families));
  return value;
}

/** How many choices there are in VALUES, those inside parts too. */
export function choices(values: Values, fields: Field[], families: Form['families']): number {
  return Object.keys(trimmed(values, fields, families)).length;
}

/** What a person wrote, as the value that FIELD wants; what it cannot be stays text, and the server says why. */
export function parsed(field: Field, text: string): unknown {
  const trim = text.trim();
  if (trim === '') return field.optional ? null : field.kind === 'text' ? '' : undefined;
  if ((field.words ?? []).includes(trim)) return trim;
  if (field.kind === 'number' || field.kind === 'integer') return Number.isFinite(Number(trim)) ? Number(trim) : trim;
  if (field.kind === 'list' && !trim.startsWith('[')) return trim.split(',').map((one) => parsed(field.of as Field, one.trim()) ?? '');
  if (field.kind === 'json' || field.kind === 'table' || field.kind === 'list') return json(trim);
  return text;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** VALUE as a person writes it. */
export function written(field: Field, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (field.kind === 'list' && Array.isArray(value) && value.every((one) => ['string', 'number'].includes(typeof one) && !String(one).includes(','))) return value.join(', ');
  return JSON.stringify(value);
}

/** "0 – 0.9", "from 1"; "" where nothing is said. */
export function rangeOf({ low, high }: Field): string {
  const has = (value: number | null | undefined): value is number => value !== null && value !== undefined;
  if (has(low) && has(high)) return `${low} – ${high}`;
  return has(low) ? `from ${low}` : has(high) ? `up to ${high}` : '';
}

/** The first choice of what has to be said and has no default: a part that is whole, else the first word. */
export function firstChoice(field: Field, families: Form['families']): unknown {
  if (!field.required) return undefined;
  if (field.kind === 'part') return families[field.family ?? '']?.find((part) => !part.lacks)?.name;
  return field.kind === 'choice' ? field.choices?.[0] : undefined;
}
