// A version of a model: its card, its graph, what it was chosen from, why it answers as it does, where it comes from.
import { useEffect } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import type { Calls } from '../api/schema.ts';
import { Lineage } from '../parts/lineage.tsx';
import { useQuery } from '../parts/place.ts';
import { Empty, Shown } from '../parts/states.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Missing } from './missing.tsx';
import { Candidates } from './ledger/candidates.tsx';
import { Card } from './model/card.tsx';
import { Explanations } from './model/explanations.tsx';
import { Graph } from './model/graph.tsx';
import { Head } from './model/head.tsx';
import { Versions } from './model/versions.tsx';

export type Version = Calls['GET /models/{name}/{number}']['answer'];

export default function ModelPage({ name, number }: { name: string; number: string }) {
  if (!/^[1-9]\d{0,8}$/.test(number)) return <Missing path={`/models/${name}/${number}`} />;
  return <Known name={name} number={Number(number)} />;
}

function Known({ name, number }: { name: string; number: number }) {
  const { again, ...version } = useAnswer('GET /models/{name}/{number}', { path: { name, number } });
  useEffect(() => void (document.title = `${name}@${number} · AI Mass`), [name, number]);
  return <div class="page model">{!version.value && <h1 class="unseen">{name}@{number}</h1>}<Shown of={{ ...version, again }} what={`${name}@${number}`} lines={10}>{(version) => <Whole of={version} again={again} />}</Shown></div>;
}

function Whole({ of: version, again }: { of: Version; again: () => void }) {
  const [tab, choose] = useQuery('tab', 'card');
  const tabs = [
    { key: 'card', title: 'Card' },
    { key: 'graph', title: 'Graph' },
    { key: 'compression', title: 'Compression' },
    { key: 'explanations', title: 'Explanations' },
    { key: 'versions', title: 'Versions' },
    { key: 'lineage', title: 'Lineage' },
  ];
  return (
    <>
      <Head of={version} again={again} />
      <Tabs label="Parts of the model" tabs={tabs} at={tab} choose={choose}>
        {tab === 'card' && <Card of={version} />}
        {tab === 'graph' && <Graph of={version} />}
        {tab === 'compression' && (version.ledger ? <Chosen ledger={version.ledger} />
          : <Empty title="It was not chosen among others">A model that was imported has no ledger: its gates say what argues for it.</Empty>)}
        {tab === 'explanations' && <Explanations of={version} />}
        {tab === 'versions' && <Versions key={version.aliases.join()} of={version} again={again} />}
        {tab === 'lineage' && <Lineage digest={version.digest} />}
      </Tabs>
    </>
  );
}

function Chosen({ ledger }: { ledger: string }) {
  const answer = useAnswer('GET /ledgers/{digest}', { path: { digest: ledger } });
  return <Shown of={answer} what="The ledger" lines={10}>{(ledger) => <Candidates of={ledger} />}</Shown>;
}
