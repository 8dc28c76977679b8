// Short words at the lower edge: what was done, and undo where it can be undone.
import { Cell, useCell } from '../parts/cell.ts';

interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'bad';
  undo?: (() => void) | undefined;
}

const LASTS = 6000; // milliseconds
const UNDO = 10_000; // milliseconds
const toasts = new Cell<Toast[]>([]);
let count = 0;

const remove = (id: number) => (toasts.value = toasts.value.filter((toast) => toast.id !== id));

export function toast(text: string, tone: Toast['tone'] = 'plain', undo?: () => void): void {
  const id = ++count;
  toasts.value = [...toasts.value.slice(-2), { id, text, tone, undo }];
  setTimeout(() => remove(id), undo ? UNDO : LASTS);
}

export function Toasts() {
  const shown = useCell(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">{shown.map(({ id, text, tone, undo }) => (
      <p key={id} class={`toast ${tone}`}>{text}{undo && <button type="button" onClick={() => { remove(id); undo(); }}>Undo</button>}</p>
    ))}</div>
  );
}
