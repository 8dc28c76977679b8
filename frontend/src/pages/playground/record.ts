// A record as one types it, and as it is sent.  An empty field is null: not known.

export interface Column {
  name: string;
  sent: string; // number, integer, string, boolean, date, image, tensor
  kind: string;
  unit: string;
  shape: number[];
  values: string[];
}

export type Texts = Record<string, string>; // what stands in each field; a picture as base64
export type Row = Record<string, unknown>;

const EXPECTED: Record<string, string> = { number: 'a number', integer: 'a whole number', boolean: 'true or false', tensor: 'a list of numbers, as JSON' };

/** What TEXTS say, and what is wrong with those that say nothing a column could be. */
export function recordOf(columns: Column[], texts: Texts): { record: Row; wrong: Texts } {
  const record: Row = {};
  const wrong: Texts = {};
  for (const { name, sent } of columns) {
    const value = valueOf(sent, texts[name] ?? '');
    record[name] = value === undefined ? null : value;
    if (value === undefined) wrong[name] = `expected: ${EXPECTED[sent] ?? 'another value'}`;
  }
  return { record, wrong };
}

/** The value that TEXT is for a column of this kind; undefined where it is none. */
function valueOf(sent: string, text: string): unknown {
  const said = sent === 'string' ? text : text.trim();
  if (said === '') return null;
  if (sent === 'number' || sent === 'integer') {
    const value = Number(said);
    const good = sent === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
    return good ? value : undefined;
  }
  if (sent === 'boolean') return said === 'true' ? true : said === 'false' ? false : undefined;
  if (sent === 'image') return { b64: said };
  if (sent === 'tensor') return parsed(said);
  return said;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** ROW as it stands in the fields. */
export function textsOf(columns: Column[], row: Row | undefined): Texts {
  return Object.fromEntries(columns.map(({ name, sent }) => [name, textOf(sent, row?.[name])]));
}

function textOf(sent: string, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (sent === 'image') return typeof value === 'object' && 'b64' in value ? String(value.b64) : '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The records in TEXT: one, a list, or {"records": [...]}.  Throws words for who wrote it. */
export function recordsOf(text: string): Row[] {
  const value = parsed(text);
  if (value === undefined) throw new Error('this is not JSON');
  const found = Array.isArray(value) ? value : isRow(value) && Array.isArray(value['records']) ? value['records'] : [value];
  if (!found.length || !found.every(isRow)) throw new Error('expected: a record {...}, or a list of records');
  return found;
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The kind of field for a column whose example is TEXT. */
export function inputOf({ sent, kind, values }: Column, example: string): 'picture' | 'choice' | 'area' | 'date' | 'datetime-local' | 'text' {
  if (sent === 'image') return 'picture';
  if (sent === 'boolean') return 'choice';
  if (sent === 'tensor' || kind === 'text') return 'area';
  if (sent === 'date' && /^\d{4}-\d\d-\d\d$/.test(example)) return 'date';
  if (sent === 'date' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(example)) return 'datetime-local';
  return sent === 'string' && !values.length && example.length > 60 ? 'area' : 'text';
}
