// Budgets: each binds only where it is given; all of them are in the address.
import { useAnswer } from '../../api/answer.ts';
import type { Refusal } from '../../api/client.ts';
import { useQuery } from '../../parts/place.ts';
import { sentence } from '../../parts/states.tsx';

interface Budget {
  name: string;
  label: string;
  unit: string;
  standard: string;
  hint: string;
}

const BUDGETS: Budget[] = [
  { name: 'p99_ms', label: 'Latency, at most', unit: 'ms', standard: '20', hint: '99 of 100 answers, at the endpoint, on this machine' },
  { name: 'clients', label: 'asked by', unit: 'clients at once', standard: '4', hint: 'as many requests are under way while latency is measured' },
  { name: 'size_mb', label: 'Size, at most', unit: 'MB', standard: '10', hint: 'the file that is served' },
  { name: 'minutes', label: 'Time, at most', unit: 'minutes', standard: '10', hint: 'from collecting to publishing' },
];
/** What is asked for where the address says nothing; "none" is a budget that was taken away. */
export const STANDARD: Record<string, string> = { ...Object.fromEntries(BUDGETS.map((one) => [one.name, one.standard])), floor: '', metric: '', prefer: 'quality', name: '' };
const BINDING = ['p99_ms', 'size_mb', 'floor'];

export function Budgets({ task, refusal }: { task: string; refusal: Refusal | undefined }) {
  return (
    <div class="budgets">
      <Quality task={task} refusal={refusal} />
      {BUDGETS.map((one) => <Amount key={one.name} of={one} refusal={refusal} />)}
      <Prefer />
      <ProjectName />
    </div>
  );
}

function Quality({ task, refusal }: { task: string; refusal: Refusal | undefined }) {
  const judges = useAnswer('GET /projects/metrics');
  const [metric, choose] = useQuery('metric');
  const fitting = judges.value?.rows.filter((one) => !task || one.tasks.includes(task)) ?? [];
  const chosen = fitting.find((one) => one.name === (metric || USUAL[task]));
  const side = chosen?.better === 'lower' ? 'at most' : 'at least';
  return (
    <>
      <div class="field"><label for="metric">Quality, judged by</label>
        <select id="metric" value={chosen ? metric || USUAL[task] : ''} disabled={!task} onChange={(event) => choose(event.currentTarget.value === USUAL[task] ? '' : event.currentTarget.value)}>
          {!task && <option value="">–</option>}{fitting.map((one) => <option key={one.name} value={one.name}>{one.name}{one.name === USUAL[task] ? ' (usual)' : ''}</option>)}
        </select>
        <Wrong name="metric" refusal={refusal} />
      </div>
      <Amount of={{ name: 'floor', label: `and ${side}`, unit: chosen?.name ?? '', standard: '', hint: 'the unsafe end of its interval, on rows nobody trained on; empty binds nobody' }} refusal={refusal} />
    </>
  );
}

const USUAL: Record<string, string> = { binary: 'roc_auc', multiclass: 'accuracy', regression: 'rmse' };

function Amount({ of: { name, label, unit, standard, hint }, refusal }: { of: Budget; refusal: Refusal | undefined }) {
  const [value, set] = useQuery(name, standard);
  return (
    <div class="field"><label for={name}>{label}</label>
      <span class="amount"><input id={name} type="text" inputMode="decimal" value={value === 'none' ? '' : value} autocomplete="off" aria-describedby={`${name}-hint`} aria-invalid={refusal?.fact('key') === name}
        onInput={(event) => set(event.currentTarget.value.trim() || (BINDING.includes(name) && standard ? 'none' : ''))} /><span class="unit">{unit}</span></span>
      <small id={`${name}-hint`} class="muted">{hint}</small>
      <Wrong name={name} refusal={refusal} />
    </div>
  );
}

function Prefer() {
  const [value, set] = useQuery('prefer', 'quality');
  return (
    <div class="field"><label for="prefer">Among those that fit, take</label>
      <select id="prefer" value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="quality">the best, then the fastest</option><option value="latency">the fastest</option><option value="size">the smallest</option>
      </select>
    </div>
  );
}

function ProjectName() {
  const [value, set] = useQuery('name');
  return (
    <div class="field"><label for="name">Name</label>
      <input id="name" value={value} placeholder="as the file" maxLength={60} spellcheck={false} autocomplete="off" onInput={(event) => set(event.currentTarget.value)} />
      <small class="muted">of the release and its endpoint</small>
    </div>
  );
}

function Wrong({ name, refusal }: { name: string; refusal: Refusal | undefined }) {
  if (refusal?.fact('key') !== name) return null;
  const expected = refusal.fact('expected');
  return <small class="bad" role="alert">✕ {sentence(refusal.message)}{expected && !refusal.message.includes(expected) && ` Expected: ${expected}`}</small>;
}
