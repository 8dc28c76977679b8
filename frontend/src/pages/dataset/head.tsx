// Name, quality, age, deeds, and what is nearest in its lineage.
import { useState } from 'preact/hooks';
import { me } from '../../api/client.ts';
import type { DatasetDetail } from '../../api/kinds.ts';
import { useCell } from '../../parts/cell.ts';
import { Figure } from '../../parts/figure.tsx';
import { bytes, short } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { Strip, type Whole } from '../../parts/lineage.tsx';
import { Mark } from '../../parts/quality.tsx';
import { allows } from '../../parts/rights.ts';
import { Ago } from '../../parts/times.tsx';
import { copy, copyLink } from '../../shell/keys.ts';
import { ExportDialog } from './export.tsx';

export function Head({ dataset, lineage }: { dataset: DatasetDetail; lineage: Whole | undefined }) {
  const may = allows(useCell(me), 'data.export');
  const [asked, ask] = useState(false);
  return (
    <header class="object">
      <p class="crumbs"><a href="#/datasets">Datasets</a> <span aria-hidden="true">/</span> <code>{short(dataset.digest)}</code></p>
      <div class="title">
        <h1>{dataset.name}{dataset.version !== null && <span class="muted"> version {dataset.version}</span>}</h1><Mark of={dataset.quality} />
        <span class="space" />
        <button type="button" class="quiet" onClick={copyLink}><Icon name="link" /> Copy link</button>
        <button type="button" disabled={!may} title={may ? '' : 'Needs the permission data.export'} onClick={() => ask(true)}><Icon name="save" /> Export</button>
      </div>
      <dl class="facts" aria-label="Facts">
        <div class="key"><dt>Rows</dt><dd><Figure value={dataset.rows} /></dd></div>
        <div><dt>Columns</dt><dd><Figure value={dataset.columns.length} /></dd></div>
        <div><dt>Size</dt><dd title={`${dataset.size} bytes`}>{bytes(dataset.size)}</dd></div>
        <div><dt>{dataset.step === 'collect' ? 'Collected' : dataset.step === 'clean' ? 'Cleaned' : `Made by ${dataset.step}`}</dt><dd><Ago at={dataset.created} /></dd></div>
        <div><dt>Run</dt><dd>{dataset.run ? <a href={`#/runs/${dataset.run}`}>{dataset.run}</a> : '–'}</dd></div>
        {dataset.step === 'collect' && <div><dt>Source</dt><dd><a href={`#/sources/${encodeURIComponent(dataset.name)}`}>{dataset.name}</a></dd></div>}
        {dataset.names.length > 0 && <div><dt>Called</dt><dd>{dataset.names.join(', ')}</dd></div>}
        <div><dt>Digest</dt><dd><button type="button" class="link" title={dataset.digest} onClick={() => copy(dataset.digest, 'The digest is copied')}><code>{dataset.digest.slice(0, 16)}</code> <Icon name="copy" /></button></dd></div>
      </dl>
      {lineage && <Strip of={lineage} />}
      {asked && <ExportDialog dataset={dataset} close={() => ask(false)} />}
    </header>
  );
}
