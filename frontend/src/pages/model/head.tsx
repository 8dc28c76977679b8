// Name and number, what points to it, its figures in a line, deeds, and where it comes from.
import { useState } from 'preact/hooks';
import { base, me } from '../../api/client.ts';
import { useCell } from '../../parts/cell.ts';
import { Figure } from '../../parts/figure.tsx';
import { bytes } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { Interval } from '../../parts/interval.tsx';
import { Strip, useLineage } from '../../parts/lineage.tsx';
import { allows } from '../../parts/rights.ts';
import { Ago } from '../../parts/times.tsx';
import { copyLink } from '../../shell/keys.ts';
import type { Version } from '../model.tsx';
import { Alias } from '../models.tsx';
import { MoveAlias } from './move.tsx';

export function Head({ of: version, again }: { of: Version; again: () => void }) {
  const may = allows(useCell(me), 'models.change');
  const [moving, move] = useState(false);
  const lineage = useLineage(version.digest);
  const here = `${base}/models/${encodeURIComponent(version.name)}/${version.number}`;
  const path = `#/models/${encodeURIComponent(version.name)}`;
  return (
    <header class="object">
      <p class="crumbs"><a href="#/models">Registry</a> <span aria-hidden="true">/</span> {version.name} <span aria-hidden="true">/</span> <span class="figure">{version.number}</span></p>
      <div class="title">
        <h1>{version.name}<span class="muted">@{version.number}</span></h1>
        <span class="tags">{version.aliases.map((alias) => <Alias key={alias} name={version.name} of={{ alias, number: version.number }} />)}</span>
        <span class="space" />
        {version.previous && <a class="button" href={`${path}/${version.previous}`}>@{version.previous}</a>}
        {version.next && <a class="button" href={`${path}/${version.next}`}>@{version.next}</a>}
        <button type="button" class="quiet" onClick={copyLink}><Icon name="link" /> Copy link</button>
        <a class="button" href={`${here}/report`} download><Icon name="save" /> Report</a>
        <a class="button" href={`${here}/file`} download><Icon name="save" /> ONNX</a>
        <button type="button" class="primary" disabled={!may} title={may ? '' : 'Needs the permission models.change'} onClick={() => move(true)}>Move alias here</button>
      </div>
      <dl class="facts" aria-label="In short">
        <div><dt>Released</dt><dd><Ago at={version.created} /></dd></div>
        {version.run && <div><dt>By</dt><dd><a href={`#/runs/${version.run}`}>run {version.run}</a></dd></div>}
        <div><dt>Answers</dt><dd>{version.target} <span class="muted">{version.task}</span></dd></div>
        {version.figures && <div class="key"><dt>{version.metric}</dt><dd><Interval of={version.figures.quality} /></dd></div>}
        {version.figures && <div><dt>p99</dt><dd><Figure value={version.figures.p99_ms.value} unit="ms" /></dd></div>}
        <div><dt>Size</dt><dd>{bytes(version.figures?.size_bytes ?? version.size)}</dd></div>
        <div><dt>Digest</dt><dd><code title={version.digest}>{version.digest.slice(0, 12)}</code></dd></div>
      </dl>
      {lineage.value && <Strip of={lineage.value} />}
      {moving && <MoveAlias of={version} close={() => move(false)} again={again} />}
    </header>
  );
}
