// openapi.json -> src/api/schema.ts: the types of what the API takes and answers.  Run by `npm run types`.
import { readFileSync, writeFileSync } from 'node:fs';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** TypeScript of a JSON schema as FastAPI writes them. */
export function typeOf(schema) {
  if (!schema || Object.keys(schema).length === 0) return 'unknown';
  if (schema.$ref) return nameOf(schema.$ref.split('/').pop());
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return [...new Set(several.map(typeOf))].join(' | ');
  if (schema.allOf) return schema.allOf.map(typeOf).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  if (schema.type === 'array') return arrayOf(schema);
  if (schema.type === 'object') return objectOf(schema);
  return { integer: 'number', number: 'number', string: 'string', boolean: 'boolean', null: 'null' }[schema.type] ?? 'unknown';
}

function arrayOf(schema) {
  if (schema.prefixItems) return `[${schema.prefixItems.map(typeOf).join(', ')}]`;
  return `Array<${typeOf(schema.items)}>`;
}

function objectOf(schema) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {})
    .map(([name, value]) => `${JSON.stringify(name)}${required.has(name) ? '' : '?'}: ${typeOf(value)}`);
  const rest = schema.additionalProperties;
  if (!fields.length) return rest ? `Record<string, ${rest === true ? 'unknown' : typeOf(rest)}>` : 'Record<string, unknown>';
  return `{ ${fields.join('; ')} }`;
}

const nameOf = (name) => name.replace(/\W/g, '_');
const json = (content) => content?.['application/json']?.schema;

/** What METHOD of a path takes in its address and body, and what it answers. */
function callOf(operation) {
  const at = (place) => objectOf({
    properties: Object.fromEntries((operation.parameters ?? []).filter((p) => p.in === place).map((p) => [p.name, p.schema])),
    required: (operation.parameters ?? []).filter((p) => p.in === place && p.required).map((p) => p.name),
  });
  const has = (place) => (operation.parameters ?? []).some((p) => p.in === place);
  const good = Object.entries(operation.responses ?? {}).find(([status]) => status.startsWith('2'))?.[1];
  const content = operation.requestBody?.content;
  const body = json(content) ? typeOf(json(content)) : content?.['application/octet-stream'] ? 'Blob' : 'undefined';
  return `{ path: ${has('path') ? at('path') : 'undefined'}; query: ${has('query') ? at('query') : 'undefined'}; `
    + `body: ${body}; answer: ${json(good?.content) ? typeOf(json(good.content)) : 'undefined'} }`;
}

export function schemaOf(openapi) {
  const types = Object.entries(openapi.components?.schemas ?? {})
    .map(([name, schema]) => `export type ${nameOf(name)} = ${typeOf(schema)};`);
  const calls = Object.entries(openapi.paths).flatMap(([path, operations]) => METHODS.filter((m) => operations[m])
    .map((m) => `  ${JSON.stringify(`${m.toUpperCase()} ${path.replace('/api/v1', '')}`)}: ${callOf(operations[m])};`));
  return `// Made by schema.mjs from openapi.json.\n${types.join('\n')}\n\nexport interface Calls {\n${calls.join('\n')}\n}\n`;
}

if (import.meta.filename === process.argv[1]) {
  const openapi = JSON.parse(readFileSync(new URL('openapi.json', import.meta.url), 'utf-8'));
  writeFileSync(new URL('src/api/schema.ts', import.meta.url), schemaOf(openapi));
}
