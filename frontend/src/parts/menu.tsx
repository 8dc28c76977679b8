// A button that opens a list of deeds: arrows move, Esc closes, the focus comes back.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

const ITEMS = '[role^=menuitem]';

export function Menu({ label, kind = '', face, stays = false, children }: { label: string; kind?: string; face: ComponentChildren; stays?: boolean; children: ComponentChildren }) {
  const [open, set] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const items = () => [...root.current!.querySelectorAll<HTMLElement>(ITEMS)];
  useEffect(() => {
    if (!open) return;
    items()[0]?.focus();
    const outside = (event: Event) => root.current?.contains(event.target as Node) || set(false);
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);
  const close = () => {
    set(false);
    root.current?.querySelector('button')?.focus();
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (open && event.key === 'Escape') close();
    else if (open && event.key === 'Tab') return set(false);
    else if (step) {
      if (!open) set(true);
      else {
        const all = items();
        all[(all.indexOf(document.activeElement as HTMLElement) + step + all.length) % all.length]?.focus();
      }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class={`menu ${kind}`} ref={root} onKeyDown={press}>
      <button type="button" class="quiet" aria-haspopup="menu" aria-expanded={open} aria-label={label} title={label} onClick={() => set(!open)}>{face}</button>
      {open && (
        <div class="sheet" role="menu" aria-label={label} onClick={(event) => !stays && (event.target as HTMLElement).closest(ITEMS) && close()}>{children}</div>
      )}
    </div>
  );
}
