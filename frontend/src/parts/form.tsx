// Forms that say what is wrong beside what was written, and keep it.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Refusal } from '../api/client.ts';
import { sentence } from './states.tsx';

export interface Form {
  refusal: Refusal | undefined;
  busy: boolean;
  submit: (event: JSX.TargetedSubmitEvent<HTMLFormElement>) => void;
}

export function useForm(send: (values: Record<string, string>) => Promise<void>): Form {
  const [refusal, refuse] = useState<Refusal>();
  const [busy, work] = useState(false);
  const submit: Form['submit'] = (event) => {
    event.preventDefault();
    if (busy) return;
    work(true);
    refuse(undefined);
    const values = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)]));
    send(values).catch((problem) => refuse(problem instanceof Refusal ? problem : new Refusal(0, { error: String(problem) }))).finally(() => work(false));
  };
  return { refusal, busy, submit };
}

type FieldProps = { name: string; label: string; type?: string; required?: boolean; hint?: string; autocomplete?: JSX.InputHTMLAttributes<HTMLInputElement>['autocomplete']; autofocus?: boolean };

export function Field({ name, label, hint, type = 'text', required = true, ...more }: FieldProps) {
  return (
    <div class="field"><label for={`field-${name}`}>{label}</label>
      <input id={`field-${name}`} name={name} type={type} required={required} spellcheck={false} autocapitalize="none" aria-describedby={hint ? `hint-${name}` : undefined} {...more} />
      {hint && <small id={`hint-${name}`} class="muted">{hint}</small>}
    </div>
  );
}

export function Problem({ refusal }: { refusal: Refusal | undefined }) {
  if (!refusal) return null;
  const wait = refusal.fact('retry_after');
  const [expected, todo] = [refusal.fact('expected'), refusal.fact('to_do')];
  return (
    <div class="problem" role="alert">
      <span class="shape" aria-hidden="true">✕</span>
      <p>{sentence(refusal.message)}{wait && ` Try again in ${wait} s.`}{expected && <><br /><span class="muted">Expected: {expected}</span></>}{todo && <><br /><span class="muted">{sentence(todo)}</span></>}</p>
    </div>
  );
}

/** A page before the shell: a card in the middle. */
export function Entrance({ title, lead, form, verb, children }: { title: string; lead?: string; form: Form; verb: string; children: ComponentChildren }) {
  return (
    <main class="entrance">
      <form class="card" onSubmit={form.submit}>
        <p class="brand"><img src="./icon.svg" alt="" width="28" height="28" /> AI Mass</p>
        <h1>{title}</h1>
        {lead && <p class="muted">{lead}</p>}
        {children}
        <Problem refusal={form.refusal} />
        <button type="submit" class="primary" disabled={form.busy}>{form.busy ? 'One moment…' : verb}</button>
      </form>
    </main>
  );
}
