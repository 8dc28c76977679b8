// Try an endpoint: a record in, the answer drawn, the request as code.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { call, me, Refusal } from '../api/client.ts';
import { useNews } from '../api/news.ts';
import type { Calls } from '../api/schema.ts';
import { useCell } from '../parts/cell.ts';
import { download } from '../parts/download.ts';
import { Problem } from '../parts/form.tsx';
import { number } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { go, useQuery } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { Empty, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { copy } from '../shell/keys.ts';
import { toast } from '../shell/toasts.tsx';
import { Answer, percent, type Answered, type Form } from './playground/answer.tsx';
import { curl, isLong, python } from './playground/code.ts';
import { Fields } from './playground/fields.tsx';
import { recordOf, recordsOf, textsOf, type Row, type Texts } from './playground/record.ts';

type Endpoint = Calls['GET /endpoints']['answer']['rows'][number];

export default function PlaygroundPage({ name = '' }: { name?: string }) {
  const known = useNews('endpoints', 'GET /endpoints');
  const [version, ask] = useQuery('version');
  const rows = known.value?.rows ?? [];
  const first = (rows.find((row) => row.state !== 'off') ?? rows[0])?.name ?? '';
  useEffect(() => {
    if (!name && first) location.replace(`#/playground/${encodeURIComponent(first)}`);
  }, [name, first]);
  return (
    <div class="page playground">
      <header class="head"><h1>Playground</h1><p class="muted">Send a record as any caller would, and see what comes back and why.</p></header>
      <Shown of={known} what="The list of endpoints">{() => (rows.length === 0 ? (
        <Empty title="Nothing is published yet" command="aimass run aimass.toml">A model that passes its gates becomes a release, and can be tried here.</Empty>
      ) : (
        <>
          <Chooser rows={rows} name={name} version={version} ask={ask} />
          {name && <Bench key={`${name} ${version}`} name={name} version={version} endpoint={rows.find((row) => row.name === name)} />}
        </>
      ))}</Shown>
    </div>
  );
}

function Chooser({ rows, name, version, ask }: { rows: Endpoint[]; name: string; version: string; ask: (version: string) => void }) {
  const found = rows.find((row) => row.name === name);
  const shares = Object.entries(found?.shares ?? {});
  const turn = shares.length > 1 ? shares.map(([word, share]) => `v${word} ${percent(share)}`).join(', ') : shares.length ? `v${shares[0]![0]}` : 'none is loaded';
  return (
    <div class="bar chooser">
      <label>Endpoint <select value={name} onChange={(event) => go(`/playground/${encodeURIComponent(event.currentTarget.value)}`)}>
        {!found && <option value={name}>{name || 'choose'}</option>}
        {rows.map((row) => <option key={row.name} value={row.name}>{row.name}</option>)}
      </select></label>
      <label>Version <select value={version} onChange={(event) => ask(event.currentTarget.value)}>
        <option value="">as callers get it ({turn})</option>
        {found?.versions.filter((one) => one.state === 'ready').map((one) => <option key={one.version} value={one.version}>v{one.version}{one.champion ? ', champion' : ''}</option>)}
      </select></label>
      {found && <State of={found.state} />}
      {found?.why && <span class="muted cut" title={found.why}>{found.why}</span>}
      <span class="space" />
    </div>
  );
}

function Bench({ name, version, endpoint }: { name: string; version: string; endpoint: Endpoint | undefined }) {
  const form = useAnswer('GET /playground/{name}', { path: { name }, query: { version } });
  const state = endpoint?.state;
  const before = useRef(state);
  useEffect(() => {
    if (before.current !== state) form.again(); // it answers at an address by now, or with another version
    before.current = state;
  }, [state]);
  return <Shown of={form} what={`The form of ${name}`} lines={8}>{(form) => <Desk form={form} version={version} up={endpoint?.state !== 'off'} />}</Shown>;
}

function Desk({ form, version, up }: { form: Form; version: string; up: boolean }) {
  const may = allows(useCell(me), 'endpoints.ask');
  const first = useMemo(() => textsOf(form.columns, form.examples[0] as Row | undefined), [form]);
  const [texts, write] = useState<Texts>(first);
  const [raw, setRaw] = useState<string | null>(null);
  const [example, turn] = useState(0);
  const [explains, setExplains] = useQuery('explain');
  const { state, send, wrong } = useSend(form, version);
  const { record } = recordOf(form.columns, texts);
  const asked = explains ? { budget_ms: Number(explains) || 200, ...(canChange(form) && { counterfactual: true }), ...(hasPicture(form) && { overlay: true }) } : null;
  const records = raw === null ? [record] : sentOf(raw);
  const submit = (event: Event) => {
    event.preventDefault();
    if (may && up) send(texts, raw, asked);
  };
  const next = () => {
    const at = (example + 1) % form.examples.length;
    turn(at);
    write(textsOf(form.columns, form.examples[at] as Row));
  };
  const toggle = () => {
    if (raw === null) return setRaw(JSON.stringify([record], null, 2));
    const [written] = sentOf(raw);
    if (!written) return toast('What is written is no record yet; correct it first', 'bad');
    write(textsOf(form.columns, written));
    setRaw(null);
  };
  return (
    <div class="desk">
      <form class="card sheet-of" aria-label="Record" onSubmit={submit} noValidate onKeyDown={(event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && submit(event)}>
        <div class="card-head"><h2>{raw === null ? 'Record' : 'Records'}</h2><span class="space" />
          {raw === null && form.examples.length > 1 && <button type="button" class="quiet" onClick={next}>Another example</button>}
          <button type="button" class="quiet" aria-pressed={raw !== null} onClick={toggle}>As JSON</button></div>
        {raw === null ? <Fields columns={form.columns} texts={texts} examples={first} wrong={wrong} write={(name, text) => write((before) => ({ ...before, [name]: text }))} />
          : <textarea class="json" aria-label="Records as JSON" rows={18} spellcheck={false} value={raw} onInput={(event) => setRaw(event.currentTarget.value)} />}
        <div class="sheet-foot">
          <Problem refusal={state.refusal} />
          <div class="row">
            <button type="submit" class="primary" disabled={!may || !up || state.busy} title={may ? (up ? 'Ctrl Enter' : 'no server answers') : 'Needs the permission endpoints.ask'}>{state.busy ? 'Sending…' : raw === null ? 'Send record' : 'Send records'}</button>
            <label class="why-asked">Explain <select value={explains} onChange={(event) => setExplains(event.currentTarget.value)}>
              <option value="">no</option><option value="200">quickly, 0.2 s</option><option value="2000">well, 2 s</option><option value="10000">thoroughly, 10 s</option>
            </select></label>
          </div>
          <p class="muted small">{raw === null ? 'An empty field is sent as null: the value is not known.' : 'One record {…}, or a list of them.'}</p>
        </div>
      </form>
      <Result form={form} state={state} records={records} asked={asked} />
    </div>
  );
}

/** Whether another class can be looked for: texts and pictures always stay as they are. */
const canChange = (form: Form): boolean => form.classes.length > 0 && form.columns.some((column) => column.sent !== 'image' && column.kind !== 'text');

const hasPicture = (form: Form): boolean => form.columns.some((column) => column.sent === 'image');

interface Sent {
  busy: boolean;
  answer?: Answered;
  sent: Row[];
  refusal?: Refusal | undefined;
}

/** Sends what is written, once it can be sent; what the server says of a field stands at that field. */
function useSend(form: Form, version: string) {
  const [state, set] = useState<Sent>({ busy: false, sent: [] });
  const [wrong, tell] = useState<Texts>({});
  const running = useRef<AbortController>();
  useEffect(() => () => running.current?.abort(), []);
  const send = (texts: Texts, raw: string | null, explain: object | null) => {
    let records: Row[];
    const found = recordOf(form.columns, texts);
    try {
      records = raw === null ? [found.record] : recordsOf(raw);
    } catch (problem) {
      return set((before) => ({ ...before, refusal: new Refusal(422, { error: (problem as Error).message }) }));
    }
    tell(raw === null ? found.wrong : {});
    if (raw === null && Object.keys(found.wrong).length) return;
    running.current?.abort();
    const stop = (running.current = new AbortController());
    set((before) => ({ ...before, busy: true, refusal: undefined }));
    call('POST /playground/{name}', { path: { name: form.name }, body: { records, version, resize: hasPicture(form), ...(explain && { explain }) } }, stop.signal)
      .then((answer) => set({ busy: false, answer, sent: records }), (problem) => {
        if (stop.signal.aborted) return;
        const refusal = problem instanceof Refusal ? problem : new Refusal(0, { error: String(problem) });
        const key = refusal.fact('key');
        if (raw === null && key) tell({ [key]: refusal.fact('expected') ?? refusal.message });
        set((before) => ({ ...before, busy: false, refusal }));
      });
  };
  return { state, send, wrong };
}

const sentOf = (raw: string): Row[] => {
  try {
    return recordsOf(raw);
  } catch {
    return [];
  }
};

function Result({ form, state, records, asked }: { form: Form; state: Sent; records: Row[]; asked: object | null }) {
  const [tab, choose] = useQuery('show', 'answer');
  const body = { records, ...(asked && { explain: asked }) };
  const resize = hasPicture(form) ? '?resize=true' : '';
  const url = `${form.url || `http://127.0.0.1:8080/v1/predict/${form.name}`}${resize}`;
  const tabs = [{ key: 'answer', title: 'Answer' }, { key: 'curl', title: 'curl' }, { key: 'python', title: 'Python' }, { key: 'json', title: 'JSON' }];
  return (
    <section class="card result" aria-label="What comes back">
      <Tabs label="Answer and request" tabs={tabs} at={tab} choose={choose}>
        {!form.url && (tab === 'curl' || tab === 'python') && <p class="muted small">No server is up here. By default it answers at this address.</p>}
        {form.keys && (tab === 'curl' || tab === 'python') && <p class="muted small">The server asks for a key: <code>KEY</code> in the environment is one that <code>aimass keys create</code> has shown.</p>}
        {tab === 'curl' && <Code text={curl(url, body, form.keys)} what="The command" body={body} />}
        {tab === 'python' && <Code text={python(url, body, form.keys)} what="The program" body={body} />}
        {tab === 'json' && (state.answer ? <Code text={JSON.stringify(state.answer, null, 2)} what="The answer" /> : <Waiting />)}
        {tab === 'answer' && (state.answer ? (
          <div class={state.busy ? 'greyed' : ''}>
            <p class="muted by" role="status"><code>{state.answer.model}</code> answered in <b class="figure">{number(state.answer.milliseconds, 3)} ms</b>{state.answer.explain && ', its explanation included'}</p>
            <Answer of={state.answer} form={form} sent={state.sent} />
          </div>
        ) : <Waiting />)}
      </Tabs>
    </section>
  );
}

function Waiting() {
  return <Empty title="Nothing was sent yet">The fields hold a real example: send it as it is, or change it first.</Empty>;
}

function Code({ text, what, body }: { text: string; what: string; body?: unknown }) {
  return (
    <div class="code-of">
      <div class="bar"><span class="space" />
        {body !== undefined && isLong(body) && <button type="button" class="quiet" onClick={() => download('request.json', new Blob([JSON.stringify(body)], { type: 'application/json' }))}><Icon name="save" /> request.json</button>}
        <button type="button" class="quiet" onClick={() => copy(text, `${what} is copied`)}><Icon name="copy" /> Copy</button></div>
      <pre class="code" tabIndex={0}>{text}</pre>
    </div>
  );
}
