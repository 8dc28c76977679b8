// One run, live: how it stands, its key figure, then curves, machine, logs, parameters, artifacts.
import { useEffect } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { useTopic } from '../api/topic.ts';
import type { Run, RunDetail } from '../api/kinds.ts';
import { isMachine, isSpeed, keyOf, machineCharts } from '../chart/names.ts';
import { Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useQuery } from '../parts/place.ts';
import { Artifacts } from './run/artifacts.tsx';
import { Curves, KeyCurve } from './run/curves.tsx';
import { Head } from './run/head.tsx';
import { Logs } from './run/logs.tsx';
import { Machine } from './run/machine.tsx';
import { Parameters } from './run/parameters.tsx';

interface News {
  run?: Run;
  points?: Array<[id: number, name: string, ...unknown[]]>;
}

export default function RunPage({ id }: { id: string }) {
  const number = /^\d{1,15}$/.test(id) ? Number(id) : -1;
  const ready = useTopic<News>(`run/${number}`, ({ run, points }) => {
    answer.change((now) => grown(now, run, (points ?? []).map((point) => point[1])));
    if (run?.ended) answer.again(); // its output and what came of it are known now
  }, () => answer.again());
  const answer = useAnswer('GET /runs/{id}', { path: { id: number } }, ready);
  useEffect(() => void (document.title = `Run ${id} · AI Mass`), [id]);
  return <div class="page run">{!answer.value && <h1 class="unseen">Run {id}</h1>}<Shown of={answer} what={`Run ${id}`} lines={10}>{(run) => <Detail run={run} again={answer.again} />}</Shown></div>;
}

/** NOW with what RUN says, and names of figures that had none before. */
function grown(now: RunDetail, run: Run | undefined, names: string[]): RunDetail {
  const fresh = names.filter((name) => !now.names.includes(name));
  return { ...now, ...run, names: fresh.length ? [...new Set([...now.names, ...fresh])].sort() : now.names };
}

function Detail({ run, again }: { run: RunDetail; again: () => void }) {
  const key = keyOf(run.names);
  const quality = run.names.filter((name) => !isSpeed(name));
  const speed = run.names.filter((name) => isSpeed(name) && !isMachine(name));
  const machine = machineCharts(run.names);
  const [tab, choose] = useQuery('tab', quality.length ? 'curves' : 'parameters');
  const tabs = [
    { key: 'curves', title: 'Curves', count: quality.length },
    { key: 'machine', title: 'Machine', count: machine.length + speed.length },
    { key: 'logs', title: 'Logs' },
    { key: 'parameters', title: 'Parameters' },
    { key: 'artifacts', title: 'Artifacts' },
  ];
  return (
    <>
      <Head run={run} again={again} />
      {run.error && <Wrong error={run.error as Record<string, string>} />}
      {key && !isSpeed(key) && tab !== 'curves' && <KeyCurve run={run} name={key} />}
      <Tabs label="Parts of the run" tabs={tabs} at={tab} choose={choose}>
        {tab === 'curves' && <Curves run={run} names={quality} first={key} none="This run reports no figures of quality." />}
        {tab === 'machine' && <Machine run={run} charts={machine} speed={speed} />}
        {tab === 'logs' && <Logs run={run} />}
        {tab === 'parameters' && <Parameters run={run} />}
        {tab === 'artifacts' && <Artifacts run={run} />}
      </Tabs>
    </>
  );
}

function Wrong({ error }: { error: Record<string, string> }) {
  return (
    <section class="wrong" aria-label="Why it failed">
      <State of="failed" />
      <p><b>{error['error'] ?? 'It ended without a word'}</b>
        {error['expected'] && <><br />Expected: {error['expected']}</>}
        {error['to_do'] && <><br />To do: {error['to_do']}</>}
        {error['key'] && <><br />Setting: <code>{error['key']}</code></>}</p>
    </section>
  );
}
