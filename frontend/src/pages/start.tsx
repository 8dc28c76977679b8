// From a file to a running project: which data, what to predict, what it may cost; the project file that comes of it is beside.
import { useEffect } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { me } from '../api/client.ts';
import { useCell } from '../parts/cell.ts';
import { number, plural } from '../parts/format.ts';
import { adjust, useQuery } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { Size } from '../parts/size.tsx';
import { Failed, Shown } from '../parts/states.tsx';
import { Ago } from '../parts/times.tsx';
import { Intake } from './files/intake.tsx';
import { share, TASKS, told, type Look, type Seen } from './files/look.tsx';
import { Budgets } from './start/budgets.tsx';
import { ProjectFile, useDraft } from './start/project.tsx';

export default function StartPage() {
  const [file] = useQuery('file');
  const [target] = useQuery('target');
  const look = useAnswer('GET /files/{name}/look', { path: { name: file } }, file !== '');
  const column = look.value?.columns.find((one) => one.name === target);
  const draft = useDraft(Boolean(column?.task));
  return (
    <div class="page start">
      <header class="head"><h1>New project</h1><p class="muted">From a file to a model at an endpoint, or a reason why not</p></header>
      <div class="two">
        <ol class="steps">
          <li class="card"><h2><span class="no" aria-hidden="true">1</span>Data</h2>{file ? <Chosen file={file} look={look.value} /> : <Choose />}</li>
          <li class="card"><h2><span class="no" aria-hidden="true">2</span>What to predict</h2>
            {file ? <Shown of={look} what={file} lines={4}>{(seen) => <Target of={seen} target={target} />}</Shown> : <p class="calm">The columns of the file stand here.</p>}</li>
          <li class="card"><h2><span class="no" aria-hidden="true">3</span>What it may cost</h2><Budgets task={column?.task ?? ''} refusal={draft.refusal} /></li>
        </ol>
        <ProjectFile draft={draft} ready={Boolean(column?.task)} />
      </div>
    </div>
  );
}

/** Before there is a file: one of those that are there, or a new one. */
function Choose() {
  const files = useAnswer('GET /files');
  const may = allows(useCell(me), 'files.change');
  const readable = files.value?.rows.filter((one) => one.use) ?? [];
  const take = (file: string) => adjust({ file, target: '' });
  return (
    <>
      {readable.length > 0 && (
        <ul class="lines choices" aria-label="Files of the data folder">{readable.map((one) => (
          <li key={one.name}><button type="button" class="link" onClick={() => take(one.name)}>{one.name}</button>
            <span class="muted">{one.use}</span><span class="right"><Size of={one.size} /></span><span class="muted small right"><Ago at={one.modified} /></span></li>
        ))}</ul>
      )}
      {files.refusal && !files.value && <Failed refusal={files.refusal} what="The data folder" again={files.again} />}
      {may ? <Intake taken={take} /> : <p class="calm">Somebody who may bring files has to put one into the data folder.</p>}
    </>
  );
}

function Chosen({ file, look }: { file: string; look: Look | undefined }) {
  return (
    <p class="calm chosen-file"><b>{file}</b> {look && <span class="muted">{told(look)}, {plural(look.columns_in_all, 'column')}, <Size of={look.size} /></span>}
      <button type="button" class="link" onClick={() => adjust({ file: '', target: '' })}>Another file</button></p>
  );
}

function Target({ of: look, target }: { of: Look; target: string }) {
  const choose = (name: string) => adjust({ target: name, metric: '', floor: '' });
  const known = look.columns.some((one) => one.name === target);
  useEffect(() => {
    if (target && !known) choose('');
  }, [target, known]);
  return (
    <div class="scroll targets"><table class="plain">
      <thead><tr><th scope="col">Column</th><th scope="col">Type</th><th scope="col" class="right">Missing</th><th scope="col" class="right">Distinct</th><th scope="col">Predicted, it would be</th></tr></thead>
      <tbody>{look.columns.map((one) => <Option key={one.name} of={one} seen={look.seen} chosen={one.name === target} choose={choose} />)}</tbody>
    </table></div>
  );
}

function Option({ of: column, seen, chosen, choose }: { of: Seen; seen: number; chosen: boolean; choose: (name: string) => void }) {
  return (
    <tr class={chosen ? 'chosen' : ''}>
      <th scope="row"><label class="check"><input type="radio" name="target" value={column.name} checked={chosen} disabled={!column.task} onChange={() => choose(column.name)} />{column.name}</label></th>
      <td>{column.type}</td>
      <td class="right figure">{share(column.missing, seen)}</td>
      <td class="right figure">{number(column.distinct)}</td>
      <td class={column.task ? '' : 'muted small'}>{column.task ? TASKS[column.task] : column.why_not}</td>
    </tr>
  );
}
