// A field that filters what is below it, shortly after each letter; `/` leads to it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icons.tsx';

const SOON = 30; // milliseconds: a hundred are noticed

export function Search({ label, hint, text, write }: { label: string; hint: string; text: string; write: (text: string) => void }) {
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const [typed, type] = useState(text);
  useEffect(() => type((typed) => (typed.trim() === text ? typed : text)), [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label class="search"><Icon name="search" />
      <input type="search" aria-label={label} placeholder={hint} value={typed} spellcheck={false}
        onInput={(event) => {
          const value = event.currentTarget.value;
          type(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => write(value.trim()), SOON);
        }} />
      <kbd aria-hidden="true">/</kbd>
    </label>
  );
}
