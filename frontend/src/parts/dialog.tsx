// The browser's own dialog: it keeps the focus inside, Esc closes it, and the focus goes back to where it was.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export function Dialog({ label, kind, close, children }: { label: string; kind: string; close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current!.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class={`dialog ${kind}`} aria-label={label} onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      {children}
    </dialog>
  );
}
