// The data folder of the workspace: files on their way in, and those that lie there.
import { useState } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { call, me } from '../api/client.ts';
import type { Calls } from '../api/schema.ts';
import { useCell } from '../parts/cell.ts';
import { Confirm } from '../parts/confirm.tsx';
import { bytes, plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useQuery } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { Size } from '../parts/size.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Ago } from '../parts/times.tsx';
import { copy } from '../shell/keys.ts';
import { toast } from '../shell/toasts.tsx';
import { Intake } from './files/intake.tsx';
import { LookAt } from './files/look.tsx';

type File = Calls['GET /files']['answer']['rows'][number];

export default function FilesPage() {
  const who = useCell(me);
  const files = useAnswer('GET /files');
  const [chosen, choose] = useQuery('file');
  const may = allows(who, 'files.change');
  const rows = files.value?.rows;
  const total = rows?.reduce((sum, file) => sum + file.size, 0) ?? 0;
  return (
    <div class="page files">
      <header class="head"><h1>Files</h1>
        <p class="muted" role="status">{rows && files.value ? `${plural(rows.length, 'file')} in the data folder, ${bytes(total)}; ${bytes(files.value.free)} are free` : ''}</p></header>
      {may && <Intake taken={(name) => { files.again(); choose(name); }} />}
      <Shown of={files} what="The data folder">{({ rows }) => (rows.length ? (
        <div class="scroll"><table class="plain boxed">
          <thead><tr><th scope="col">Name</th><th scope="col">Read as</th><th scope="col" class="right">Size</th><th scope="col">SHA-256</th><th scope="col">Brought</th><th scope="col">Changed</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
          <tbody>{rows.map((file) => <Row key={file.name} file={file} chosen={file.name === chosen} choose={choose} may={may} again={files.again} />)}</tbody>
        </table></div>
      ) : <Empty title="No file yet">Projects read their data from here: drop a CSV, JSON Lines or Parquet file above, or put it into the folder <code>data</code> of the workspace.</Empty>)}</Shown>
      {rows?.some((file) => file.name === chosen) && <LookAt key={chosen} name={chosen} close={() => choose('')} />}
    </div>
  );
}

function Row({ file, chosen, choose, may, again }: { file: File; chosen: boolean; choose: (name: string) => void; may: boolean; again: () => void }) {
  const [asked, ask] = useState(false);
  const starts = allows(useCell(me), 'jobs.ask') && file.use;
  const remove = () => call('DELETE /files/{name}', { path: { name: file.name } }).then(() => {
    toast(`${file.name} is removed`);
    again();
  });
  return (
    <tr class={chosen ? 'chosen' : ''}>
      <th scope="row"><button type="button" class="link" aria-pressed={chosen} title="Columns and first rows" onClick={() => choose(chosen ? '' : file.name)}>{file.name}</button></th>
      <td>{file.use || <span class="muted">not read</span>}</td>
      <td class="right"><Size of={file.size} /></td>
      <td>{file.sha256 ? <button type="button" class="quiet digest" title={`Copy ${file.sha256}`} onClick={() => copy(file.sha256!, 'The SHA-256 is copied')}><code>{file.sha256.slice(0, 12)}</code> <Icon name="copy" /></button> : <span class="muted">–</span>}</td>
      <td>{file.taken ? <><Ago at={file.taken} /> <span class="muted">by {file.who}</span></> : <span class="muted">not by the console</span>}</td>
      <td><Ago at={file.modified} /></td>
      <td class="right deeds">
        {starts && <a class="button" href={`#/start?${new URLSearchParams({ file: file.name })}`}>New project</a>} {may && <button type="button" onClick={() => ask(true)}>Remove</button>}
        {asked && (
          <Confirm title={`Remove ${file.name}?`} verb="Remove file" name={file.name} act={remove} close={() => ask(false)}>
            {bytes(file.size)} are freed. Datasets, models and releases that were made of it stay; a project that collects it again will not find it.
          </Confirm>
        )}
      </td>
    </tr>
  );
}
