// What a step works on: artifacts that exist, the newest first, one or several of them.
import { useEffect, useState } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import type { Calls } from '../../api/schema.ts';
import { number, short } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { sentence, Shown } from '../../parts/states.tsx';
import { Ago } from '../../parts/times.tsx';
import type { Form, Refs } from './draft.ts';
import type { Troubles } from './fields.tsx';

type Input = Form['inputs'][number];
type Candidate = Calls['GET /steps/{step}/inputs']['answer']['rows'][number];
type Ref = Refs[string];

const SEARCHED = 8; // from so many on there is a search field

interface Props {
  step: string;
  of: Input;
  given: Ref | undefined;
  give: (ref: Ref) => void;
  troubles: Troubles;
}

export function InputField({ step, of: input, given, give, troubles }: Props) {
  const [text, write] = useState('');
  const [some, count] = useState(0);
  const found = useAnswer('GET /steps/{step}/inputs', { path: { step }, query: { kind: input.kind as 'model', text } });
  const rows = found.value?.rows;
  useEffect(() => {
    if (!rows || text) return;
    count(rows.length);
    if (rows[0] && given === undefined && !input.optional) give(asRef(input, rows, [rows[0].digest])); // the newest, until somebody chooses
  }, [rows]);
  const trouble = troubles.get(input.name);
  return (
    <fieldset class="input">
      <legend><code>{input.name}</code> <span class="muted">{words(input)}</span></legend>
      {trouble && <p class="bad small"><span aria-hidden="true">✕ </span>{sentence(trouble.error)}</p>}
      {some >= SEARCHED && <label class="search"><Icon name="search" /><input type="search" aria-label={`Search ${input.kind}`} placeholder="Name or digest" value={text} spellcheck={false} onInput={(event) => write(event.currentTarget.value.trim())} /></label>}
      <Shown of={found} what={`What there is of ${input.kind}`} lines={2}>{({ rows }) => (rows.length || text ? (
        <div class="offered">
          <table class="plain"><thead class="unseen"><tr><th scope="col">Chosen</th><th scope="col">Name</th><th scope="col">What is told of it</th><th scope="col">Made</th></tr></thead>
            <tbody>
              {input.optional && input.shape === 'one' && <None input={input} chosen={!given} choose={() => give(null)} />}
              {rows.map((row) => <Row key={row.digest} row={row} input={input} given={given} give={give} rows={rows} />)}
            </tbody></table>
          {!rows.length && <p class="calm">Nothing is called that.</p>}
        </div>
      ) : <p class="calm">There is none yet{input.optional ? '.' : <>: {MADE[input.kind] ? <a href={`#/new-run?step=${MADE[input.kind]}`}>{MADE[input.kind]}</a> : 'a step before this one'} makes one.</>}</p>)}</Shown>
    </fieldset>
  );
}

const MADE: Record<string, string> = { dataset: 'collect', examples: 'prepare', model: 'train', report: 'measure', release: 'publish' };

const words = ({ name, kind, shape, optional }: Input): string => [name !== kind && kind, shape !== 'one' && 'one or more', optional && 'may be left out'].filter(Boolean).join(', ');

function None({ input, chosen, choose }: { input: Input; chosen: boolean; choose: () => void }) {
  return <tr><td><input type="radio" id={`${input.name}-none`} name={`input-${input.name}`} checked={chosen} onChange={choose} /></td><td colSpan={3}><label for={`${input.name}-none`}>none</label></td></tr>;
}

function Row({ row, rows, input, given, give }: { row: Candidate; rows: Candidate[]; input: Input; given: Ref | undefined; give: (ref: Ref) => void }) {
  const before = digestsOf(given);
  const on = before.includes(row.digest);
  const id = `${input.name}-${row.digest}`;
  const single = input.shape === 'one';
  const turn = () => give(single ? row.digest : asRef(input, rows, on ? before.filter((digest) => digest !== row.digest) : [...before, row.digest], given));
  return (
    <tr class={on ? 'chosen' : ''}>
      <td><input type={single ? 'radio' : 'checkbox'} id={id} name={`input-${input.name}`} checked={on} onChange={turn} /></td>
      <td><label for={id}><b>{called(row)}</b> <code class="muted" title={row.digest}>{short(row.digest)}</code></label></td>
      <td class="muted small">{told(row)}</td>
      <td class="muted small right"><Ago at={row.created} />{row.run && <> · <a href={`#/runs/${row.run}`}>run {row.run}</a></>}</td>
    </tr>
  );
}

const called = (row: Candidate): string => row.names[0] ?? (row.label || row.step);

/** The first facts that are numbers or words. */
const told = ({ facts }: Candidate): string => Object.entries(facts).filter(([, fact]) => ['number', 'string'].includes(typeof fact)).slice(0, 3)
  .map(([name, fact]) => `${name} ${typeof fact === 'number' ? number(fact) : String(fact).slice(0, 40)}`).join(' · ');

const digestsOf = (ref: Ref | undefined): string[] => (typeof ref === 'string' ? [ref] : Array.isArray(ref) ? ref : Object.values(ref ?? {}));

/** DIGESTS in the shape that the step takes; in a table each has a name: the one it had, else the end of its own. */
function asRef(input: Input, rows: Candidate[], digests: string[], before?: Ref | undefined): Ref {
  if (input.shape === 'one') return digests[0] ?? null;
  if (input.shape === 'list') return digests;
  const names = new Map(Object.entries((typeof before === 'object' && !Array.isArray(before) && before) || {}).map(([name, digest]) => [digest, name]));
  const found: Record<string, string> = {};
  for (const digest of digests) {
    const row = rows.find((one) => one.digest === digest);
    const wanted = names.get(digest) ?? (row ? called(row).split('/').at(-1)! : short(digest));
    found[wanted in found ? `${wanted}-${short(digest)}` : wanted] = digest;
  }
  return found;
}
