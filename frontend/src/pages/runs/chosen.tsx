// What can be done with the runs that were ticked.
import { useState } from 'preact/hooks';
import { me } from '../../api/client.ts';
import type { Run } from '../../api/kinds.ts';
import { useCell } from '../../parts/cell.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { plural, seconds } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { allows } from '../../parts/rights.ts';
import { resume, stop } from './bulk.ts';

const MOST = 200; // runs that are compared at once

export function ChosenBar({ ids, rows, clear, again }: { ids: number[]; rows: Run[]; clear: () => void; again: () => void }) {
  const who = useCell(me);
  const [asked, ask] = useState(false);
  const known = rows.filter((run) => ids.includes(run.id));
  const going = known.filter((run) => run.state === 'running');
  const ended = known.filter((run) => ['failed', 'stopped'].includes(run.state));
  const comparable = ids.length > 1 && ids.length <= MOST;
  return (
    <div class="chosen-bar" role="group" aria-label="Chosen runs">
      <span role="status"><b class="figure">{ids.length}</b> chosen</span>
      {comparable ? <a class="button primary" href={`#/compare?runs=${ids.join(',')}`}><Icon name="compare" /> Compare</a>
        : <button type="button" disabled title={ids.length > 1 ? `At most ${MOST}` : 'Choose two or more'}><Icon name="compare" /> Compare</button>}
      {allows(who, 'runs.stop') && <button type="button" disabled={!going.length} onClick={() => ask(true)}><Icon name="stop" /> Stop{going.length > 0 && ` ${going.length}`}</button>}
      {allows(who, 'jobs.ask') && <button type="button" disabled={!ended.length} title={ended.length ? 'They go on from their checkpoints' : 'None of them failed or was stopped'} onClick={() => void resume(ended.map((run) => run.id), () => { clear(); again(); })}><Icon name="play" /> Resume{ended.length > 0 && ` ${ended.length}`}</button>}
      <span class="space" />
      <button type="button" class="quiet" onClick={clear}><Icon name="close" /> Clear</button>
      {asked && <Stop runs={going} close={() => ask(false)} again={() => { clear(); again(); }} />}
    </div>
  );
}

/** What stopping means, in numbers, then the choice. */
function Stop({ runs, close, again }: { runs: Run[]; close: () => void; again: () => void }) {
  const worked = runs.reduce((sum, run) => sum + (run.seconds ?? 0), 0);
  return (
    <Dialog label="Stop runs" kind="ask" close={close}>
      <h2>Stop {plural(runs.length, 'run')}?</h2>
      <p>They have worked for {seconds(worked)} together. Each ends where it next reports; what it saved by then stays, and Resume lets it go on from there.</p>
      <p class="row"><button type="button" class="primary" onClick={() => { close(); void stop(runs.map((run) => run.id), again); }}>Stop {plural(runs.length, 'run')}</button><button type="button" onClick={close} autofocus>Keep them running</button></p>
    </Dialog>
  );
}
