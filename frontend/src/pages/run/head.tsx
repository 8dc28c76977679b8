// Name, state, age, deeds, and what it came from and led to.
import { useState } from 'preact/hooks';
import { base, call, me } from '../../api/client.ts';
import type { RunDetail } from '../../api/kinds.ts';
import { useCell } from '../../parts/cell.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Figure } from '../../parts/figure.tsx';
import { seconds } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { allows } from '../../parts/rights.ts';
import { State } from '../../parts/state.tsx';
import { Ago, Span } from '../../parts/times.tsx';
import { copyLink } from '../../shell/keys.ts';
import { toast } from '../../shell/toasts.tsx';
import { keyOf } from '../../chart/names.ts';
import { resume } from '../runs/bulk.ts';

const SHOWN = 6; // of what was made from it

export function Head({ run, again }: { run: RunDetail; again: () => void }) {
  const who = useCell(me);
  const [asked, ask] = useState(false);
  return (
    <header class="object">
      <p class="crumbs"><a href="#/runs">Runs</a> <span aria-hidden="true">/</span> <span class="figure">{run.id}</span></p>
      <div class="title">
        <h1>{run.label || run.step}</h1><State of={run.state} />
        <span class="space" />
        <button type="button" class="quiet" onClick={copyLink}><Icon name="link" /> Copy link</button>
        <a class="button" href={`${base}/runs/${run.id}/report`} download><Icon name="save" /> Report</a>
        {allows(who, 'jobs.ask') && ['failed', 'stopped'].includes(run.state) && <button type="button" onClick={() => resume([run.id], again)}><Icon name="play" /> Resume</button>}
        {allows(who, 'jobs.ask') && <a class="button" href={`#/new-run?from=${run.id}`} title="A new run, filled with what this one was told"><Icon name="copy" /> Clone</a>}
        {run.state === 'running' && <button type="button" disabled={!allows(who, 'runs.stop')} title={allows(who, 'runs.stop') ? '' : 'Needs the permission runs.stop'} onClick={() => ask(true)}><Icon name="stop" /> Stop run</button>}
      </div>
      <Facts run={run} />
      <Lineage run={run} />
      {asked && <Stop run={run} close={() => ask(false)} again={again} />}
    </header>
  );
}

function Facts({ run }: { run: RunDetail }) {
  const going = !run.ended;
  const left = run.metrics['seconds_left'];
  const key = keyOf(Object.keys(run.metrics));
  return (
    <dl class="facts" aria-label="Status">
      <div><dt>Step</dt><dd>{run.step}</dd></div>
      <div><dt>Started</dt><dd><Ago at={run.started} /></dd></div>
      <div><dt>{going ? 'Going for' : 'Took'}</dt><dd><Span from={run.started} to={run.ended ?? null} took={run.seconds ?? null} /></dd></div>
      {going && left !== undefined && <div><dt>Left, about</dt><dd>{seconds(left)}</dd></div>}
      {key && <div class="key"><dt>{key}</dt><dd><Figure value={run.metrics[key]} /></dd></div>}
      {run.memory_gb != null && <div><dt>Peak memory</dt><dd><Figure value={run.memory_gb} unit="GB" /></dd></div>}
      <div><dt>Host</dt><dd>{run.host}</dd></div>
      <div><dt>Seed</dt><dd>{run.task.seed}</dd></div>
    </dl>
  );
}

/** Where it came from and where it led, each a click away. */
function Lineage({ run }: { run: RunDetail }) {
  if (!run.parents.length && !run.children.length) return null;
  return (
    <nav class="lineage" aria-label="Lineage">
      {run.parents.map((near) => <Near key={near.digest} of={near} />)}
      {run.parents.length > 0 && <span class="arrow" aria-hidden="true">→</span>}
      <span class="here" aria-current="true">run {run.id}</span>
      {run.children.length > 0 && <span class="arrow" aria-hidden="true">→</span>}
      {run.children.slice(0, SHOWN).map((near) => <Near key={near.digest} of={near} />)}
      {run.children.length > SHOWN && <a href={`#/runs/${run.id}?tab=artifacts`}>{run.children.length - SHOWN} more</a>}
    </nav>
  );
}

function Near({ of: near }: { of: RunDetail['parents'][number] }) {
  const words = <><span class="muted">{near.kind}</span> {near.label || near.step}</>;
  return near.run ? <a class="near" href={`#/runs/${near.run}`} title={near.digest}>{words}</a> : <span class="near" title={near.digest}>{words}</span>;
}

/** What stopping means, then the choice: a stopped run goes on from its last checkpoint, so nothing is typed. */
function Stop({ run, close, again }: { run: RunDetail; close: () => void; again: () => void }) {
  const stop = () => {
    close();
    call('POST /runs/{id}/stop', { path: { id: run.id } }).then(() => {
      toast(`Run ${run.id} was asked to stop`);
      again();
    }, (problem: Error) => toast(`Run ${run.id} goes on: ${problem.message}`, 'bad'));
  };
  return (
    <Dialog label={`Stop run ${run.id}`} kind="ask" close={close}>
      <h2>Stop run {run.id}?</h2>
      <p>It has worked for <Span from={run.started} to={null} took={null} />. It ends where it next reports. What it saved by then stays: the same run, started again, goes on from its last checkpoint.</p>
      <p class="row"><button type="button" class="primary" onClick={stop}>Stop run {run.id}</button><button type="button" onClick={close} autofocus>Keep it running</button></p>
    </Dialog>
  );
}
