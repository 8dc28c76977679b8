// The request of the playground as a caller would write it.

const LONG = 2000; // letters that one still reads

/** For a shell.  A long body comes from a file that the page saves; a key that is asked for, from the environment. */
export function curl(url: string, body: unknown, keys = false): string {
  const text = JSON.stringify(body);
  const data = text.length <= LONG ? quoted(text) : '@request.json';
  const key = keys ? ' \\\n  -H "authorization: Bearer $KEY"' : '';
  return `curl -s ${quoted(url)}${key} \\\n  -H 'content-type: application/json' \\\n  -d ${data}`;
}

/** A program of Python's standard library. */
export function python(url: string, body: unknown, keys = false): string {
  const short = JSON.stringify(body).length <= LONG;
  return [
    `import json, ${keys ? 'os, ' : ''}urllib.request`,
    '',
    `body = ${short ? literal(body) : 'json.load(open("request.json"))'}`,
    `request = urllib.request.Request(${JSON.stringify(url)}, json.dumps(body).encode())`,
    ...(keys ? ['request.add_header("authorization", f"Bearer {os.environ[\'KEY\']}")'] : []),
    'with urllib.request.urlopen(request) as answer:',
    '    print(json.load(answer))',
  ].join('\n');
}

export const isLong = (body: unknown): boolean => JSON.stringify(body).length > LONG;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** VALUE as Python writes it.  JSON's texts are Python's, and so are its numbers. */
export function literal(value: unknown, indent = ''): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}    `;
  const parts = Array.isArray(value) ? value.map((one) => literal(one, inner)) : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${literal(one, inner)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const line = `${open}${parts.join(', ')}${close}`;
  return line.length <= 80 && !line.includes('\n') ? line : `${open}\n${parts.map((part) => `${inner}${part},\n`).join('')}${indent}${close}`;
}
