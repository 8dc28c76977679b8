// One dataset: the profile of its columns, its rows, its quality, what was put aside, and what differs from another version.
import { useEffect } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import type { DatasetDetail } from '../api/kinds.ts';
import { Drawn, useLineage } from '../parts/lineage.tsx';
import { useQuery } from '../parts/place.ts';
import { Shown } from '../parts/states.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Compared } from './dataset/compared.tsx';
import { Contract } from './dataset/contract.tsx';
import { Head } from './dataset/head.tsx';
import { ProfileTab } from './dataset/profile.tsx';
import { QualityTab } from './dataset/quality.tsx';
import { Quarantine } from './dataset/quarantine.tsx';
import { Rows } from './dataset/rows.tsx';
import { Others } from './dataset/versions.tsx';

export default function DatasetPage({ digest }: { digest: string }) {
  const answer = useAnswer('GET /datasets/{digest}', { path: { digest } });
  const name = answer.value?.name;
  useEffect(() => void (name && (document.title = `${name} · AI Mass`)), [name]);
  return <div class="page dataset">{!answer.value && <h1 class="unseen">Dataset</h1>}<Shown of={answer} what="This dataset" lines={10}>{(dataset) => <Detail dataset={dataset} />}</Shown></div>;
}

function Detail({ dataset }: { dataset: DatasetDetail }) {
  const lineage = useLineage(dataset.digest);
  const [tab, choose] = useQuery('tab', 'profile');
  const bad = dataset.quality.bad ?? 0;
  const tabs = [
    { key: 'profile', title: 'Profile', count: dataset.columns.length },
    { key: 'rows', title: 'Rows' },
    { key: 'quality', title: 'Quality' },
    ...(bad ? [{ key: 'quarantine', title: dataset.step === 'collect' ? 'Unreadable rows' : 'Quarantine', count: bad }] : []),
    { key: 'contract', title: 'Schema' },
    ...(dataset.versions.length > 1 ? [{ key: 'difference', title: 'Difference' }, { key: 'versions', title: 'Versions', count: dataset.versions.length }] : []),
    { key: 'lineage', title: 'Lineage' },
  ];
  const at = tabs.some((one) => one.key === tab) ? tab : 'profile';
  return (
    <>
      <Head dataset={dataset} lineage={lineage.value} />
      <Tabs label="Parts of the dataset" tabs={tabs} at={at} choose={choose}>
        {at === 'profile' && <ProfileTab dataset={dataset} />}
        {at === 'rows' && <Rows digest={dataset.digest} />}
        {at === 'quality' && <QualityTab dataset={dataset} />}
        {at === 'quarantine' && <Quarantine dataset={dataset} />}
        {at === 'contract' && <Contract dataset={dataset} />}
        {at === 'difference' && <Compared dataset={dataset} />}
        {at === 'versions' && <Others dataset={dataset} />}
        {at === 'lineage' && <Shown of={lineage} what="The lineage">{(whole) => <Drawn of={whole} />}</Shown>}
      </Tabs>
    </>
  );
}
