// The project file that comes of the wishes, drafted by the server while they are written; it may be changed by hand.
import { useEffect, useState } from 'preact/hooks';
import { call, me, Refusal } from '../../api/client.ts';
import type { Calls } from '../../api/schema.ts';
import { useCell } from '../../parts/cell.ts';
import { Problem } from '../../parts/form.tsx';
import { Icon } from '../../parts/icons.tsx';
import { go, place } from '../../parts/place.ts';
import { allows } from '../../parts/rights.ts';
import { copy } from '../../shell/keys.ts';
import { STANDARD } from './budgets.tsx';

type Made = Calls['POST /projects/draft']['answer'];
type Wish = NonNullable<Calls['POST /projects/draft']['body']>;

export interface Draft {
  made: Made | undefined;
  refusal: Refusal | undefined;
  busy: boolean;
}

const REST = 200; // milliseconds without a key before the server is asked
const FIELDS = ['metric', 'prefer', 'name'] as const;
const AMOUNTS = ['floor', 'p99_ms', 'clients', 'size_mb', 'minutes'] as const;
const SHOWN = ['target', 'metric', ...AMOUNTS];

/** What is wished for in the address; null for an amount that is no number. */
export function wishOf(query: Record<string, string>): Wish | string {
  const said = (name: string): string => query[name] ?? STANDARD[name] ?? '';
  const wish: Record<string, unknown> = { file: said('file'), target: said('target') };
  for (const name of FIELDS) wish[name] = said(name);
  for (const name of AMOUNTS) {
    const text = said(name).replace(',', '.');
    if (text === '' || text === 'none') continue;
    if (!Number.isFinite(Number(text))) return name;
    wish[name] = Number(text);
  }
  return wish as Wish;
}

export function useDraft(ready: boolean): Draft {
  const { query } = useCell(place);
  const [draft, set] = useState<Draft>({ made: undefined, refusal: undefined, busy: false });
  const wish = wishOf(query);
  const key = JSON.stringify(wish);
  useEffect(() => {
    if (!ready) return set({ made: undefined, refusal: undefined, busy: false });
    if (typeof wish === 'string') return set((before) => ({ ...before, busy: false, refusal: new Refusal(422, { error: 'this is no number', key: wish }) }));
    const stop = new AbortController();
    set((before) => ({ ...before, busy: true }));
    const timer = setTimeout(() => call('POST /projects/draft', { body: wish }, stop.signal).then((made) => set({ made, refusal: undefined, busy: false }), (problem) => {
      if (!stop.signal.aborted) set((before) => ({ ...before, refusal: problem, busy: false }));
    }), REST);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [key, ready]);
  return draft;
}

/** Comments stand back. */
function Coloured({ text }: { text: string }) {
  return <>{text.split(/(^#.*$| # .*$)/m).map((part, i) => (i % 2 ? <span key={i} class="comment">{part}</span> : part))}</>;
}

export function ProjectFile({ draft, ready }: { draft: Draft; ready: boolean }) {
  const may = allows(useCell(me), 'jobs.ask');
  const [own, write] = useState<string | null>(null); // changed by hand
  const [refusal, refuse] = useState<Refusal>();
  const [busy, work] = useState(false);
  const { made } = draft;
  const text = own ?? made?.text ?? '';
  const begin = () => {
    work(true);
    refuse(undefined);
    call('POST /jobs', { body: { project: { text } } }).then((job) => go(`/jobs/${job.id}`), refuse).finally(() => work(false));
  };
  const elsewhere = draft.refusal && !SHOWN.includes(draft.refusal.fact('key') ?? '') ? draft.refusal : undefined;
  return (
    <aside class="card project" aria-label="Project file">
      <header><h2>Project file</h2><span class="space" />
        {text && <button type="button" class="quiet" title="Copy it" aria-label="Copy the project file" onClick={() => copy(text, 'The project file is copied: save it as aimass.toml')}><Icon name="copy" /></button>}
        {own === null ? text && <button type="button" class="quiet" onClick={() => write(text)}>Change by hand</button> : <button type="button" class="quiet" onClick={() => write(null)}>As the form says</button>}
      </header>
      {own !== null ? <textarea class="code" aria-label="Project file" spellcheck={false} value={own} rows={24} onInput={(event) => write(event.currentTarget.value)} />
        : text ? <pre class={`code${draft.busy || draft.refusal ? ' old' : ''}`} tabIndex={0} aria-label="Project file, as it will be"><Coloured text={text} /></pre>
        : <p class="calm">{ready ? 'One moment…' : 'It is written while you choose. The same file works with'} {!ready && <code>aimass run aimass.toml</code>}</p>}
      <footer>
        {made && own === null && <p class="muted small">{made.versions ? <>It publishes version {made.versions + 1} of <b>{made.name}</b>, if the budgets are kept.</> : <>It publishes <b>{made.name}</b>, if the budgets are kept; else nothing, and the ledger says why.</>}</p>}
        {own !== null && <p class="muted small">Changed by hand: the form changes nothing any more.</p>}
        <Problem refusal={refusal ?? elsewhere} />
        <button type="button" class="primary" disabled={!may || !text || busy || (own === null && (draft.busy || Boolean(draft.refusal)))} title={may ? '' : 'Needs the permission jobs.ask'} onClick={begin}>{busy ? 'One moment…' : 'Start'}</button>
      </footer>
    </aside>
  );
}

