// Who changed it, from what to what, what callers waited before and after; and the way back.
import { useAnswer } from '../../api/answer.ts';
import { me } from '../../api/client.ts';
import { useCell } from '../../parts/cell.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { plural } from '../../parts/format.ts';
import { allows } from '../../parts/rights.ts';
import { Empty, Shown } from '../../parts/states.tsx';
import { Ago } from '../../parts/times.tsx';
import { undo } from './edit.tsx';
import { compared, shown, type Change, type Parameter } from './words.ts';

const SHOWN = 100; // changes
const PARTS = ['p50', 'p95', 'p99'] as const;

export function History({ name, rows, close, again }: { name: string; rows: Parameter[]; close: () => void; again: () => void }) {
  const answer = useAnswer('GET /parameters/changes', { query: { name, limit: SHOWN } });
  const back = (change: Change) => void undo(change.id, change.name, () => {
    answer.again();
    again();
  });
  return (
    <Dialog label={name ? `Changes of ${name}` : 'All changes'} kind="wide" close={close}>
      <h2>{name ? <>Changes of <code>{name}</code></> : 'All changes'}</h2>
      <Shown of={answer} what="The history" lines={4}>{(page) => (page.rows.length ? (
        <div class="scroll"><table class="plain">
          <thead><tr><th scope="col">When</th><th scope="col">Who</th>{!name && <th scope="col">Parameter</th>}<th scope="col" class="right">Before → after</th>{PARTS.map((part) => <th key={part} scope="col" class="right">{part}, ms</th>)}<th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
          <tbody>{page.rows.map((change) => <Row key={change.id} change={change} named={!name} row={rows.find((row) => row.name === change.name)} back={back} />)}</tbody>
        </table></div>
      ) : <Empty title="Nothing was changed yet" />)}</Shown>
      <p class="row"><button type="button" onClick={close}>Close</button></p>
    </Dialog>
  );
}

function Row({ change, named, row, back }: { change: Change; named: boolean; row: Parameter | undefined; back: (change: Change) => void }) {
  const may = allows(useCell(me), change.name.startsWith('console/') ? 'parameters.console' : 'parameters.change');
  const unit = row?.unit ?? '';
  const { before, after, why, seconds } = change.effect;
  return (
    <tr>
      <td><Ago at={change.time} /></td>
      <td><b>{change.who}</b>{change.undoes !== null && <span class="muted"> took one back</span>}</td>
      {named && <td><code>{change.name}</code></td>}
      <td class="right figure">{shown(change.before, unit)} → <b>{shown(change.after, unit)}</b></td>
      {before?.requests || after?.requests ? PARTS.map((part) => (
        <td key={part} class="right figure" title={`${plural(before?.requests ?? 0, 'request')} in the ${seconds} s before, ${after?.requests ?? 0} in those after${why ? `: ${why}` : ''}`}>{compared(before?.[part], after?.[part])}</td>
      )) : <td colSpan={3} class="right muted small">{why ?? 'nobody asked for predictions then'}</td>}
      <td class="right">{may && row?.newest?.id === change.id && change.before !== change.after && <button type="button" aria-label={`Undo the change to ${shown(change.after, unit)}`} onClick={() => back(change)}>Undo</button>}</td>
    </tr>
  );
}
