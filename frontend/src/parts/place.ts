// Where the reader is.  The browser's back and forward work on it.
import { useEffect } from 'preact/hooks';
import { readPlace, writePlace, type Place } from './address.ts';
import { Cell, useCell } from './cell.ts';

export const place = new Cell<Place>(readPlace(location.hash));
addEventListener('hashchange', () => (place.value = readPlace(location.hash)));

export function go(path: string, query: Record<string, string> = {}): void {
  location.hash = writePlace({ path, query });
}

/** Changes parts of the query; the step back leads to the page before, not to each of its states. */
export function adjust(changes: Record<string, string>): void {
  const next = writePlace({ path: place.value.path, query: { ...place.value.query, ...changes } });
  history.replaceState(null, '', next);
  place.value = readPlace(next);
}

export function useQuery(name: string, fallback = ''): [string, (value: string) => void] {
  const { query } = useCell(place);
  return [query[name] ?? fallback, (value) => adjust({ [name]: value === fallback ? '' : value })];
}

/** Like useQuery, and the last choice is there again when the page is opened by its name alone. */
export function useKept(page: string, name: string, fallback = ''): [string, (value: string) => void] {
  const key = `aimass.${page}.${name}`;
  const kept = recall(key);
  const [value, set] = useQuery(name, '');
  const standard = kept ?? fallback;
  useEffect(() => {
    if (!value && kept !== null && kept !== fallback) set(kept); // so that a link to this page shows it, too
  }, [value, kept]);
  return [value || standard, (next) => {
    remember(key, next === fallback ? null : next);
    set(next === fallback ? '' : next);
  }];
}

/** Private windows may refuse storage: then nothing is kept. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // as above
  }
}
