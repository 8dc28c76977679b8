// Keys that work on every page, while no field is being written in.
import { live } from '../api/live.ts';
import { Cell } from '../parts/cell.ts';
import { saveTables } from './tables.ts';
import { toast } from './toasts.tsx';

export const palette = new Cell(false);
export const help = new Cell(false);

export const KEYS: Array<[string, string]> = [
  ['Ctrl K', 'go to a page or to anything by its name, or do something'],
  ['/', 'search in this page'],
  ['c', 'copy a link to what you see'],
  ['t', 'save the tables of this page as CSV'],
  ['.', 'pause or go on with live figures'],
  ['← →', 'in a chart: move the cross-hair, with Shift further'],
  ['+ -', 'in a chart: zoom around the cross-hair'],
  ['0', 'in a chart: show all'],
  ['g h', 'home'],
  ['g r', 'runs'],
  ['g j', 'jobs'],
  ['g l', 'logs'],
  ['g p', 'live parameters'],
  ['?', 'these keys'],
  ['Esc', 'close what is open'],
];

const PLACES: Record<string, string> = { h: '#/', r: '#/runs', j: '#/jobs', l: '#/logs', p: '#/parameters' };
let leader = 0; // when g was pressed, milliseconds

export function watchKeys(): () => void {
  document.addEventListener('keydown', pressed);
  return () => document.removeEventListener('keydown', pressed);
}

function pressed(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    palette.value = true;
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target) || document.querySelector('dialog[open]')) return;
  const goes = Date.now() - leader < 1000 && PLACES[event.key];
  leader = event.key === 'g' ? Date.now() : 0;
  if (goes) location.hash = goes;
  else if (event.key === '?') help.value = true;
  else if (event.key === 'c') copyLink();
  else if (event.key === 't') saveTables();
  else if (event.key === '.') live.toggle();
  else if (event.key === '/') search();
  else return;
  event.preventDefault();
}

function writing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

export function search(): void {
  const field = document.querySelector<HTMLInputElement>('main input[type=search]');
  if (field) field.select();
  else palette.value = true;
}

export function copyLink(): void {
  copy(location.href, 'The link is copied');
}

/** Puts TEXT on the clipboard and says DONE; where the browser refuses, TEXT is shown to be copied by hand. */
export function copy(text: string, done: string): void {
  const refused = () => toast(text);
  if (!navigator.clipboard) return refused();
  navigator.clipboard.writeText(text).then(() => toast(done), refused);
}
