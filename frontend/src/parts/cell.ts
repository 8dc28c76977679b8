// A value that pages watch: the only state that outlives a page.
import { useEffect, useState } from 'preact/hooks';

export class Cell<T> {
  #value: T;
  #watchers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher(value);
  }

  /** Calls WATCHER at each change until the function that comes back is called. */
  watch(watcher: (value: T) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }
}

export function useCell<T>(cell: Cell<T>): T {
  const [value, set] = useState(cell.value);
  useEffect(() => {
    set(() => cell.value);
    return cell.watch((next) => set(() => next));
  }, [cell]);
  return value;
}
