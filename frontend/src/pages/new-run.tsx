// A run from a form: the step says what it takes, what exists is offered, and the server says at once whether it would run.
import { useEffect } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { adjust, place, useQuery } from '../parts/place.ts';
import { Empty, Shown } from '../parts/states.tsx';
import { Beside } from './new-run/beside.tsx';
import { useCheck } from './new-run/check.ts';
import { firstChoice, trimmed, type Form, type Refs, type Values } from './new-run/draft.ts';
import { Fields } from './new-run/fields.tsx';
import { InputField } from './new-run/inputs.tsx';

const USUAL = 'train';

export default function NewRunPage() {
  const [from] = useQuery('from');
  const [asked] = useQuery('step');
  const run = useAnswer('GET /runs/{id}', { path: { id: Number(from) } }, /^\d{1,15}$/.test(from));
  const verbs = useAnswer('GET /steps');
  const waits = Boolean(from) && !run.value && !run.refusal;
  const step = asked || run.value?.task.step || USUAL;
  const form = useAnswer('GET /steps/{step}', { path: { step } }, !waits);
  useEffect(() => void (document.title = `${run.value ? `Run ${from} again` : 'New run'} · AI Mass`), [run.value]);
  const task = run.value?.task.step === step ? run.value.task : undefined;
  return (
    <div class="page new-run">
      <header class="head"><h1>{task ? `Run ${from} again` : 'New run'}</h1>
        {run.value && <p class="muted">filled with what <a href={`#/runs/${from}`}>run {from}</a> was told</p>}</header>
      {run.refusal && <p class="stale-note"><span class="mark warning" aria-hidden="true">▲</span> Run {from} cannot be read: the form begins with its defaults</p>}
      <label class="step-choice">Step <select value={step} onChange={(event) => adjust({ step: event.currentTarget.value, settings: '', inputs: '', from: '' })}>
        {!verbs.value?.rows.some(({ name }) => name === step) && <option value={step}>{step}</option>}
        {verbs.value?.rows.map(({ name, story }) => <option key={name} value={name}>{name} – {story}</option>)}</select></label>
      {waits ? null : <Shown of={form} what={`The form of ${step}`} lines={12}>{(form) => <Whole key={`${step} ${from}`} form={form} before={task} />}</Shown>}
    </div>
  );
}

interface Before {
  settings: Values;
  inputs: Values;
  seed: number;
}

/** What the address says, else what the run before was told, else the first choice of what has to be said. */
function useDraft(form: Form, before: Before | undefined) {
  const [settingsText] = useQuery('settings');
  const [inputsText] = useQuery('inputs');
  const [seed, setSeed] = useQuery('seed', String(before?.seed ?? 0));
  const [name, setName] = useQuery('name');
  const first = Object.fromEntries(form.fields.map((field) => [field.name, firstChoice(field, form.families)] as const).filter(([, value]) => value !== undefined));
  const base = before ? trimmed(before.settings, form.fields, form.families) : first;
  const settings = tableOf(settingsText) ?? base;
  const inputs = (tableOf(inputsText) ?? before?.inputs ?? {}) as Refs;
  const setSettings = (values: Values) => adjust({ settings: JSON.stringify(trimmed(values, form.fields, form.families)) });
  const setInput = (name: string, ref: Refs[string]) => {
    const now = tableOf(place.value.query['inputs'] ?? '') ?? before?.inputs ?? {}; // two inputs may be chosen for at once
    adjust({ inputs: JSON.stringify({ ...now, [name]: ref }) });
  };
  return { settings, inputs, seed, setSeed, name, setName, setSettings, setInput };
}

/** A table that somebody wrote into the address, or null. */
function tableOf(text: string): Values | null {
  try {
    const found = JSON.parse(text) as unknown;
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? found as Values : null;
  } catch {
    return null;
  }
}

function Whole({ form, before }: { form: Form; before: Before | undefined }) {
  const draft = useDraft(form, before);
  const number = Number(draft.seed);
  const body = { settings: draft.settings, inputs: draft.inputs, seed: Number.isInteger(number) ? number : -1, save_as: draft.name.trim() };
  const check = useCheck(form.step, body);
  const around = { families: form.families, troubles: check.troubles };
  return (
    <div class="two">
      <div>
        <p class="muted story">{form.help.split('\n')[0]}</p>
        {form.inputs.map((input) => <InputField key={input.name} step={form.step} of={input} given={draft.inputs[input.name]} give={(ref) => draft.setInput(input.name, ref)} troubles={check.troubles} />)}
        {form.fields.length ? <section aria-labelledby="settings"><h2 id="settings">Settings</h2>
          <Fields fields={form.fields} values={draft.settings} at="" change={draft.setSettings} {...around} /></section> : <Empty title="This step has no settings" />}
        <section aria-labelledby="besides"><h2 id="besides">Besides</h2>
          <div class="fields">
            <Plain name="seed" value={draft.seed} set={draft.setSeed} help="the same seed, the same result" trouble={check.troubles.get('seed')?.error} numeric />
            <Plain name="save_as" value={draft.name} set={draft.setName} help={`a name for the ${form.gives} that comes of it, to choose it by later`} trouble={check.troubles.get('save_as')?.error} hint="no name" />
          </div></section>
      </div>
      <Beside step={form.step} gives={form.gives} check={check} />
    </div>
  );
}

function Plain({ name, value, set, help, trouble, hint = '', numeric = false }: { name: string; value: string; set: (value: string) => void; help: string; trouble: string | undefined; hint?: string; numeric?: boolean }) {
  return (
    <div class={`setting${trouble ? ' wrong-one' : ''}`}>
      <label for={`set-${name}`}><code>{name}</code></label>
      <div class="control"><input id={`set-${name}`} type="text" inputMode={numeric ? 'numeric' : 'text'} value={value} placeholder={hint} spellcheck={false} autocomplete="off" autocapitalize="none" aria-describedby={`means-${name}`} aria-invalid={Boolean(trouble)} onInput={(event) => set(event.currentTarget.value)} /></div>
      <p class="means muted small" id={`means-${name}`}>{trouble && <span class="bad"><span aria-hidden="true">✕ </span>{trouble}<br /></span>}{help}</p>
    </div>
  );
}
