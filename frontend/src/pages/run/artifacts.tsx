// What went in and what came out, by digest, each with the run that made it.
import type { RunDetail } from '../../api/kinds.ts';
import { flat } from '../../parts/flat.ts';
import { Icon } from '../../parts/icons.tsx';
import { Lineage } from '../../parts/lineage.tsx';
import { Empty } from '../../parts/states.tsx';
import { copy } from '../../shell/keys.ts';

type Near = RunDetail['parents'][number];

interface Row {
  name: string;
  digest: string;
  near?: Near | undefined;
}

export function Artifacts({ run }: { run: RunDetail }) {
  const inputs = flat(run.task.inputs).map(([name, digest]) => ({ name, digest, near: run.parents.find((one) => one.digest === digest) }));
  const uses = run.children.map((near) => ({ name: near.label || near.step, digest: near.digest, near }));
  return (
    <>
      <div class="columns artifacts">
        <section aria-labelledby="in"><h2 id="in">Went in</h2>
          {inputs.length ? <Digests rows={inputs} by="Made by" /> : <Empty title="Nothing went in">This step reads from outside.</Empty>}
        </section>
        <section aria-labelledby="out"><h2 id="out">Came out</h2>
          {run.output ? <Digests rows={[{ name: run.step, digest: run.output }]} /> : <Empty title="Nothing came out">{run.ended ? 'A run that fails or is stopped leaves no artifact.' : 'It is still at work.'}</Empty>}
          {uses.length > 0 && <><h2 class="then">Made from it since</h2><Digests rows={uses} by="By" /></>}
        </section>
      </div>
      {run.output && <div class="after"><Lineage digest={run.output} /></div>}
    </>
  );
}

function Digests({ rows, by }: { rows: Row[]; by?: string }) {
  return (
    <table class="plain"><thead><tr><th scope="col">Name</th>{by && <><th scope="col">Kind</th><th scope="col">{by}</th></>}<th scope="col">Digest</th><th scope="col"><span class="unseen">Copy</span></th></tr></thead>
      <tbody>{rows.map(({ name, digest, near }) => (
        <tr key={name + digest}><th scope="row">{name}</th>
          {by && <><td>{near?.kind ?? '–'}</td><td>{near?.run ? <a href={`#/runs/${near.run}`}>run {near.run}</a> : <span class="muted">–</span>}</td></>}
          <td><code title={digest}>{digest.slice(0, 16)}</code></td>
          <td class="right"><button type="button" class="quiet" title="Copy the digest" aria-label={`Copy the digest of ${name}`} onClick={() => copy(digest, 'The digest is copied')}><Icon name="copy" /></button></td></tr>
      ))}</tbody>
    </table>
  );
}
