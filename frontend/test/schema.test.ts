import assert from 'node:assert/strict';
import { test } from 'node:test';
// @ts-ignore: a script, not a part of the console
import { schemaOf, typeOf } from '../schema.mjs';

test('schemas of JSON become types', () => {
  assert.equal(typeOf({ anyOf: [{ type: 'string' }, { type: 'null' }] }), 'string | null');
  assert.equal(typeOf({ type: 'array', items: { $ref: '#/components/schemas/Run' } }), 'Array<Run>');
  assert.equal(typeOf({ type: 'array', prefixItems: [{ type: 'number' }, { type: 'string' }] }), '[number, string]');
  assert.equal(typeOf({ type: 'object', additionalProperties: { type: 'number' } }), 'Record<string, number>');
  assert.equal(typeOf({ type: 'object', properties: { a: { type: 'integer' }, 'b-c': { enum: ['x', 1] } }, required: ['a'] }), '{ "a": number; "b-c"?: "x" | 1 }');
  assert.equal(typeOf({}), 'unknown');
});

test('a call has what it takes and what it answers when all is well', () => {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const text = schemaOf({ paths: { '/api/v1/runs/{id}/stop': { post: {
    parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
    requestBody: json({ type: 'string' }),
    responses: { 404: json({ type: 'null' }), 202: json({ type: 'boolean' }) },
  } } } });
  assert.match(text, /"POST \/runs\/\{id\}\/stop": \{ path: \{ "id": number \}; query: undefined; body: string; answer: boolean \};/);
});
