// Before what cannot be undone: its effect in words, then the name typed.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from './dialog.tsx';
import { Problem, useForm } from './form.tsx';

interface Props {
  title: string;
  verb: string;
  name: string; // has to be typed
  act: () => Promise<unknown>;
  close: () => void;
  children: ComponentChildren;
}

export function Confirm({ title, verb, name, act, close, children }: Props) {
  const [typed, type] = useState('');
  const form = useForm(async () => {
    await act();
    close();
  });
  return (
    <Dialog label={title} kind="ask" close={close}>
      <form onSubmit={form.submit}>
        <h2>{title}</h2>
        <p>{children}</p>
        <label class="field"><span>Type <code>{name}</code> to go on</span>
          <input value={typed} onInput={(event) => type(event.currentTarget.value)} autocomplete="off" spellcheck={false} autofocus />
        </label>
        <Problem refusal={form.refusal} />
        <p class="row"><button type="submit" class="danger" disabled={typed !== name || form.busy}>{verb}</button><button type="button" onClick={close}>Keep it</button></p>
      </form>
    </Dialog>
  );
}
