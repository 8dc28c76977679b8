// All versions of a dataset, newest first; each can be opened and compared with this one.
import type { DatasetDetail } from '../../api/kinds.ts';
import { Figure } from '../../parts/figure.tsx';
import { bytes, change, short } from '../../parts/format.ts';
import { adjust } from '../../parts/place.ts';
import { Mark } from '../../parts/quality.tsx';
import { Ago } from '../../parts/times.tsx';

export function Others({ dataset }: { dataset: DatasetDetail }) {
  const { versions } = dataset;
  return (
    <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col">Version</th><th scope="col">Made</th><th scope="col" class="right">Rows</th><th scope="col" class="right">Change</th><th scope="col" class="right">Size</th><th scope="col">Quality</th><th scope="col" class="right">Used by</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
      <tbody>{versions.map((one, i) => {
        const here = one.digest === dataset.digest;
        return (
          <tr key={one.digest} aria-current={here ? 'true' : undefined}>
            <th scope="row">{here ? <b>{title(one)}</b> : <a href={`#/datasets/${one.digest}?tab=versions`}>{title(one)}</a>}</th>
            <td><Ago at={one.created} /></td><td class="right"><Figure value={one.rows} /></td><td class="right figure">{change(one.rows, versions[i + 1]?.rows)}</td><td class="right figure">{bytes(one.size)}</td>
            <td><Mark of={one.quality} /></td><td class="right"><Figure value={one.used} /></td>
            <td class="right">{here ? <span class="muted">this one</span> : <button type="button" class="link" onClick={() => adjust({ tab: 'difference', against: one.digest })}>Compare</button>}</td>
          </tr>
        );
      })}</tbody></table></div>
  );
}

const title = (one: DatasetDetail['versions'][number]) => (one.version === null ? short(one.digest) : `version ${one.version}`);
