// Everything that can be changed while it runs: value, range, unit, who changed it; changed with a preview, taken back with one click.
import { useState } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { me } from '../api/client.ts';
import { useCell } from '../parts/cell.ts';
import { useEvery } from '../parts/every.ts';
import { plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useQuery } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { Empty, sentence, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago } from '../parts/times.tsx';
import { Edit } from './parameters/edit.tsx';
import { History } from './parameters/history.tsx';
import { matches, rangeOf, shown, story, type Parameter } from './parameters/words.ts';

const EVERY = 3000; // milliseconds between looks
const ALL = '*'; // the history of all of them

export default function ParametersPage() {
  const answer = useAnswer('GET /parameters');
  const [text, find] = useQuery('find');
  const [only, show] = useQuery('only');
  const [of, open] = useQuery('history');
  const [edited, edit] = useState<Parameter>();
  useEvery(EVERY, answer.again);
  const rows = answer.value?.rows ?? [];
  const seen = rows.filter((row) => matches(row, text) && (only !== 'changed' || row.state !== 'default'));
  const changed = rows.filter((row) => row.state !== 'default').length;
  return (
    <div class="page parameters">
      <header class="head"><h1>Live parameters</h1><p class="muted" role="status">{answer.value ? `${plural(rows.length, 'parameter')}, ${changed ? `${changed} changed` : 'all at their defaults'}` : ''}</p></header>
      <div class="bar">
        <label class="search"><Icon name="search" /><input type="search" aria-label="Search parameters" placeholder="Search parameters" value={text} spellcheck={false} onInput={(event) => find(event.currentTarget.value)} /></label>
        <label class="check"><input type="checkbox" checked={only === 'changed'} onChange={(event) => show(event.currentTarget.checked ? 'changed' : '')} /> Changed only</label>
        <span class="space" />
        <button type="button" class="quiet" onClick={() => open(ALL)}><Icon name="audit" /> All changes</button>
      </div>
      <Shown of={answer} what="The list of parameters" lines={12}>{({ silent }) => (
        <>
          {silent.map((one) => <p key={one.subsystem} class="aside"><State of="off" /> <b>{one.subsystem}</b> {sentence(one.error)} <span class="muted">{sentence(one.to_do)}</span></p>)}
          {seen.length ? <List rows={seen} edit={edit} open={open} /> : <Empty title={text || only ? 'No parameter is like that' : 'Nothing can be changed'} />}
        </>
      )}</Shown>
      {edited && <Edit row={edited} close={() => edit(undefined)} again={answer.again} />}
      {of && <History name={of === ALL ? '' : of} rows={rows} close={() => open('')} again={answer.again} />}
    </div>
  );
}

function List({ rows, edit, open }: { rows: Parameter[]; edit: (row: Parameter) => void; open: (name: string) => void }) {
  const groups = [...new Set(rows.map((row) => row.subsystem))];
  return (
    <div class="scroll"><table class="plain boxed">
      <thead><tr><th scope="col">Parameter</th><th scope="col" class="right">Value now</th><th scope="col">State</th><th scope="col" class="right">Default, range</th><th scope="col">Takes effect</th><th scope="col">Changed</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
      {groups.map((group) => (
        <tbody key={group}>
          <tr class="group"><th scope="rowgroup" colSpan={7}>{group}</th></tr>
          {rows.filter((row) => row.subsystem === group).map((row) => <Row key={row.name} row={row} edit={edit} open={open} />)}
        </tbody>
      ))}
    </table></div>
  );
}

function Row({ row, edit, open }: { row: Parameter; edit: (row: Parameter) => void; open: (name: string) => void }) {
  const may = allows(useCell(me), row.name.startsWith('console/') ? 'parameters.console' : 'parameters.change');
  return (
    <tr>
      <th scope="row" class="named"><code class="whole">{row.name}</code><br /><span class="muted small">{story(row)}</span></th>
      <td class="right whole"><b class="figure" title={String(row.value)}>{shown(row.value, row.unit)}</b>{row.wanted !== null && <><br /><span class="small warning">→ {shown(row.wanted, row.unit)}</span></>}</td>
      <td><State of={row.state} /></td>
      <td class="right whole muted figure" title={String(row.default)}>{shown(row.default, row.unit)}<br /><span class="small">{rangeOf(row)}</span></td>
      <td class="muted effect">{row.effect}</td>
      <td class="whole">{row.newest ? <><Ago at={row.newest.time} /><br /><span class="muted small">by {row.newest.who}</span></> : <span class="muted">–</span>}</td>
      <td class="right deeds">
        {row.newest && <button type="button" class="quiet" aria-label={`History of ${row.name}`} title="History" onClick={() => open(row.name)}><Icon name="audit" /></button>}
        {may && <button type="button" aria-label={`Change ${row.name}`} onClick={() => edit(row)}>Change</button>}
      </td>
    </tr>
  );
}
