// System, light or dark.  Colours are tokens of style/tokens.css; charts draw again when `scheme` changes.
import { Cell } from '../parts/cell.ts';
import { recall, remember } from '../parts/place.ts';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES: Theme[] = ['system', 'light', 'dark'];

const system = matchMedia('(prefers-color-scheme: dark)');
const chosen = recall('aimass.theme');
export const theme = new Cell<Theme>(chosen === 'light' || chosen === 'dark' ? chosen : 'system');
export const scheme = new Cell<'light' | 'dark'>(current());

function current(): 'light' | 'dark' {
  if (theme.value !== 'system') return theme.value;
  return system.matches ? 'dark' : 'light';
}

export function choose(next: Theme): void {
  theme.value = next;
  remember('aimass.theme', next === 'system' ? null : next);
  if (next === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = next;
  scheme.value = current();
}

system.addEventListener('change', () => (scheme.value = current()));
