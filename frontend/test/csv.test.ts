import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoted, rowsAsCsv } from '../src/parts/csv.ts';

test('rows become lines under the names of all their columns', () => {
  assert.equal(rowsAsCsv([{ a: 1, b: 'x' }, { a: null, c: [1] }]), 'a,b,c\r\n1,x,\r\n,,[1]\r\n');
});

test('what a spreadsheet would run stays text, and quotes and commas stay in their cell', () => {
  assert.equal(rowsAsCsv([{ name: '=cmd()', said: 'a "b", c' }]), 'name,said\r\n\'=cmd(),"a ""b"", c"\r\n');
});

test('texts that begin as a formula are kept from being one, numbers stay numbers', () => {
  for (const text of ['=1+1', '+x', '-x', '@x', '\tx', '\rx', '\nx', '-1+cmd()', '-', '+-1']) assert.match(quoted(text), /^"?'/, text);
  for (const value of [-1, '-1', '+0.5', '-1e-3', '1=1', 'a-b', '', null]) assert.doesNotMatch(quoted(value), /'/, String(value));
});
