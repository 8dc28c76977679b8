// A dataset as a file: chosen, written on the server, had with its checksum.
import { useState } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import { base, call, Refusal } from '../../api/client.ts';
import type { DatasetDetail } from '../../api/kinds.ts';
import type { Calls } from '../../api/schema.ts';
import { Checksum } from '../../parts/checksum.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { useEvery } from '../../parts/every.ts';
import { Problem } from '../../parts/form.tsx';
import { bytes, number, plural } from '../../parts/format.ts';
import { Shown } from '../../parts/states.tsx';

type Export = Calls['GET /datasets/{digest}/exports']['answer']['rows'][number];

const EVERY = 700; // milliseconds between looks while it is written
const TOLD: Record<Export['format'], [title: string, words: string]> = {
  csv: ['CSV', 'Text that every program reads. Times are UTC, a missing value is empty.'],
  parquet: ['Parquet', 'Columns with their types, packed: smaller, and read faster.'],
};

export function ExportDialog({ dataset, close }: { dataset: DatasetDetail; close: () => void }) {
  const path = { digest: dataset.digest };
  const known = useAnswer('GET /datasets/{digest}/exports', { path });
  const [refusal, refuse] = useState<Refusal>();
  const going = known.value?.rows.some((one) => one.state === 'making');
  useEvery(going ? EVERY : null, known.again);
  const ask = (format: Export['format']) => {
    refuse(undefined);
    call('POST /datasets/{digest}/exports', { path, body: { format } }).then(known.again, refuse);
  };
  return (
    <Dialog label="Export the dataset" kind="ask" close={close}>
      <h2>Export {dataset.name}</h2>
      <p class="muted">{dataset.rows === null ? '' : `${plural(dataset.rows, 'row')}. `}Who took it out stands in the audit.</p>
      <Shown of={known} what="What was exported" lines={3}>{({ rows }) => <ul class="exports">{rows.map((one) => <One key={one.format} of={one} digest={dataset.digest} ask={() => ask(one.format)} />)}</ul>}</Shown>
      <Problem refusal={refusal} />
      <p class="row"><button type="button" onClick={close}>Close</button></p>
    </Dialog>
  );
}

function One({ of: one, digest, ask }: { of: Export; digest: string; ask: () => void }) {
  const [title, words] = TOLD[one.format];
  return (
    <li>
      <div><b>{title}</b><br /><span class="muted small">{words}</span>
        {one.state === 'making' && <Progress of={one} />}
        {one.state === 'failed' && <p class="bad small" role="alert">{one.error?.['error'] ?? 'It could not be written.'}</p>}
        {one.state === 'ready' && <p class="small sum"><span class="muted">{bytes(one.size)} · SHA-256</span> <Checksum of={one.sha256!} /></p>}
      </div>
      {one.state === 'ready' ? <a class="button primary" href={`${base}/datasets/${digest}/exports/${one.format}`} download>Download {title}</a>
        : <button type="button" disabled={one.state === 'making'} onClick={ask}>{one.state === 'making' ? 'Writing…' : `Write ${title}`}</button>}
    </li>
  );
}

function Progress({ of: { rows, total } }: { of: Export }) {
  return <p class="small"><progress max={Math.max(total ?? 1, 1)} value={rows} aria-label="Rows written" /> <span class="figure">{number(rows)} of {number(total)} rows</span></p>;
}
