// Figures, times and sizes as a person reads them.  Numbers have 4 significant digits; the full value is for hover and copy.
// Written without Intl, whose first formatter takes tens of milliseconds of a page's first paint; a test holds both side by side.

const MINUS = '−';
const NOTHING = '–';

export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return NOTHING;
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${MINUS}∞`;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return signed(value, scientific(size, digits));
  if (Number.isInteger(value)) return signed(value, grouped(String(size)));
  const text = size.toPrecision(digits);
  if (Number(text) >= 10 ** digits) return signed(value, grouped(String(Math.round(size))));
  return signed(value, grouped(text));
}

/** Digits with a comma before each three of the whole part. */
export const grouped = (text: string): string => text.replace(/^-?\d{4,}/, (whole) => whole.replace(/\B(?=(?:\d{3})+$)/g, ','));

const signed = (value: number, text: string): string => (value < 0 ? MINUS + text : text);

function scientific(size: number, digits: number): string {
  const [mantissa, exponent] = size.toExponential(digits - 1).split('e');
  return `${Number(mantissa)}e${exponent!.replace('+', '').replace('-', MINUS)}`;
}

export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  if (value < 59.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(value / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(value / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const UNITS: Array<[number, string]> = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];

export function ago(moment: string | number | null | undefined, now = Date.now()): string {
  const gone = (now - milliseconds(moment)) / 1000;
  if (Number.isNaN(gone)) return NOTHING;
  if (Math.abs(gone) < 5) return 'now';
  const [size, unit] = UNITS.find(([size]) => Math.abs(gone) >= size) ?? UNITS.at(-1)!;
  const count = Math.floor(Math.abs(gone) / size);
  const words = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return gone < 0 ? `in ${words}` : `${words} ago`;
}

/** The moment in the reader's own time zone. */
export function absolute(moment: string | number | null | undefined): string {
  const at = new Date(milliseconds(moment));
  if (Number.isNaN(at.getTime())) return NOTHING;
  if (zone.name) return inZone('medium').format(at);
  return `${at.getDate()} ${MONTHS[at.getMonth()]} ${at.getFullYear()}, ${timeOf(at)}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sept', 'Oct', 'Nov', 'Dec'];
const timeOf = (at: Date): string => [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');

/** The time of day. */
export function clock(moment: string | number): string {
  const at = new Date(milliseconds(moment));
  return zone.name ? inZone(undefined).format(at) : timeOf(at);
}

/** The time zone that the reader chose; "" is the browser's own. */
export const zone = { name: '' };

const made = new Map<string, Intl.DateTimeFormat>();

/** The formatter of that zone, with the date or without: made once. */
function inZone(dateStyle: 'medium' | undefined): Intl.DateTimeFormat {
  const key = `${zone.name} ${dateStyle}`;
  const format = made.get(key) ?? new Intl.DateTimeFormat('en-GB', { ...(dateStyle && { dateStyle }), timeStyle: 'medium', timeZone: zone.name });
  made.set(key, format);
  return format;
}

/** Seconds since 1970, or a text of ISO 8601: without a zone it is UTC, as the catalog writes. */
export function milliseconds(moment: string | number | null | undefined): number {
  if (moment === null || moment === undefined) return Number.NaN;
  if (typeof moment === 'number') return moment * 1000;
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(moment) ? moment : `${moment}Z`);
}

export const short = (digest: string): string => digest.slice(0, 10);

export const plural = (count: number, one: string, many = `${one}s`): string => `${number(count)} ${count === 1 ? one : many}`;

/** Bytes with three digits: 17 B, 1.24 kB, 380 MB. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let power = 0;
  while (power < units.length - 1 && value / 1000 ** power >= 999.5) power += 1;
  const size = value / 1000 ** power;
  return `${power && size < 999.5 ? size.toPrecision(3) : Math.round(size)} ${units[power]}`;
}

/** What a figure of a column of TYPE is: a number, or seconds since 1970 as a moment. */
export function figured(value: number | null | undefined, type: string): string {
  if (value === null || value === undefined) return NOTHING;
  if (type !== 'timestamp' && type !== 'date') return number(value);
  const at = new Date(value * 1000);
  if (Number.isNaN(at.getTime())) return number(value);
  return at.toISOString().slice(0, type === 'date' ? 10 : 16).replace('T', ' ');
}

/** A share of 1: three digits near its ends, never 0 % of something. */
export function percent(share: number): string {
  if (share === 0) return '0 %';
  if (share < 0.0005) return '< 0.1 %';
  if (share > 0.9995 && share < 1) return '> 99.9 %';
  return `${(share * 100).toFixed(share < 0.0995 || share > 0.9 ? 1 : 0).replace(/^100\.0$/, '100')} %`;
}

/** +12, −3, 0: by how much NOW is more than BEFORE; nothing where one of them was not counted. */
export function change(now: number | null | undefined, before: number | null | undefined): string {
  if (now === null || now === undefined || before === null || before === undefined) return NOTHING;
  return `${now > before ? '+' : ''}${number(now - before)}`;
}
