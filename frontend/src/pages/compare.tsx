// Runs side by side: what differs between them first, each figure against a baseline, then their curves on one axis.
import { useEffect, useRef } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { useTopic } from '../api/topic.ts';
import type { Run } from '../api/kinds.ts';
import { isMachine, isOwnUse, keyOf } from '../chart/names.ts';
import { listed } from '../parts/address.ts';
import { Csv } from '../parts/csv-button.tsx';
import { plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useKept, useQuery } from '../parts/place.ts';
import { Empty, Shown } from '../parts/states.tsx';
import { copyLink } from '../shell/keys.ts';
import { BesideCurves } from './compare/curves.tsx';
import { csvOf } from './compare/csv.ts';
import { figuresOf, placesOf, WAYS, without, type Compared, type Way } from './compare/rows.ts';
import { Differences } from './compare/table.tsx';

const SOON = 1500; // milliseconds in which several changes are one

export default function ComparePage() {
  const [chosen, choose] = useQuery('runs');
  const places = placesOf(chosen);
  const ids = [...places.keys()];
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const soon = () => void (timer.current ??= setTimeout(() => {
    timer.current = undefined;
    answer.again();
  }, SOON));
  useEffect(() => () => clearTimeout(timer.current), []);
  const ready = useTopic<{ changed: Run[] }>('runs', ({ changed }) => changed.some((run) => ids.includes(run.id)) && soon(), soon);
  const answer = useAnswer('GET /compare', { query: { runs: ids.join(',') } }, ready && ids.length);
  return (
    <div class="page compare">
      {ids.length > 0 && !answer.value && <h1 class="unseen">Compare</h1>}
      {ids.length ? <Shown of={answer} what="The comparison" lines={12}>{({ runs, missing }) => <Whole runs={runs} missing={missing} at={answer.at} colours={places} remove={(id) => choose(without(chosen, id))} />}</Shown> : (
        <>
          <header class="head"><h1>Compare</h1></header>
          <Empty title="Choose runs to compare"><p>Tick two or more in the list of runs, then Compare. What differs between them stands first.</p><p class="row"><a class="button primary" href="#/runs">Choose runs</a></p></Empty>
        </>
      )}
    </div>
  );
}

function Whole({ runs, missing, at, colours, remove }: { runs: Compared[]; missing: number[]; at: number; colours: Map<number, number>; remove: (id: number) => void }) {
  const [pinned, pin] = useQuery('base', String(runs[0]?.id ?? ''));
  const [kept, setWay] = useKept('compare', 'way', 'best');
  const way = (WAYS as readonly string[]).includes(kept) ? kept as Way : 'best';
  const all = figuresOf(runs);
  const figures = all.filter((name) => !isMachine(name));
  const first = keyOf(figures);
  const [named, draw] = useQuery('figures', first ?? '');
  const drawn = listed(named).filter((name) => all.includes(name));
  const turn = (name: string) => draw(drawn.includes(name) ? drawn.filter((one) => one !== name).join(',') : [...drawn, name].join(','));
  const base = runs.find((run) => String(run.id) === pinned);
  return (
    <>
      <header class="head"><h1>Compare</h1><p class="muted" role="status">{plural(runs.length, 'run')}{missing.length > 0 && `; there is no run ${missing.join(', ')}`}</p><span class="space" />
        <a class="button" href={`#/runs?picked=${runs.map((run) => run.id).join(',')}`}><Icon name="plus" /> Add runs</a>
        <button type="button" class="quiet" onClick={copyLink}><Icon name="link" /> Copy link</button>
        <Csv of="the table" name="compare" text={() => csvOf(runs, figures, way)} /></header>
      {runs.length ? (
        <>
          <div class="bar">
            <label>Figures as their <select value={way} onChange={(event) => setWay(event.currentTarget.value)}>{WAYS.map((one) => <option key={one} value={one}>{one} value</option>)}</select></label>
            {base && <span class="muted">differences are to run {base.id}, the baseline</span>}
          </div>
          <Differences runs={runs} figures={figures} way={way} base={base} pin={(id) => pin(String(id))} colours={colours} remove={remove} />
          <section aria-labelledby="curves">
            <h2 id="curves">Curves</h2>
            {all.length ? <BesideCurves runs={runs} figures={[...figures, ...all.filter(isOwnUse)]} drawn={drawn} turn={turn} colours={colours} at={at} /> : <Empty title="No curves">These runs report no figures.</Empty>}
          </section>
        </>
      ) : <Empty title="None of these runs is there"><a class="button" href="#/runs">Choose runs</a></Empty>}
    </>
  );
}
